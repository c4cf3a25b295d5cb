/**
 * The server the benchmarks measure, a process of its own. `BENCH_URL` names the database, `BENCH_BATCHES=off` sends
 * every statement by itself. Answers each message of its parent with the CPU it has used so far.
 */
import { createServer } from "node:http"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Logger, LogLevel } from "effect"
import { Session, SessionMiddleware } from "../src/index.js"
import { storeLayer } from "./support/store.js"

const answer = HttpServerResponse.text("ok")
const payload = "x".repeat(150)
let visitors = 0

const operations: Readonly<Record<string, Effect.Effect<unknown, unknown, Session.Session>>> = {
  "/read": Session.get("visits"),
  "/write": Effect.zipRight(Session.increment("visits"), Session.put("text", payload)),
  "/login": Effect.suspend(() => Session.login(`user-${visitors++}`))
}

const at = <A, E, R>(run: (path: string) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => run(url))

const sessions = SessionMiddleware.middleware(
  at((path) => Effect.orDie(Effect.zipRight(operations[path] ?? Effect.void, answer)))
)

const app = at((path) => (path === "/bare" ? answer : Effect.orDie(sessions)))

const announce = Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
  Effect.sync(() => {
    if (address._tag === "TcpAddress") process.send?.({ port: address.port })
  })
)

process.on("message", () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicros: user + system })
})
// An exit in order, so that a profile of the process is written.
process.on("SIGTERM", () => process.exit(0))
process.on("disconnect", () => process.exit(0))

const server = Layer.effectDiscard(announce).pipe(
  Layer.provideMerge(HttpServer.serve(app)),
  Layer.provide(
    NodeHttpServer.layer(() => createServer({ keepAliveTimeout: 0 }), {
      host: "127.0.0.1",
      port: 0
    })
  ),
  Layer.provide(storeLayer(process.env.BENCH_URL ?? "", process.env.BENCH_BATCHES !== "off")),
  Layer.provide(Logger.minimumLogLevel(LogLevel.Error))
)

Effect.runFork(Layer.launch(server))
