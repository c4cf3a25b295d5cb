/**
 * A server process whose clients go away: started with a store's name and argument, writes its port as a line. Tells
 * how many fibers live, and of its open handles and its pool.
 */
import { readdirSync } from "node:fs"
import { createServer } from "node:http"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { PgClient } from "@effect/sql-pg"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as Supervisor from "effect/Supervisor"
import pg from "pg"
import * as GracefulHttpServer from "../../../src/GracefulHttpServer.js"
import * as Session from "../../../src/Session.js"
import * as SessionMiddleware from "../../../src/SessionMiddleware.js"
import { SessionStore } from "../../../src/SessionStore.js"
import * as SqlSessionStore from "../../../src/SqlSessionStore.js"
import { maxConnections, storeOf } from "../../support/serverStores.js"

/** What must be as it was when all clients are gone. */
export interface Vitals {
  readonly fibers: number
  readonly handles: number
  /** Connections of the pool that somebody holds or waits for. */
  readonly busy: number
}

const [, , store = "memory", argument = ""] = process.argv

/** Weakly, so that a fiber nobody can wake any more is gone with the garbage, as in an application. */
const fibers = new Set<WeakRef<Fiber.RuntimeFiber<unknown, unknown>>>()
class Track extends Supervisor.AbstractSupervisor<void> {
  readonly value = Effect.void
  override onStart(
    _context: unknown,
    _effect: unknown,
    _parent: unknown,
    fiber: Fiber.RuntimeFiber<unknown, unknown>
  ): void {
    fibers.add(new WeakRef(fiber))
  }
}

/** How many fibers have not ended. */
const countLive = (): number => {
  global.gc?.()
  for (const reference of fibers) {
    const fiber = reference.deref()
    if (fiber === undefined || fiber.unsafePoll() !== null) fibers.delete(reference)
  }
  return fibers.size
}

const pool = new pg.Pool({ connectionString: argument, max: maxConnections, idleTimeoutMillis: 0 })

const layer =
  store === "postgres"
    ? Layer.orDie(
        Layer.provide(
          SqlSessionStore.layerMigrated,
          PgClient.layerFromPool({ acquire: Effect.succeed(pool) })
        )
      )
    : storeOf(store, argument)

const vitals = Effect.sync(
  (): Vitals => ({
    fibers: countLive(),
    handles: readdirSync("/proc/self/fd").length,
    busy: pool.totalCount - pool.idleCount + pool.waitingCount
  })
)

const users = Effect.flatMap(SessionStore, (opened) =>
  Effect.map(Stream.runCollect(opened.entries({})), (entries) =>
    Array.from(entries).flatMap(({ userId }) => (userId === null ? [] : [userId]))
  )
)

const parameters = Effect.map(
  HttpServerRequest.HttpServerRequest,
  ({ url }) => new URL(url, "http://localhost").searchParams
)

const change = Effect.gen(function* () {
  const given = yield* parameters
  yield* Session.increment("count")
  yield* Effect.sleep(Number(given.get("millis")))
  yield* Session.push("list", given.get("label") ?? "")
})

const login = Effect.gen(function* () {
  const given = yield* parameters
  yield* Session.put("before", 1)
  yield* Session.login(given.get("label") ?? "")
  yield* Effect.sleep(Number(given.get("millis")))
})

const page = <E, R>(path: `/${string}`, effect: Effect.Effect<unknown, E, R>) =>
  HttpRouter.get(
    path,
    Effect.map(effect, (value) => HttpServerResponse.unsafeJson(value ?? null))
  )

// The routes of a router are interrupted when the client goes away.
const app = HttpRouter.empty.pipe(
  page("/vitals", vitals),
  page("/users", users),
  page("/change", change),
  page("/login", login),
  page("/all", Session.all)
)

const announce = Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
  Effect.sync(() => {
    if (address._tag === "TcpAddress") process.stdout.write(`${address.port}\n`)
  })
)

Effect.runFork(
  Layer.launch(
    Layer.effectDiscard(announce).pipe(
      Layer.provideMerge(HttpServer.serve(SessionMiddleware.middleware(app))),
      Layer.provide(GracefulHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" })),
      Layer.provide(layer),
      Layer.provide(Logger.remove(Logger.defaultLogger)),
      Layer.provide(Supervisor.addSupervisor(new Track()))
    )
  )
)
process.stdin.resume().on("end", () => process.exit(0))
