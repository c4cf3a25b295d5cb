/** Leases that are taken while their request ends, or by a store that answers late or not at all. */
import { get } from "node:http"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SessionRecord } from "../../src/core/record/record.js"
import { acquire } from "../../src/internal/commit/lease.js"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import {
  layerMemory,
  type Service,
  SessionStore,
  SessionStoreError
} from "../../src/SessionStore.js"
import { json, makeGate, pages, withApp, withLayer } from "./support.js"

const isLease = ({ namespace }: SessionRecord) => namespace !== "session"

/** A memory store that waits as others do, and writes its first lease as `write` says. */
const oddly = (
  write: (
    insert: Effect.Effect<boolean, SessionStoreError>
  ) => Effect.Effect<boolean, SessionStoreError>
) => {
  let isFirst = true
  return Layer.effect(
    SessionStore,
    Effect.map(SessionStore, (store) =>
      SessionStore.of({
        ...store,
        find: (id) => store.find(id),
        insert: (record) =>
          Effect.suspend(() => {
            if (!isFirst || !isLease(record)) return store.insert(record)
            isFirst = false
            return write(store.insert(record))
          })
      })
    )
  ).pipe(Layer.provide(layerMemory))
}

/** Longer than any test, so that a lease that is not given back is noticed. */
const serialize = { wait: "2 seconds", hold: "1 minute" } as const

const routes = { "/start": json(Session.start), "/pay": json(Session.increment("paid")) }

const lost = Effect.fail(new SessionStoreError({ operation: "insert", reason: "unavailable" }))

describe("a lease that is being written", () => {
  it("is given back when the client has gone away meanwhile", async () => {
    const gate = makeGate()
    const interrupted = Effect.runSync(Deferred.make<void>())
    const told = HttpLayerRouter.middleware(
      (app) => Effect.onInterrupt(app, () => Deferred.succeed(interrupted, undefined)),
      { global: true }
    )
    const serialized = Layer.mergeAll(
      HttpLayerRouter.add("GET", "/start", routes["/start"]),
      HttpLayerRouter.add("GET", "/pay", routes["/pay"])
    ).pipe(Layer.provide(SessionMiddleware.make({ serialize }).layer))
    await withLayer(
      HttpLayerRouter.serve(Layer.merge(serialized, told), {
        disableLogger: true,
        disableListenLog: true
      }),
      async (server) => {
        const client = server.client()
        await client.send("/start")
        const headers = { cookie: client.cookie ?? "" }
        const first = get(`${server.url}/pay`, { agent: false, headers }).on(
          "error",
          () => undefined
        )
        await gate.entered()
        first.destroy()
        await Effect.runPromise(Deferred.await(interrupted))
        await gate.open()

        const next = await client.send("/pay")

        expect([next.status, next.text]).toEqual([200, "1"])
      },
      { store: oddly((insert) => Effect.zipRight(gate.pass, insert)) }
    )
  })

  it("is given back when a deadline outside the middleware has answered meanwhile", async () => {
    const gate = makeGate()
    const { middleware } = SessionMiddleware.make({ serialize })
    const app = Effect.timeoutTo(Effect.interruptible(middleware(pages(routes))), {
      duration: "300 millis",
      onSuccess: (response) => response,
      onTimeout: () => HttpServerResponse.empty({ status: 504 })
    })
    await withLayer(
      HttpServer.serve(app),
      async (server) => {
        const client = server.client()
        await client.send("/start")

        const late = await client.send("/pay")
        await gate.open()
        const next = await client.send("/start")

        expect([late.status, next.status]).toEqual([504, 200])
      },
      { store: oddly((insert) => Effect.zipRight(gate.pass, insert)) }
    )
  })

  it("is given back when the request has given the store up meanwhile", async () => {
    const gate = makeGate()
    await withLayer(
      HttpServer.serve(SessionMiddleware.make({ serialize }).middleware(pages(routes))),
      async (server) => {
        const client = server.client()
        await client.send("/start")

        const late = await client.send("/pay")
        await gate.open()
        const next = await client.send("/pay")

        expect([late.status, next.status, next.text]).toEqual([503, 200, "1"])
      },
      { store: oddly((insert) => Effect.zipRight(gate.pass, insert)) }
    )
  })

  it("is had although the answer of the store was lost", () =>
    withLayer(
      HttpServer.serve(SessionMiddleware.make({ serialize }).middleware(pages(routes))),
      async (server) => {
        const client = server.client()
        await client.send("/start")

        const texts = [(await client.send("/pay")).text, (await client.send("/pay")).text]

        expect(texts).toEqual(["1", "2"])
      },
      { store: oddly((insert) => Effect.zipRight(insert, lost)) }
    ))
})

const login = pages({
  "/login": json(Session.login("ann")),
  "/user": json(Session.userId)
})

const limited = SessionConfig.layer({ maxSessionsPerUser: { max: 3, onLimit: "evictOldest" } })

/** Whether another server could have the turn of the user's logins within two seconds. */
const turn = Effect.flatMap(SessionStore, (store: Service) =>
  acquire(store, "login session ann", { waitMillis: 2000, holdMillis: 1000 })
)

describe("the turn of a login", () => {
  it("is given back when the login has given the store up", async () => {
    const gate = makeGate()
    await withApp(
      login,
      async (server) => {
        const late = await server.client().send("/login")
        await gate.open()

        expect([late.status, (await server.run(turn))._tag]).toEqual([503, "Some"])
      },
      { config: limited, store: oddly((insert) => Effect.zipRight(gate.pass, insert)) }
    )
  })

  it("is had and given back although the answer of the store was lost", () =>
    withApp(
      login,
      async (server) => {
        const first = await server.client().send("/login")

        expect([first.status, (await server.run(turn))._tag]).toEqual([200, "Some"])
      },
      { config: limited, store: oddly((insert) => Effect.zipRight(insert, lost)) }
    ))
})
