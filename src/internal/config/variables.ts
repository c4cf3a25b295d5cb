/**
 * Reads variables of the environment through Effect's `ConfigProvider`. A variable that is empty or says `null` counts
 * as not set. An error names the variable and never tells its value.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { SessionConfigError } from "../errors/errors.js"

/** The value of a variable, `undefined` where it is not set. */
export type Variable<A> = Effect.Effect<A | undefined, SessionConfigError>

/** Fails with an error about a variable; `reason` goes on after its name and ends the sentence. */
export const fail = (name: string, reason: string): Effect.Effect<never, SessionConfigError> =>
  Effect.fail(new SessionConfigError({ field: name, reason }))

/** Reads a variable whose value must not be shown. */
export const secret = (name: string): Variable<Redacted.Redacted<string>> =>
  Config.option(Config.redacted(name)).pipe(
    // What the provider says may hold the value, so it is not passed on.
    Effect.catchAll(() => fail(name, "cannot be read as one text.")),
    Effect.map((given) => {
      const value = Option.match(given, { onNone: () => "", onSome: Redacted.value }).trim()
      return /^(?:null)?$/i.test(value) ? undefined : Redacted.make(value)
    })
  )

/** Reads a variable as text. */
export const text = (name: string): Variable<string> =>
  Effect.map(secret(name), (given) => given && Redacted.value(given))

/** Reads a variable that says yes or no. */
export const flag = (name: string): Variable<boolean> =>
  Effect.flatMap(text(name), (given) => {
    if (given === undefined) return Effect.succeed(undefined)
    if (/^(?:true|1|yes|on)$/i.test(given)) return Effect.succeed(true)
    if (/^(?:false|0|no|off)$/i.test(given)) return Effect.succeed(false)
    return fail(name, "must be true or false.")
  })
