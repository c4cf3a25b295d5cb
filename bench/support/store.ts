/** The store the measured server uses, by the database's URL. */
import { SqlClient } from "@effect/sql/SqlClient"
import { MysqlClient } from "@effect/sql-mysql2"
import { PgClient } from "@effect/sql-pg"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Effect, Layer, Redacted } from "effect"
import { SessionStore } from "../../src/index.js"
import { dialectOf } from "../../src/internal/sql/database.js"
import { openStore } from "../../src/internal/sql/store.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"

/** Connections of the server's pool. */
const maxConnections = 16

export const clientLayer = (url: string) => {
  if (url.startsWith("postgres")) return PgClient.layer({ url: Redacted.make(url), maxConnections })
  if (url.startsWith("mysql")) return MysqlClient.layer({ url: Redacted.make(url), maxConnections })
  return SqliteClient.layer({ filename: url.slice("sqlite:".length) })
}

/** The SQL store of a database, or the memory store where there is none. */
export const storeLayer = (
  url: string,
  batches: boolean
): Layer.Layer<SessionStore.SessionStore> =>
  url === ""
    ? SessionStore.layerMemory
    : Layer.effect(
        SessionStore.SessionStore,
        Effect.gen(function* () {
          yield* SqlSessionStore.migrate
          const client = yield* SqlClient
          const dialect = yield* dialectOf(client)
          const alone = { ...dialect, inList: undefined, updateMany: undefined }
          return yield* openStore(
            client,
            { table: "sessions", keepEnded: 0 },
            batches ? dialect : alone
          )
        })
      ).pipe(Layer.provide(clientLayer(url)), Layer.orDie)
