/**
 * A server process of the history check. Its argument is a JSON list of `{ store, argument, port }`: each becomes a
 * server of its own, and those of one store and argument share the store, so that a memory store has two servers too.
 * Writes a line when all listen.
 */
import { createServer } from "node:http"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { decode } from "../../src/core/record/payload.js"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { type Service, SessionStore } from "../../src/SessionStore.js"
import { runSteps, type Step } from "../blackbox/operations.js"
import { storeOf } from "../support/serverStores.js"
import { brokenStoreOf } from "./broken.js"

export interface Listener {
  readonly store: string
  readonly argument: string
  readonly port: number
}

/** What a client asks for: the steps run only on the session it expects, which is none for the first request. */
export interface Run {
  readonly lineage: string | null
  readonly steps: ReadonlyArray<Step>
}

/** What the handler saw of the session before the steps and after them. */
export interface Sight {
  readonly userId: string | null
  readonly before: Readonly<Record<string, unknown>>
  readonly after: Readonly<Record<string, unknown>>
}

/** A session as it is stored. */
export interface Row {
  readonly id: string
  readonly userId: string | null
  readonly data: Readonly<Record<string, unknown>>
}

const sessions = SessionMiddleware.middleware(
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const run: Run = JSON.parse(request.headers["x-run"] ?? "null")
    const userId = Option.getOrNull(yield* Session.userId)
    const before = yield* Session.all
    if ((before.lineage ?? null) === run.lineage) yield* runSteps(run.steps)
    const sight: Sight = { userId, before, after: yield* Session.all }
    return HttpServerResponse.unsafeJson(sight)
  })
)

const dump = Effect.gen(function* () {
  const store = yield* SessionStore
  const entries = yield* Stream.runCollect(store.entries({}))
  const found = yield* Effect.forEach(entries, ({ id }) => store.find(id), { concurrency: 8 })
  const rows = found.flatMap((one): ReadonlyArray<Row> => {
    if (Option.isNone(one)) return []
    const { id, payload, userId } = one.value
    return [{ id, userId, data: decode(payload)?.state.data ?? {} }]
  })
  return HttpServerResponse.unsafeJson(rows)
})

const app = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
  url === "/dump" ? Effect.orDie(dump) : sessions
)

// A copy is a store of its own for the queues of a process, as in a process of its own.
const serve = (store: Service, port: number) =>
  HttpServer.serve(app).pipe(
    Layer.provide(Layer.succeed(SessionStore, { ...store })),
    Layer.provide(NodeHttpServer.layer(() => createServer(), { port, host: "127.0.0.1" }))
  )

const listeners: ReadonlyArray<Listener> = JSON.parse(process.argv[2] ?? "[]")
const names = new Set(listeners.map(({ store, argument }) => `${store} ${argument}`))

const servers = Array.from(names, (name) => {
  const own = listeners.filter(({ store, argument }) => `${store} ${argument}` === name)
  const { argument, store } = own[0] as Listener
  const layer = store.startsWith("broken ") ? brokenStoreOf(store) : storeOf(store, argument)
  return Layer.unwrapEffect(
    Effect.map(SessionStore, (opened) =>
      own.map(({ port }) => serve(opened, port)).reduce((all, one) => Layer.merge(all, one))
    )
  ).pipe(Layer.provide(layer))
})

const announce = Layer.effectDiscard(Effect.sync(() => process.stdout.write("listening\n")))

Effect.runFork(
  Layer.launch(
    announce.pipe(
      Layer.provide(servers.reduce((all, one) => Layer.merge(all, one))),
      Layer.provide(Logger.remove(Logger.defaultLogger)),
      Layer.orDie
    )
  )
)
process.stdin.resume().on("end", () => process.exit(0))
