/**
 * Reading the environment's variables through Effect's `ConfigProvider`. A variable that is empty or says `null` is as
 * none. An error names the variable and never tells its value.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { SessionConfigError } from "../errors/errors.js"

/** What a variable may hold, or why it may not. */
export type Variable<A> = Effect.Effect<A | undefined, SessionConfigError>

/** Fails with an error about a variable; `reason` goes on after its name and ends the sentence. */
export const fail = (name: string, reason: string): Effect.Effect<never, SessionConfigError> =>
  Effect.fail(new SessionConfigError({ field: name, reason }))

/** A variable whose value must not be shown. */
export const secret = (name: string): Variable<Redacted.Redacted<string>> =>
  Config.option(Config.redacted(name)).pipe(
    // What the provider says may hold the value, so it is not passed on.
    Effect.catchAll(() => fail(name, "cannot be read as one text.")),
    Effect.map((given) =>
      Option.getOrUndefined(
        Option.filter(
          Option.map(given, (value) => Redacted.make(Redacted.value(value).trim())),
          (value) => !/^(?:null)?$/i.test(Redacted.value(value))
        )
      )
    )
  )

/** A variable as text. */
export const text = (name: string): Variable<string> =>
  Effect.map(secret(name), (given) => given && Redacted.value(given))

/** A variable that says yes or no. */
export const flag = (name: string): Variable<boolean> =>
  Effect.flatMap(text(name), (given) => {
    if (given === undefined) return Effect.succeed(undefined)
    if (/^(?:true|1|yes|on)$/i.test(given)) return Effect.succeed(true)
    if (/^(?:false|0|no|off)$/i.test(given)) return Effect.succeed(false)
    return fail(name, "must be true or false.")
  })
