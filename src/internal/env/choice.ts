/** Which store the environment names: what `EnvSessionStore` provides and the command line works on. */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as FileSystemSessionStore from "../../FileSystemSessionStore.js"
import { layerMemoryWith, type SessionStore } from "../../SessionStore.js"
import { fail, secret, text } from "../config/variables.js"
import type { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import { connect } from "./connection.js"
import { load } from "./load.js"

const defaultTable = "sessions"

/** How the layer of a chosen store can fail. */
export type ChoiceError = SessionConfigError | SessionStoreError

/** The database behind a chosen store. */
export interface Database {
  readonly client: Layer.Layer<SqlClient, ChoiceError>
  readonly table: string
}

/** A store as the environment names it. */
export interface Choice {
  readonly driver: "memory" | "file" | "database"
  /** What it is and where, for people; without user and password. */
  readonly description: string
  readonly store: Layer.Layer<SessionStore, ChoiceError>
  /** Only with the driver `file`. */
  readonly directory?: string
  /** Only with the driver `database`. */
  readonly database: Database | undefined
}

/** What the caller says beside the environment. */
export interface Options {
  /** Default: `SESSION_KEEP_ENDED`, else 0. */
  readonly keepEnded?: Duration.DurationInput | undefined
}

/** Reads the environment and chooses. Loads nothing yet: that happens when the store's layer is built. */
export const choose = (options: Options = {}): Effect.Effect<Choice, SessionConfigError> =>
  Effect.gen(function* () {
    const keepEnded = options.keepEnded ?? (yield* keepEndedFromEnv)
    const driver = ((yield* text("SESSION_DRIVER")) ?? "file").toLowerCase()
    switch (driver) {
      case "memory":
      case "array":
        return memory(keepEnded)
      case "file":
        return files((yield* text("SESSION_FILES")) ?? "storage/sessions", keepEnded)
      case "database": {
        const table = (yield* text("SESSION_TABLE")) ?? defaultTable
        return yield* database(yield* connectionFromEnv, table, keepEnded)
      }
      default:
        return yield* fail("SESSION_DRIVER", "must be memory, array, file or database.")
    }
  })

const keepEndedFromEnv = Effect.flatMap(text("SESSION_KEEP_ENDED"), (given) =>
  given === undefined
    ? Effect.succeed(Duration.zero)
    : Option.match(Duration.decodeUnknown(given), {
        onNone: () => fail("SESSION_KEEP_ENDED", 'must be a duration, such as "7 days".'),
        onSome: Effect.succeed
      })
)

const memory = (keepEnded: Duration.DurationInput): Choice => ({
  driver: "memory",
  description: "the memory of this process",
  store: layerMemoryWith({ keepEnded }),
  database: undefined
})

const files = (directory: string, keepEnded: Duration.DurationInput): Choice => {
  const context = load(
    "SESSION_DRIVER",
    "@effect/platform-node",
    () => import("@effect/platform-node/NodeContext")
  )
  return {
    driver: "file",
    description: `the files in ${directory}`,
    directory,
    store: Layer.provide(
      FileSystemSessionStore.layer({ directory, keepEnded }),
      Layer.unwrapEffect(Effect.map(context, ({ layer }) => layer))
    ),
    database: undefined
  }
}

/** The URL of a database, and what said so. */
interface Given {
  readonly source: string
  readonly url: Redacted.Redacted<string>
}

const connectionFromEnv: Effect.Effect<Given, SessionConfigError> = Effect.gen(function* () {
  const own = yield* secret("SESSION_CONNECTION")
  if (own !== undefined) return { source: "SESSION_CONNECTION", url: own }
  const url = yield* secret("DATABASE_URL")
  if (url !== undefined) return { source: "DATABASE_URL", url }
  const reason = "or DATABASE_URL must hold the database's URL when SESSION_DRIVER is database."
  return yield* fail("SESSION_CONNECTION", reason)
})

/**
 * The store of a text: `file:` and a directory, the URL of a database, or the name of a variable that holds either.
 * `source` is what said so, for errors.
 */
export const chooseAt = (
  source: string,
  given: string,
  table = defaultTable
): Effect.Effect<Choice, SessionConfigError> =>
  Effect.gen(function* () {
    if (/^[A-Z][A-Z0-9_]*$/.test(given)) {
      const held = yield* secret(given)
      if (held === undefined) return yield* fail(given, "is empty or not set.")
      return yield* storeAt({ source: given, url: held }, table)
    }
    return yield* storeAt({ source, url: Redacted.make(given) }, table)
  })

const storeAt = (given: Given, table: string): Effect.Effect<Choice, SessionConfigError> =>
  Effect.flatMap(keepEndedFromEnv, (keepEnded) => {
    const directory = /^file:(?:\/\/)?(.*)$/i.exec(Redacted.value(given.url))?.[1]
    if (directory === "")
      return fail(given.source, "must name a directory, such as file:./sessions.")
    return directory === undefined
      ? database(given, table, keepEnded)
      : Effect.succeed(files(directory, keepEnded))
  })

const database = (
  { source, url }: Given,
  table: string,
  keepEnded: Duration.DurationInput
): Effect.Effect<Choice, SessionConfigError> =>
  Effect.gen(function* () {
    const { client, description } = yield* connect(source, url)
    const module = load("SESSION_DRIVER", "@effect/sql", () => import("../../SqlSessionStore.js"))
    return {
      driver: "database",
      description: `the table ${table} of ${description}`,
      store: Layer.provide(
        Layer.unwrapEffect(Effect.map(module, (sql) => sql.layerWith({ table, keepEnded }))),
        client
      ),
      database: { client, table }
    }
  })
