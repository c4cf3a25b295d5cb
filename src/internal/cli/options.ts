/** Options that several commands take. */
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** `--json`: for programs. */
export const json = Options.boolean("json").pipe(
  Options.withDescription("Print JSON instead of text.")
)

/** A text that has a default. */
export const textOr = (name: string, byDefault: string, description: string) =>
  Options.text(name).pipe(
    Options.withDefault(byDefault),
    Options.withDescription(`${description} Default: ${byDefault}.`)
  )

/** `--namespace`: as `SessionConfig` has it. */
export const namespace = textOr("namespace", "session", "The namespace that SessionConfig sets.")

/** A text that may be left out, which gives `undefined`. */
export const optionalText = (name: string, description: string) =>
  Options.text(name).pipe(
    Options.withDescription(description),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )

/** `--within`: a time back from now. */
export const within = (byDefault: string) =>
  Options.filterMap(
    textOr("within", byDefault, 'How far to look back, such as "15 minutes" or "7 days".'),
    // Effect reads a negative duration as zero.
    (given) => (given.startsWith("-") ? Option.none() : Duration.decodeUnknown(given)),
    '--within must be a duration, such as "15 minutes".'
  )
