/**
 * What the command line accepts. The code of a command, and with it the store and its driver, is loaded when it runs. A
 * failure prints one sentence and gives exit code 1.
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Types from "effect/Types"
import { SessionConfigError } from "../errors/errors.js"
import { CliError, type Failure } from "./CliError.js"

const flag = (name: string, description: string) =>
  Options.boolean(name).pipe(Options.withDescription(description))

const textOr = (name: string, byDefault: string, description: string) =>
  Options.text(name).pipe(
    Options.withDefault(byDefault),
    Options.withDescription(`${description} Default: ${byDefault}.`)
  )

const optionalText = (name: string, description: string) =>
  Options.text(name).pipe(
    Options.withDescription(description),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )

const within = (byDefault: string) =>
  Options.filterMap(
    textOr("within", byDefault, 'How far to look back, such as "15 minutes" or "7 days".'),
    // Effect reads a negative duration as zero.
    (given) => (given.startsWith("-") ? Option.none() : Duration.decodeUnknown(given)),
    '--within must be a duration, such as "15 minutes".'
  )

const json = flag("json", "Print JSON instead of text.")
const namespace = textOr("namespace", "session", "The namespace that SessionConfig sets.")

/** A command. Its code is loaded when it runs. */
const command = <const Name extends string, const Config extends Command.Command.Config, R>(
  name: Name,
  description: string,
  options: Config,
  load: () => Promise<
    (given: Types.Simplify<Command.Command.ParseConfig<Config>>) => Effect.Effect<void, Failure, R>
  >
) =>
  Command.make(name, options, (given) =>
    Effect.flatMap(Effect.promise(load), (run) => run(given))
  ).pipe(Command.withDescription(description))

const migrate = command(
  "migrate",
  "Makes the table of the sessions, or brings it up to date.",
  { json },
  async () => (await import("./schema.js")).migrate
)

const makeMigration = command(
  "make:migration",
  "Writes a migration into the app's own folder, numbered after the last.",
  {
    json,
    directory: textOr("directory", "migrations", "The app's migrations. Made when it is missing."),
    table: textOr("table", "sessions", "The name of the table."),
    sql: Options.choice("sql", ["postgres", "mysql", "sqlite"]).pipe(
      Options.withDescription("Write SQL for this database instead of TypeScript."),
      Options.optional,
      Options.map(Option.getOrUndefined)
    )
  },
  async () => (await import("./schema.js")).makeMigration
)

const cleanup = command(
  "cleanup",
  "Removes the sessions that are over, in small batches.",
  { json },
  async () => (await import("./change.js")).cleanup
)

const clear = command(
  "clear",
  "Ends all sessions, which logs everybody out. Asks first.",
  { json, namespace, yes: Options.withAlias(flag("yes", "Do not ask first."), "y") },
  async () => (await import("./change.js")).clear
)

const list = command(
  "list",
  "Lists sessions.",
  {
    json,
    namespace,
    user: optionalText("user", "Only sessions of this user."),
    all: flag("all", "Also sessions that are over and still kept."),
    limit: Options.integer("limit").pipe(
      Options.withDefault(100),
      Options.withDescription("How many sessions to list at most. Default: 100."),
      Options.filterMap(
        Option.liftPredicate((limit) => limit >= 1),
        "--limit must be at least 1."
      )
    )
  },
  async () => (await import("./look.js")).list
)

const active = command(
  "active",
  "Lists the sessions that were active recently, the latest first.",
  { json, namespace, within: within("15 minutes") },
  async () => (await import("./look.js")).active
)

const stats = command(
  "stats",
  "Shows how many sessions there are, how long they last, the hours, and users with several addresses.",
  { json, namespace, within: within("24 hours") },
  async () => (await import("./look.js")).stats
)

const audit = command(
  "audit",
  "Shows the users who were seen from several addresses with their sessions, or the events of an audit log.",
  {
    json,
    namespace,
    within: within("1 hour"),
    user: optionalText("user", "Only this user."),
    log: optionalText(
      "log",
      "Show the events of this file, which SessionEvents.layerAuditFile wrote."
    )
  },
  async () => (await import("./audit.js")).audit
)

const revoke = command(
  "revoke",
  "Ends a session, or all sessions of a user.",
  {
    json,
    namespace,
    id: Args.text({ name: "id" }).pipe(
      Args.withDescription("The id of a session."),
      Args.optional,
      Args.map(Option.getOrUndefined)
    ),
    user: optionalText("user", "End all sessions of this user."),
    except: optionalText("except", "With --user: the id of a session that goes on.")
  },
  async () => (await import("./change.js")).revoke
)

const place = (name: string) =>
  optionalText(
    name,
    "A store: file: and a directory, the URL of a database, or the name of a variable that holds either. Default: the store that the environment names."
  )

const table = (name: string) =>
  textOr(name, "sessions", "The table, when the store is a database that this command names.")

const copy = command(
  "copy",
  "Moves all live sessions to another store. Stop the servers first, or let them use both stores with SessionStore.migrating.",
  {
    json,
    from: place("from"),
    to: place("to"),
    fromTable: table("from-table"),
    toTable: table("to-table")
  },
  async () => (await import("./copy.js")).copy
)

const doctor = command(
  "doctor",
  "Checks the settings, the store, its table and its clock.",
  { json },
  async () => (await import("./doctor.js")).doctor
)

const root = Command.make("effect-session").pipe(
  Command.withDescription(
    "Manages the sessions of an app, in the store that the environment names: SESSION_DRIVER (file or database), SESSION_FILES, SESSION_CONNECTION or DATABASE_URL, SESSION_TABLE."
  ),
  // biome-ignore format: one line reads better
  Command.withSubcommands([migrate, makeMigration, cleanup, clear, list, active, stats, audit, revoke, copy, doctor])
)

/** Runs a command line (`process.argv`) and succeeds with the exit code; prints why when it is not 0. */
export const run = (argv: ReadonlyArray<string>, version: string) =>
  Command.run(root, { name: "effect-session", version })(argv).pipe(
    Effect.as(0),
    // The library dies of a wrong argument, and here a person gave it as an option of that name.
    Effect.catchSomeDefect((defect) =>
      defect instanceof SessionConfigError
        ? Option.some(new CliError({ message: `--${defect.field} ${defect.reason}` }))
        : Option.none()
    ),
    Effect.catchAll((failure: Failure | ValidationError.ValidationError) =>
      // The parser has printed its own errors.
      ValidationError.isValidationError(failure)
        ? Effect.succeed(1)
        : Effect.as(Console.error(failure.message), 1)
    )
  )
