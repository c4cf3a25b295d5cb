/**
 * A server with sessions in a process of its own: `<setting as JSON>`. Says `port <n>` on its standard output, and ends
 * when its standard input does.
 */
import { closeSync, openSync, writeSync } from "node:fs"
import { createServer } from "node:http"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeContext, NodeHttpServer } from "@effect/platform-node"
import { SqlClient } from "@effect/sql"
import { Effect, Layer, Logger, Option } from "effect"
import * as FileSystemSessionStore from "../../../src/FileSystemSessionStore.js"
import * as RedisSessionStore from "../../../src/RedisSessionStore.js"
import * as Session from "../../../src/Session.js"
import * as SessionConfig from "../../../src/SessionConfig.js"
import * as SessionMiddleware from "../../../src/SessionMiddleware.js"
import * as SqlSessionStore from "../../../src/SqlSessionStore.js"
import { clientOf } from "../../support/sqlClients.js"

/** Where the sessions lie: a directory, a database whose tables are there, or Redis. */
export interface Setting {
  readonly directory?: string
  readonly fsync?: boolean
  readonly url?: string
  readonly maxConnections?: number
  readonly touchMillis?: number
}

const setting: Setting = JSON.parse(process.argv[2] ?? "{}")

const json = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(effect, (value) => HttpServerResponse.unsafeJson(value))

const pathAndQuery = Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => {
  const { pathname, searchParams } = new URL(url, "http://localhost")
  return { path: pathname, given: searchParams.get("given") ?? "" }
})

const count = Effect.map(Session.get("count"), (found) => ({ count: Option.getOrNull(found) }))

const increment = (given: string) =>
  Effect.gen(function* () {
    if (given !== "") yield* Session.put("given", given)
    return { count: yield* Session.increment("count") }
  })

/** The routes with a session; the effects fail only for the store's sake. */
const sessions = SessionMiddleware.middleware(
  Effect.gen(function* () {
    const { path, given } = yield* pathAndQuery
    if (path === "/increment") return yield* json(increment(given))
    if (path === "/login") {
      yield* Session.put("given", `${given} in the payload`)
      yield* Session.login(given)
    }
    if (path === "/logout") yield* Session.logout
    return yield* json(count)
  })
)

const hogged: Array<number> = []

const hog = Effect.sync(() => {
  try {
    for (;;) hogged.push(openSync("/dev/null", "r"))
  } catch {
    return HttpServerResponse.unsafeJson({ hogged: hogged.length })
  }
})

const release = Effect.sync(() => {
  for (const file of hogged.splice(0)) closeSync(file)
  return HttpServerResponse.unsafeJson({})
})

/** Runs a statement on the store's own pool. */
const query = (text: string) =>
  Effect.flatMap(Effect.serviceOption(SqlClient.SqlClient), (client) =>
    Option.match(client, {
      onNone: () => Effect.succeed(HttpServerResponse.text("no database")),
      onSome: (sql) => Effect.as(sql.unsafe(text), HttpServerResponse.text("done"))
    })
  )

/** Routes without a session, beside those with one. */
const app = Effect.gen(function* () {
  const { path, given } = yield* pathAndQuery
  if (path === "/plain") return HttpServerResponse.text("plain")
  if (path === "/hog") return yield* hog
  if (path === "/release") return yield* release
  return yield* path === "/query" ? query(given) : sessions
})

const store = Layer.unwrapEffect(
  Effect.sync(() => {
    const { directory = "", fsync = true, url } = setting
    if (url?.startsWith("redis:")) return RedisSessionStore.layer({ url })
    return url === undefined
      ? Layer.provide(FileSystemSessionStore.layer({ directory, fsync }), NodeContext.layer)
      : Layer.provideMerge(SqlSessionStore.layer, clientOf(url, setting.maxConnections))
  })
)

const announce = Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
  Effect.sync(() => {
    if (address._tag === "TcpAddress") writeSync(1, `port ${address.port}\n`)
  })
)

const server = Layer.effectDiscard(announce).pipe(
  Layer.provideMerge(HttpServer.serve(Effect.orDie(app))),
  // A pooled connection may stay unused for long: it must not be closed just as the client takes it again.
  Layer.provide(
    NodeHttpServer.layer(() => createServer({ keepAliveTimeout: 0 }), {
      host: "127.0.0.1",
      port: 0
    })
  ),
  Layer.provide(store),
  Layer.provide(
    setting.touchMillis === undefined
      ? Layer.empty
      : SessionConfig.layer({ touchInterval: setting.touchMillis })
  ),
  Layer.provide(Logger.remove(Logger.defaultLogger))
)

process.stdin.on("close", () => process.exit(0)).resume()
Effect.runPromise(Layer.launch(server)).catch((cause) => {
  writeSync(2, `${String(cause)}\n`)
  process.exit(1)
})
