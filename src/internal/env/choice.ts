/** The store that the environment names: `EnvSessionStore` provides it, and the command line works on it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as FileSystemSessionStore from "../../FileSystemSessionStore.js"
import { layerMemoryWith, type SessionStore } from "../../SessionStore.js"
import { fail, secret, text } from "../config/variables.js"
import type { SessionConfigError, SessionStoreError } from "../errors/errors.js"
import type { Connection as RedisConnection } from "../redis/options.js"
import { describe, type Named, serverOfUrl } from "../redis/url.js"
import { type Connection, connect, type Given } from "./connection.js"
import { load } from "./load.js"

interface Described {
  /** What the store is and where, for people, without user and password. */
  readonly description: string
  readonly store: Layer.Layer<SessionStore, SessionConfigError | SessionStoreError>
}

/** A store in a database. */
export interface DatabaseChoice extends Described, Connection {
  readonly driver: "database"
  readonly table: string
}

/** A store in Redis. */
export interface RedisChoice extends Described, Named {
  readonly driver: "redis"
}

/** A store. */
export type Choice =
  | DatabaseChoice
  | RedisChoice
  | (Described & { readonly driver: "memory" })
  | (Described & { readonly driver: "file"; readonly directory: string })

type Chosen = Effect.Effect<Choice, SessionConfigError>

/** Chooses by the environment. A driver is loaded only when the store's layer is built. */
export const choose = (keepEnded?: Duration.DurationInput): Chosen =>
  Effect.gen(function* () {
    const kept = keepEnded ?? (yield* keepEndedFromEnv)
    const driver = ((yield* text("SESSION_DRIVER")) ?? "file").toLowerCase()
    switch (driver) {
      case "memory":
      case "array":
        return {
          driver: "memory",
          description: "the memory of this process",
          store: layerMemoryWith({ keepEnded: kept })
        }
      case "file":
        return files((yield* text("SESSION_FILES")) ?? "storage/sessions", kept)
      case "database":
        return yield* database(yield* connectionFromEnv, yield* text("SESSION_TABLE"), kept)
      case "redis":
        return yield* redisFromEnv(kept)
      default:
        return yield* fail("SESSION_DRIVER", "must be memory, array, file, database or redis.")
    }
  })

const keepEndedFromEnv = Effect.flatMap(text("SESSION_KEEP_ENDED"), (given = "0 millis") =>
  Option.match(Duration.decodeUnknown(given), {
    onNone: () => fail("SESSION_KEEP_ENDED", 'must be a duration, such as "7 days".'),
    onSome: Effect.succeed
  })
)

const connectionFromEnv: Effect.Effect<Given, SessionConfigError> = Effect.gen(function* () {
  for (const source of ["SESSION_CONNECTION", "DATABASE_URL"]) {
    const url = yield* secret(source)
    if (url !== undefined) return { source, url }
  }
  const reason = "or DATABASE_URL must hold the database's URL when SESSION_DRIVER is database."
  return yield* fail("SESSION_CONNECTION", reason)
})

/**
 * Chooses by a text: `file:` and a directory, the URL of a database or of Redis, or the name of a variable that holds either.
 * `source` is what gave the text, for errors.
 */
export const chooseAt = (source: string, given: string, table: string): Chosen =>
  Effect.gen(function* () {
    const keepEnded = yield* keepEndedFromEnv
    const isVariable = /^[A-Z][A-Z0-9_]*$/.test(given)
    const url = isVariable ? yield* secret(given) : Redacted.make(given)
    if (url === undefined) return yield* fail(given, "is empty or not set.")
    const place = { source: isVariable ? given : source, url }
    if (/^rediss?:/i.test(Redacted.value(url))) return yield* redisAt(place, keepEnded)
    const directory = /^file:(?:\/\/)?(.*)$/i.exec(Redacted.value(url))?.[1]
    if (directory === undefined) return yield* database(place, table, keepEnded)
    return directory === ""
      ? yield* fail(place.source, "must name a directory, such as file:./sessions.")
      : files(directory, keepEnded)
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
    )
  }
}

const database = (given: Given, name = "sessions", keepEnded: Duration.DurationInput): Chosen =>
  Effect.map(connect(given), (connection) => {
    const { schema } = connection
    const table = schema === undefined || name.includes(".") ? name : `${schema}.${name}`
    const module = load("SESSION_DRIVER", "@effect/sql", () => import("../../SqlSessionStore.js"))
    return {
      ...connection,
      driver: "database",
      description: `the table ${table} of ${connection.description}`,
      store: Layer.provide(
        Layer.unwrapEffect(Effect.map(module, (sql) => sql.layerWith({ table, keepEnded }))),
        connection.client
      ),
      table
    }
  })

const redisFromEnv = (keepEnded: Duration.DurationInput): Chosen =>
  Effect.gen(function* () {
    const url = yield* secret("REDIS_URL")
    if (url !== undefined) return yield* redisAt({ source: "REDIS_URL", url }, keepEnded)
    const host = yield* text("REDIS_HOST")
    if (host === undefined) {
      const reason = "or REDIS_HOST must name the server when SESSION_DRIVER is redis."
      return yield* fail("REDIS_URL", reason)
    }
    const port = (yield* text("REDIS_PORT")) ?? "6379"
    if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) {
      return yield* fail("REDIS_PORT", "must be a number from 1 to 65535.")
    }
    const node = { host, port: Number(port) }
    const password = yield* secret("REDIS_PASSWORD")
    return redis(
      { server: { nodes: [node], password }, prefix: undefined },
      { ...node, password },
      keepEnded
    )
  })

const redisAt = ({ source, url }: Given, keepEnded: Duration.DurationInput): Chosen =>
  Effect.map(serverOfUrl(source, url), (named) => redis(named, { url }, keepEnded))

const redis = (
  named: Named,
  connection: RedisConnection,
  keepEnded: Duration.DurationInput
): Choice => {
  const module = load("SESSION_DRIVER", "redis", () => import("../../RedisSessionStore.js"))
  return {
    ...named,
    driver: "redis",
    description: describe(named),
    store: Layer.unwrapEffect(
      Effect.map(module, ({ layer }) => layer({ ...connection, keepEnded }))
    )
  }
}
