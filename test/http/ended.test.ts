/** A connection that stays open learns that its session is over. */
import { connect } from "node:net"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { type SessionStore, SessionStoreError } from "../../src/SessionStore.js"
import { storeWith } from "../support/storeWith.js"
import { json, pages, type Server, withLayer } from "./support.js"

/** A websocket that is closed when the session of its request is over. */
const socket = Effect.gen(function* () {
  const socket = yield* HttpServerRequest.upgrade
  const messages = Effect.ignore(socket.runRaw(() => Effect.void))
  yield* Effect.raceFirst(messages, Session.endedWith({ interval: "20 millis" }))
  return HttpServerResponse.empty()
}).pipe(Effect.scoped)

const app = pages({
  "/login": json(Effect.orDie(Session.login("ann"))),
  "/logout": json(Effect.orDie(Session.logout)),
  "/regenerate": json(Session.regenerate),
  "/socket": socket
})

/** Opens a websocket; `closed` is done when the server sends a close frame. */
const open = async ({ url }: Server, cookie: string | undefined) => {
  const { hostname, port } = new URL(url)
  const connection = connect(Number(port), hostname)
  const heard = (isIt: (bytes: Buffer) => boolean) =>
    new Promise<void>((resolve, reject) => {
      connection.on("data", (bytes) => isIt(bytes) && resolve())
      connection.on("error", reject)
    })
  const opened = heard((bytes) => bytes.includes("101 Switching"))
  const closed = heard((bytes) => bytes[0] === 0x88).finally(() => connection.destroy())
  const lines = [
    "GET /socket HTTP/1.1",
    "host: localhost",
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    `cookie: ${cookie}`
  ]
  connection.write(`${lines.join("\r\n")}\r\n\r\n`)
  await opened
  return { closed }
}

describe("an open websocket", () => {
  const ends: ReadonlyArray<
    readonly [string, (server: Server, send: (path: string) => Promise<unknown>) => unknown]
  > = [
    ["was revoked", ({ run }) => run(SessionAdmin.revokeUser("ann"))],
    ["was logged out", (_server, send) => send("/logout")],
    ["was given a new id", (_server, send) => send("/regenerate")]
  ]
  for (const [how, end] of ends) {
    it(`is closed when its session ${how}`, () =>
      withLayer(HttpServer.serve(SessionMiddleware.middleware(app)), async (server) => {
        const client = server.client()
        await client.send("/login")
        const { closed } = await open(server, client.cookie)
        await end(server, (path) => client.send(path))
        await closed
      }))
  }
})

describe("Session.ended", () => {
  /** Runs a handler in a request of its own, on a store whose `find` may fail. */
  const inRequest = (
    handler: Effect.Effect<unknown, unknown, Session.Session | SessionStore>,
    state = { isAway: false }
  ) => {
    const away = new SessionStoreError({ operation: "find", reason: "unavailable" })
    const store = storeWith(({ find }) => ({
      find: (id) => Effect.suspend(() => (state.isAway ? away : find(id)))
    }))
    return SessionMiddleware.middleware(Effect.as(handler, HttpServerResponse.empty())).pipe(
      Effect.provideService(
        HttpServerRequest.HttpServerRequest,
        HttpServerRequest.fromWeb(new Request("http://localhost/"))
      ),
      Effect.provide(store)
    )
  }

  const waiting = Effect.gen(function* () {
    yield* Session.login("ann")
    const fiber = yield* Effect.fork(Session.ended)
    yield* TestClock.adjust("10 seconds")
    expect(fiber.unsafePoll()).toBe(null)
    return fiber
  })

  it.effect("is done where there is no stored session", () => inRequest(Session.ended))

  it.effect("is done within ten seconds of the end", () =>
    inRequest(
      Effect.gen(function* () {
        const fiber = yield* waiting
        yield* SessionAdmin.revokeUser("ann")
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(fiber)
      })
    )
  )

  it.effect("is done when the session has expired", () =>
    inRequest(
      Effect.gen(function* () {
        const fiber = yield* waiting
        yield* TestClock.adjust("1 day")
        yield* Fiber.join(fiber)
      })
    )
  )

  it.effect("follows a migrate, also once its alias is over", () =>
    inRequest(
      Effect.gen(function* () {
        const fiber = yield* waiting
        yield* Session.migrate()
        yield* Session.commit
        yield* TestClock.adjust("1 minute")
        expect(fiber.unsafePoll()).toBe(null)
        yield* Session.destroy
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(fiber)
      })
    )
  )

  it.effect("waits on while the store is away", () => {
    const state = { isAway: false }
    return inRequest(
      Effect.gen(function* () {
        const fiber = yield* waiting
        state.isAway = true
        yield* TestClock.adjust("1 minute")
        expect(fiber.unsafePoll()).toBe(null)
        state.isAway = false
        yield* TestClock.adjust("10 seconds")
        expect(fiber.unsafePoll()).toBe(null)
      }),
      state
    )
  })
})
