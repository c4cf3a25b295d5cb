/**
 * The contestants of Effect 4: a bare app, and the edition of this library, where `npm run effect4` has built it and
 * `npm run bench` has put it into `node_modules`.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { NodeHttpServer } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Logger, Redacted } from "effect"
import { HttpMiddleware, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { appOf, connections, DATABASE_URL, DIRECTORY, REDIS_URL, run } from "../peers/serve.mjs"

const answer = Effect.succeed(HttpServerResponse.text("ok"))

const serving = (app, store, traced) => (server) =>
  HttpServer.serve(app).pipe(
    Layer.provide(store),
    Layer.provide(NodeHttpServer.layer(() => server, { host: "127.0.0.1", port: 0 })),
    Layer.provide(Logger.layer([])),
    Layer.provide(
      traced ? Layer.empty : Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true)
    ),
    Layer.launch,
    Effect.runFork
  )

const bare = (traced) => async () => serving(answer, Layer.empty, traced)

const edition = (storeOf) => async () => {
  const library = await import("effect-session")
  const app = appOf({ Effect, HttpServerRequest }, library, answer)
  return serving(app, await storeOf(library), true)
}

const inFiles = ({ FileSystemSessionStore }) =>
  FileSystemSessionStore.layer({ directory: join(DIRECTORY, "effect4"), fsync: false })

const onPostgres = async () =>
  Layer.provide(
    (await import("effect-session/SqlSessionStore")).layerMigrated,
    PgClient.layer({ url: Redacted.make(DATABASE_URL), maxConnections: connections })
  )

const onRedis = async () =>
  (await import("effect-session/RedisSessionStore")).layer({ url: REDIS_URL })

const main = true

const editions = [
  {
    name: "effect-session for Effect 4, memory",
    store: "memory",
    open: edition(({ SessionStore }) => SessionStore.layerMemory)
  },
  {
    name: "effect-session for Effect 4, files without fsync",
    store: "files",
    open: edition(inFiles)
  },
  { name: "effect-session for Effect 4, PostgreSQL", store: "postgres", open: edition(onPostgres) },
  { name: "effect-session for Effect 4, Redis", store: "redis", open: edition(onRedis) }
]

const installed = existsSync(
  fileURLToPath(new URL("./node_modules/effect-session/package.json", import.meta.url))
)

await run([
  { name: "no session, Effect 4", main, store: "memory", routes: ["/bare"], open: bare(true) },
  { name: "no session, Effect 4, untraced", store: "memory", routes: ["/bare"], open: bare(false) },
  ...(installed ? editions.map((one) => ({ ...one, main })) : [])
])
