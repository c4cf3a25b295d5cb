/** The commands: what each accepts, and which module runs it. That is loaded when the command runs. */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import type { Failure } from "./CliError.js"
import { providerOf, readEnvFile } from "./environment.js"
import * as Options from "./options.js"
import { Run } from "./Run.js"

/** What a help says of each command. */
export const catalogue = new Map<
  string,
  { readonly description: string; readonly options: ReadonlyArray<Options.Described> }
>()

/** What options give. */
type Given<Config extends Command.Command.Config> = Command.Command.ParseConfig<{
  readonly options: Config
}>["options"]

/** A command. Its code is loaded when it runs, after the file with variables was read. */
const command = <const Name extends string, const Config extends Command.Command.Config, R>(
  name: Name,
  description: string,
  options: Config,
  load: () => Promise<
    (given: Given<Config> & { readonly json: boolean }) => Effect.Effect<void, Failure, R>
  >
) => {
  const { envFile, json } = Options
  catalogue.set(name, { description, options: Options.described({ ...options, json, ...envFile }) })
  return Command.make(name, { options, json, envFile }, ({ options, json, envFile }) =>
    Effect.gen(function* () {
      yield* readEnvFile(envFile)
      const { variables } = yield* Run
      const handler = yield* Effect.promise(load)
      yield* Effect.withConfigProvider(handler({ ...options, json }), providerOf(variables))
    })
  ).pipe(Command.withDescription(description))
}

const migrate = command(
  "migrate",
  "Makes the table of the sessions, or brings it up to date.",
  {
    to: Options.place("to", "The database to migrate"),
    toTable: Options.table("to-table", "--to")
  },
  async () => (await import("./schema.js")).migrate
)

const makeMigration = command(
  "make:migration",
  "Writes a migration into the app's own folder, numbered after the last.",
  {
    directory: Options.defaulted(
      "directory",
      "path",
      "migrations",
      "The app's migrations. Made when it is missing."
    ),
    table: Options.defaulted("table", "name", "sessions", "The name of the table."),
    sql: Options.choice(
      "sql",
      ["postgres", "mysql", "sqlite"],
      "Write SQL for this database instead of TypeScript."
    )
  },
  async () => (await import("./schema.js")).makeMigration
)

const cleanup = command(
  "cleanup",
  "Removes the sessions that are over, in small batches.",
  {},
  async () => (await import("./change.js")).cleanup
)

const clear = command(
  "clear",
  "Ends all sessions, which logs everybody out. Asks first.",
  { namespace: Options.namespace, log: Options.log, yes: Options.yes },
  async () => (await import("./change.js")).clear
)

const list = command(
  "list",
  "Lists sessions.",
  {
    namespace: Options.namespace,
    user: Options.optional("user", "id", "Only sessions of this user."),
    all: Options.flag("all", "Also sessions that are over and still kept."),
    limit: Options.limit(100, "sessions")
  },
  async () => (await import("./look.js")).list
)

const active = command(
  "active",
  "Lists the sessions that were active recently, the latest first.",
  {
    namespace: Options.namespace,
    within: Options.within("15 minutes"),
    limit: Options.limit(100, "sessions")
  },
  async () => (await import("./look.js")).active
)

const stats = command(
  "stats",
  "Shows how many sessions there are, how long they last, the hours, and users with several addresses.",
  {
    namespace: Options.namespace,
    within: Options.within("24 hours"),
    limit: Options.limit(20, "users with several addresses")
  },
  async () => (await import("./look.js")).stats
)

const audit = command(
  "audit",
  "Shows the users who were seen from several addresses with their sessions, or the events of an audit log.",
  {
    namespace: Options.namespace,
    within: Options.within("1 hour"),
    limit: Options.limit(20, "users, sessions of each user, or events"),
    user: Options.optional("user", "id", "Only this user."),
    log: Options.optional(
      "log",
      "file",
      "Show the events of this file, which SessionEvents.layerAuditFile wrote."
    )
  },
  async () => (await import("./audit.js")).audit
)

const revoke = command(
  "revoke",
  "Ends a session, or all sessions of a user.",
  {
    namespace: Options.namespace,
    id: Options.argument("id", "The id of a session."),
    user: Options.optional("user", "id", "End all sessions of this user."),
    except: Options.optional("except", "id", "With --user: the id of a session that goes on."),
    log: Options.log
  },
  async () => (await import("./change.js")).revoke
)

const copy = command(
  "copy",
  "Copies all live sessions to another store; the first one stays as it is. Where both stores have a session, the newer version stays. Stop the servers first: what they write after a session was copied is not copied.",
  {
    from: Options.place("from", "The store to copy from"),
    to: Options.place("to", "The store to copy to"),
    fromTable: Options.table("from-table", "--from"),
    toTable: Options.table("to-table", "--to"),
    move: Options.flag(
      "move",
      "Remove each session from the first store once the other has it. Asks first."
    ),
    dryRun: Options.flag("dry-run", "Only say what would be copied."),
    yes: Options.yes
  },
  async () => (await import("./copy.js")).copy
)

const doctor = command(
  "doctor",
  "Checks the settings, the store, its table and its clock.",
  {},
  async () => (await import("./doctor.js")).doctor
)

const keyGenerate = command(
  "key:generate",
  "Prints a new key as a line for SESSION_KEYS. It writes no file.",
  {},
  async () => (await import("./keyGenerate.js")).keyGenerate
)

/** All commands. */
export const root = Command.make("effect-session").pipe(
  Command.withDescription("Manages the sessions of an app."),
  Command.withSubcommands([
    migrate,
    makeMigration,
    keyGenerate,
    doctor,
    list,
    active,
    stats,
    audit,
    revoke,
    clear,
    cleanup,
    copy
  ])
)
