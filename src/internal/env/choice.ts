/** Which store the environment names: what `EnvSessionStore` provides and the command line works on. */
import type { SqlClient } from "@effect/sql/SqlClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as FileSystemSessionStore from "../../FileSystemSessionStore.js"
import { layerMemoryWith, type SessionStore } from "../../SessionStore.js"
import type { SessionConfigError, SessionStoreError } from "../errors.js"
import { connect } from "./connection.js"
import { load } from "./load.js"
import { fail, secret, text } from "./variables.js"

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
        return yield* files(keepEnded)
      case "database":
        return yield* database(keepEnded)
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

const files = (keepEnded: Duration.DurationInput): Effect.Effect<Choice, SessionConfigError> =>
  Effect.map(text("SESSION_FILES"), (given) => {
    const directory = given ?? "storage/sessions"
    const context = load(
      "SESSION_DRIVER",
      "@effect/platform-node",
      () => import("@effect/platform-node/NodeContext")
    )
    return {
      driver: "file",
      description: `the files in ${directory}`,
      store: Layer.provide(
        FileSystemSessionStore.layer({ directory, keepEnded }),
        Layer.unwrapEffect(Effect.map(context, ({ layer }) => layer))
      ),
      database: undefined
    }
  })

const database = (keepEnded: Duration.DurationInput): Effect.Effect<Choice, SessionConfigError> =>
  Effect.gen(function* () {
    const own = yield* secret("SESSION_CONNECTION")
    const url = own ?? (yield* secret("DATABASE_URL"))
    if (url === undefined || Redacted.value(url) === "") {
      const reason = "or DATABASE_URL must hold the database's URL when SESSION_DRIVER is database."
      return yield* fail("SESSION_CONNECTION", reason)
    }
    const variable = own === undefined ? "DATABASE_URL" : "SESSION_CONNECTION"
    const { client, description } = yield* connect(variable, url)
    const table = (yield* text("SESSION_TABLE")) ?? "sessions"
    const module = load("SESSION_DRIVER", "@effect/sql", () => import("../../SqlSessionStore.js"))
    return {
      driver: "database",
      description: `the table ${table} of ${description}`,
      store: Layer.provide(
        Layer.unwrapEffect(Effect.map(module, (sql) => sql.layer({ table, keepEnded }))),
        client
      ),
      database: { client, table }
    }
  })
