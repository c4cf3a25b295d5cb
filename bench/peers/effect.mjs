/** The servers of this library on Effect 3, and a bare app of Effect 3. */
import { join } from "node:path"
import { HttpMiddleware, HttpServer, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeContext, NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import { appOf, connections, DATABASE_URL, DIRECTORY, REDIS_URL } from "./serve.mjs"

const answer = HttpServerResponse.text("ok")

const serving = (app, store, traced) => (server) => {
  const layer = HttpServer.serve(app).pipe(
    Layer.provide(NodeHttpServer.layer(() => server, { host: "127.0.0.1", port: 0 })),
    Layer.provide(store),
    Layer.provide(NodeContext.layer),
    Layer.provide(Logger.minimumLogLevel(LogLevel.Error))
  )
  return Effect.runFork(
    Layer.launch(traced ? layer : HttpMiddleware.withTracerDisabledWhen(layer, () => true))
  )
}

/** An app that knows no sessions. */
export const bare = (traced) => async () => serving(answer, Layer.empty, traced)

export const effectSession =
  (storeOf, traced = true) =>
  async () => {
    const library = await import("../../dist/index.js")
    const app = appOf({ Effect, HttpServerRequest }, library, answer)
    return serving(app, await storeOf(library), traced)
  }

export const inMemory = ({ SessionStore }) => SessionStore.layerMemory

export const inFiles =
  (options) =>
  ({ FileSystemSessionStore }) =>
    FileSystemSessionStore.layer({ directory: join(DIRECTORY, "effect"), ...options })

const onDatabase = (clientOf) => async () => {
  const SqlSessionStore = await import("../../dist/SqlSessionStore.js")
  return Layer.provide(SqlSessionStore.layerMigrated, await clientOf())
}

const pool = { url: Redacted.make(DATABASE_URL), maxConnections: connections }

export const onPostgres = onDatabase(async () =>
  (await import("@effect/sql-pg")).PgClient.layer(pool)
)

export const onMariaDb = onDatabase(async () =>
  (await import("@effect/sql-mysql2")).MysqlClient.layer(pool)
)

export const onSqlite = onDatabase(async () => {
  const { SqliteClient } = await import("@effect/sql-sqlite-node")
  return SqliteClient.layer({ filename: DATABASE_URL.slice("sqlite:".length) })
})

export const onRedis = async () =>
  (await import("../../dist/RedisSessionStore.js")).layer({ url: REDIS_URL })
