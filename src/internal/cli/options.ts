/** The options of the commands, and what a help says of each. */
import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** How an option is written, and what it does. */
export interface Described {
  readonly usage: string
  readonly description: string
}

const descriptions = new Map<unknown, Described>()

/** What a help says of these options, in their order. */
export const described = (options: object): ReadonlyArray<Described> =>
  Object.values(options).flatMap((option) => descriptions.get(option) ?? [])

const describe = <A>(option: A, usage: string, description: string): A => {
  descriptions.set(option, { usage, description })
  return option
}

/** Tells whether a word of a command line is an option that takes a value. */
export const takesValue = (word: string): boolean =>
  [...descriptions.values()].some(({ usage }) => usage.startsWith(`${word} <`))

/** An option that is given or not. */
export const flag = (name: string, description: string) =>
  describe(Options.boolean(name), `--${name}`, description)

/** `--yes`, or `-y`. */
export const yes = describe(
  Options.withAlias(Options.boolean("yes"), "y"),
  "-y, --yes",
  "Do not ask first. Needed where no terminal is."
)

/** An option that may be left out, which gives `undefined`. `value` is what stands for its value in a help. */
export const optional = (name: string, value: string, description: string) =>
  describe(
    Options.map(Options.optional(Options.text(name)), Option.getOrUndefined),
    `--${name} <${value}>`,
    description
  )

/** An option that has a default. */
export const defaulted = (name: string, value: string, byDefault: string, description: string) =>
  checked(name, value, byDefault, description, Option.some, "")

/** An option with a default, whose value is read from its text. */
const checked = <A>(
  name: string,
  value: string,
  byDefault: string,
  description: string,
  read: (text: string) => Option.Option<A>,
  refusal: string
) =>
  describe(
    Options.filterMap(Options.withDefault(Options.text(name), byDefault), read, refusal),
    `--${name} <${value}>`,
    `${description} Default: ${byDefault}.`
  )

/** One of several words. */
export const choice = <const A extends string>(
  name: string,
  words: readonly [A, ...Array<A>],
  description: string
) =>
  describe(
    Options.map(Options.optional(Options.choice(name, words)), Option.getOrUndefined),
    `--${name} <${words.join(" | ")}>`,
    description
  )

/** The one argument of a command, which may be left out. */
export const argument = (name: string, description: string) =>
  describe(
    Args.map(Args.optional(Args.text({ name })), Option.getOrUndefined),
    `<${name}>`,
    description
  )

/** `--within`: a time back from now. */
export const within = (byDefault: string) =>
  checked(
    "within",
    "time",
    byDefault,
    'How far to look back, such as "15 minutes" or "7 days".',
    (text) =>
      // Effect reads a negative duration as zero. No figure goes further back than ten years.
      Option.filter(
        Duration.decodeUnknown(text),
        (time) => !text.startsWith("-") && Duration.lessThanOrEqualTo(time, "3660 days")
      ),
    '--within must be a duration of at most 3660 days, such as "15 minutes".'
  )

/** `--limit`: how many are shown. */
export const limit = (byDefault: number, what: string) =>
  checked(
    "limit",
    "number",
    `${byDefault}`,
    `How many ${what} to show at most, with --json too.`,
    (text) => (/^0*[1-9]\d{0,8}$/.test(text) ? Option.some(Number(text)) : Option.none()),
    "--limit must be a whole number of at least 1."
  )

/** `--log`: where a command that ends sessions writes its event. */
export const log = optional(
  "log",
  "file",
  "Append who ended what to this audit log, as SessionEvents.layerAuditFile does."
)

/** `--json`: for programs. */
export const json = flag("json", "Print JSON instead of text.")

/** `--namespace`: as `SessionConfig` has it. */
export const namespace = defaulted(
  "namespace",
  "name",
  "session",
  "The namespace that SessionConfig sets."
)

/** A store that a command names. */
export const place = (name: string, description: string) =>
  optional(
    name,
    "store",
    `${description}: file: and a directory, the URL of a database, or the name of a variable that holds either. Default: the store that the environment names.`
  )

/** The table of a store that a command names. */
export const table = (name: string, place: string) =>
  defaulted(name, "table", "sessions", `The table of the database that ${place} names.`)

/** Which variables a command reads besides those of the process. */
export const envFile = {
  file: optional(
    "env-file",
    "file",
    "Where to read the variables that the process lacks. Default: .env."
  ),
  none: flag("no-env-file", "Read no file with variables.")
}
