/**
 * The server that `bench/soak.ts` keeps busy, a process of its own: `SOAK_STORE` names the store, `SOAK_PLACE` its
 * directory or URL. Sessions are short-lived and collected often. Answers each message of its parent with its figures.
 */
import { readdirSync, statSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks"
import { HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { SqlClient } from "@effect/sql/SqlClient"
import { PgClient } from "@effect/sql-pg"
import { Effect, Fiber, Layer, Logger, LogLevel, ManagedRuntime, Runtime } from "effect"
import pg from "pg"
import * as GracefulHttpServer from "../src/GracefulHttpServer.js"
import {
  FileSystemSessionStore,
  Session,
  SessionAdmin,
  SessionConfig,
  SessionGc,
  SessionMiddleware,
  SessionStore
} from "../src/index.js"
import * as SqlSessionStore from "../src/SqlSessionStore.js"
import { clientLayer } from "./support/store.js"

/** What is looked at every few seconds. */
export interface Figures {
  readonly residentMb: number
  /** What was left of the heap when the engine last collected all of it; `NaN` before that. */
  readonly heapMb: number
  readonly handles: number
  readonly fibers: number
  /** Connections of the pool that are in use or waited for. */
  readonly busy: number
  /** 99 of 100 turns of the event loop since the last look were late by less. */
  readonly loopDelayMillis: number
  /** Sessions that live. */
  readonly sessions: number
  /** Sessions that are over and not collected yet. */
  readonly over: number
  /** Rows of the table or files in the directory, whatever they are for. */
  readonly rows: number
  /** Megabytes of the table with its indexes, or of the files; `NaN` for memory. */
  readonly storedMb: number
}

const store = process.env.SOAK_STORE ?? "memory"
const place = process.env.SOAK_PLACE ?? ""

const pool = new pg.Pool({ connectionString: place, max: 16 })

const client =
  store === "postgres"
    ? PgClient.layerFromPool({
        acquire: Effect.acquireRelease(Effect.succeed(pool), () => Effect.promise(() => pool.end()))
      })
    : clientLayer(place)

const storeLayer = (): Layer.Layer<SessionStore.SessionStore> => {
  if (store === "memory") return SessionStore.layerMemory
  if (store === "files") {
    return Layer.orDie(
      Layer.provide(FileSystemSessionStore.layer({ directory: place }), NodeContext.layer)
    )
  }
  return Layer.orDie(Layer.provide(SqlSessionStore.layerMigrated, client))
}

const database = ManagedRuntime.make(clientLayer(place === "" ? "sqlite::memory:" : place))

const statementsOfSize = {
  postgres: "select pg_total_relation_size('sessions') as bytes",
  mariadb:
    "select data_length + index_length as bytes from information_schema.tables where table_schema = database() and table_name = 'sessions'",
  sqlite: "select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()"
}

const numberFrom = (text: string): Promise<number> =>
  database.runPromise(
    Effect.map(
      Effect.flatMap(SqlClient, (sql) => sql.unsafe(text).values),
      ([row]) => Number(row?.[0])
    )
  )

const sizeOfFiles = () => {
  const sizes = readdirSync(place, { recursive: true })
    .map((name) => statSync(join(place, String(name)), { throwIfNoEntry: false }))
    .flatMap((found) => (found?.isFile() === true ? [found.size] : []))
  return { rows: sizes.length, storedMb: sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20 }
}

const sizeOf = async (usage: SessionAdmin.Usage) => {
  if (store === "files") return sizeOfFiles()
  if (store === "postgres" || store === "mariadb" || store === "sqlite") {
    return {
      rows: await numberFrom("select count(*) from sessions"),
      storedMb: (await numberFrom(statementsOfSize[store])) / 2 ** 20
    }
  }
  return { rows: usage.sessions + usage.ended, storedMb: Number.NaN }
}

let heapMb = Number.NaN
new PerformanceObserver((list) => {
  const kinds = list.getEntries().map((entry) => Object(Reflect.get(entry, "detail")).kind)
  if (kinds.includes(constants.NODE_PERFORMANCE_GC_MAJOR)) {
    heapMb = process.memoryUsage().heapUsed / 2 ** 20
  }
}).observe({ entryTypes: ["gc"] })

const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()

const figures = Effect.gen(function* () {
  const loopDelayMillis = delay.percentile(99) / 1e6
  delay.reset()
  const fibers = (yield* Fiber.roots).length
  const usage = yield* SessionAdmin.usage
  const size = yield* Effect.promise(() => sizeOf(usage))
  const found: Figures = {
    residentMb: process.memoryUsage.rss() / 2 ** 20,
    heapMb,
    handles: readdirSync("/proc/self/fd").length,
    fibers,
    busy: pool.totalCount - pool.idleCount + pool.waitingCount,
    loopDelayMillis,
    sessions: usage.sessions,
    over: usage.ended,
    ...size
  }
  return found
})

const payload = "x".repeat(150)
let users = 0

const page = <E>(
  path: `/${string}`,
  effect: Effect.Effect<unknown, E, Session.Session | SessionStore.SessionStore>
) => HttpRouter.get(path, Effect.as(Effect.orDie(effect), HttpServerResponse.text("ok")))

const app = HttpRouter.empty.pipe(
  page("/read", Session.get("visits")),
  page("/visit", Effect.zipRight(Session.increment("visits"), Session.put("text", payload))),
  page("/flash", Session.flash("notice", "saved")),
  page(
    "/login",
    Effect.suspend(() => Session.login(`user-${users++ % 1000}`))
  ),
  page("/regenerate", Session.migrate()),
  page("/logout", Session.logout),
  SessionMiddleware.middleware
)

const announce = Effect.gen(function* () {
  const { address } = yield* HttpServer.HttpServer
  const tell = Runtime.runPromise(yield* Effect.runtime<SessionStore.SessionStore>())
  process.on("message", () => {
    tell(figures).then((found) => process.send?.(found))
  })
  process.on("disconnect", () => process.exit(0))
  if (address._tag === "TcpAddress") process.send?.({ port: address.port })
})

Layer.effectDiscard(announce).pipe(
  Layer.provideMerge(HttpServer.serve(app)),
  Layer.provide(SessionGc.layerWith({ interval: "10 seconds" })),
  Layer.provide(storeLayer()),
  Layer.provide(GracefulHttpServer.layer(() => createServer(), { host: "127.0.0.1", port: 0 })),
  Layer.provide(SessionConfig.layer({ idleTimeout: "30 seconds" })),
  Layer.provide(Logger.minimumLogLevel(LogLevel.Error)),
  Layer.launch,
  NodeRuntime.runMain
)
