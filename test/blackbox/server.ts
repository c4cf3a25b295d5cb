/**
 * A server process: every application of `apps.ts` on a free port, over one store, with a clock that tests move forward.
 * Started with the store's name and its argument; writes one line of JSON with the ports and ends when its stdin closes.
 */
import { createServer } from "node:http"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionEvents from "../../src/SessionEvents.js"
import * as SessionGc from "../../src/SessionGc.js"
import type * as SessionStore from "../../src/SessionStore.js"
import { storeOf } from "../support/serverStores.js"
import { type App, apps } from "./apps.js"
import * as Gates from "./gates.js"

let offset = 0
const real = Clock.make()
// A class: its other methods stay reachable only through the prototype.
const clock: Clock.Clock = Object.assign(Object.create(real) as Clock.Clock, {
  currentTimeMillis: Effect.map(real.currentTimeMillis, (millis) => millis + offset),
  unsafeCurrentTimeMillis: () => real.unsafeCurrentTimeMillis() + offset
})

const logged: Array<string> = []
const events: Array<SessionEvents.SessionEvent> = []
const logger = Logger.map(Logger.stringLogger, (line) => {
  logged.push(line)
})

// A pooled connection may stay unused for long: it must not be closed just as the client takes it again.
const listening = NodeHttpServer.layer(() => createServer({ keepAliveTimeout: 0 }), {
  port: 0,
  host: "127.0.0.1"
})

const [, , storeName = "memory", argument = ""] = process.argv
const shared = Layer.mergeAll(
  storeOf(storeName, argument),
  Logger.replace(Logger.defaultLogger, logger),
  Logger.minimumLogLevel(LogLevel.Debug),
  Layer.scopedDiscard(
    Effect.forkScoped(
      Stream.runForEach(SessionEvents.stream, (event) => Effect.sync(() => events.push(event)))
    )
  )
).pipe(Layer.provideMerge(Layer.setClock(clock)))

const runtime = ManagedRuntime.make(shared)

const portOf = Effect.map(HttpServer.HttpServer, ({ address }) =>
  address._tag === "TcpAddress" ? address.port : 0
)

const start = ({ config = {}, serving }: App) =>
  Effect.flatMap(Effect.scope, (scope) =>
    Layer.buildWithScope(
      Layer.merge(serving, Layer.effectDiscard(Effect.void)).pipe(
        Layer.provideMerge(listening),
        Layer.provideMerge(SessionConfig.layer(config))
      ),
      scope
    )
  ).pipe(Effect.flatMap((context) => Effect.provide(portOf, context)))

interface Command {
  readonly command: string
  readonly name?: string
  readonly millis?: number
  readonly id?: string
  readonly userId?: string
  readonly namespace?: string
  readonly except?: string
  readonly within?: number
}

const plainly = (summary: SessionAdmin.SessionSummary) => ({
  id: summary.id,
  userId: summary.userId._tag === "Some" ? summary.userId.value : null,
  ipAddress: summary.ipAddress._tag === "Some" ? summary.ipAddress.value : null,
  userAgent: summary.userAgent._tag === "Some" ? summary.userAgent.value : null,
  createdAt: summary.createdAt.epochMillis,
  lastActivity: summary.lastActivity.epochMillis,
  expiresAt: summary.expiresAt.epochMillis,
  payloadBytes: summary.payloadBytes
})

const obey = (
  given: Command
): Effect.Effect<unknown, SessionStore.SessionStoreError, SessionStore.SessionStore> => {
  const { name = "", id = "", userId = "" } = given
  const scope = given.namespace === undefined ? {} : { namespace: given.namespace }
  const within = { within: given.within ?? 1e12, ...scope }
  switch (given.command) {
    case "advance":
      return Effect.sync(() => {
        offset += given.millis ?? 0
      })
    case "now":
      return Clock.currentTimeMillis
    case "entered":
      return Gates.entered(name)
    case "open":
      return Gates.open(name)
    case "logs":
      return Effect.sync(() => logged.join("\n"))
    case "events":
      return Effect.sync(() => events.slice())
    case "collect":
      return SessionGc.collect
    case "active":
      return Effect.map(SessionAdmin.active(within), (all) => all.map(plainly))
    case "countActive":
      return SessionAdmin.countActive(within)
    case "countActiveUsers":
      return SessionAdmin.countActiveUsers(within)
    case "ofUser":
      return Effect.map(SessionAdmin.ofUser(userId, scope), (all) => all.map(plainly))
    case "get":
      return Effect.map(SessionAdmin.get(id, scope), (found) =>
        found._tag === "Some" ? plainly(found.value) : null
      )
    case "revoke":
      return SessionAdmin.revoke(id, scope)
    case "revokeUser":
      return SessionAdmin.revokeUser(userId, { ...scope, except: given.except })
    case "revokeAll":
      return SessionAdmin.revokeAllWith(scope)
    default:
      return Effect.die(new Error(`unknown command ${given.command}`))
  }
}

const control = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  // The tests of this folder send nothing else.
  const command = (yield* request.json) as unknown as Command
  const value = yield* obey(command)
  return HttpServerResponse.unsafeJson({ value: value ?? null })
})

const main = Effect.gen(function* () {
  const ports: Record<string, number> = {}
  for (const [name, app] of Object.entries(apps)) ports[name] = yield* start(app)
  ports.control = yield* start({ serving: HttpServer.serve(control) as App["serving"] })
  yield* Effect.sync(() => process.stdout.write(`${JSON.stringify(ports)}\n`))
  yield* Effect.never
}).pipe(Effect.scoped)

const fiber = runtime.runFork(main as Effect.Effect<never, never, SessionStore.SessionStore>)
fiber.addObserver((exit) => {
  if (exit._tag === "Failure") process.stderr.write(`${exit.cause}\n`)
  process.exit(1)
})
process.stdin.resume().on("end", () => process.exit(0))
