/** Options that several commands take. */
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Problem } from "./problem.js"

/** `--json`: for programs. */
export const json = Options.boolean("json").pipe(
  Options.withDescription("Print JSON instead of text.")
)

/** `--namespace`: as `SessionConfig` has it. */
export const namespace = Options.text("namespace").pipe(
  Options.withDefault("session"),
  Options.withDescription("The namespace of the sessions, as SessionConfig has it.")
)

/** `--within`: a time back from now. */
export const within = (otherwise: string) =>
  Options.text("within").pipe(
    Options.withDefault(otherwise),
    Options.withDescription('A time back from now, such as "15 minutes" or "7 days".')
  )

/** `--yes`: do not ask. */
export const yes = Options.boolean("yes").pipe(
  Options.withAlias("y"),
  Options.withDescription("Do not ask.")
)

/** Reads a duration as Effect writes it. */
export const durationOf = (option: string, given: string) =>
  Option.match(
    // A negative duration would count as none at all.
    Option.filter(Duration.decodeUnknown(given), () => !given.startsWith("-")),
    {
      onNone: () =>
        new Problem({ message: `--${option} must be a duration, such as "15 minutes".` }),
      onSome: Effect.succeed
    }
  )
