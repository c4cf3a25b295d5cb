import { Cookies, HttpClient, HttpClientRequest, HttpLayerRouter } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { expect, it } from "@effect/vitest"
import { Effect, Layer, Option, Ref, TestClock } from "effect"
import { Session, SessionAdmin, SessionConfig, SessionStore } from "effect-session"
import { account, addTea, routes } from "./app.js"

// ---- Handlers, without HTTP. ----

it.effect("tea is added to the cart that is there", () =>
  Effect.gen(function* () {
    const response = yield* addTea

    expect(response.status).toBe(200)
    expect(yield* Session.get("cart.tea")).toEqual(Option.some(3))
    expect(yield* Session.get("message")).toEqual(Option.some("Tea is in your cart."))
  }).pipe(Effect.provide(Session.layerTest({ cart: { tea: 2 } })))
)

it.effect("a guest has no account", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(account)

    expect(error._tag).toBe("SessionUnauthenticated")
  }).pipe(Effect.provide(Session.layerTest()))
)

it.effect("a user has one, and an hour later it takes a new login to change it", () =>
  Effect.gen(function* () {
    expect((yield* account).status).toBe(200)
    expect(yield* Session.get("message")).toEqual(Option.some("Welcome."))
    yield* Session.requireRecentLogin("15 minutes")

    yield* TestClock.adjust("1 hour")

    const error = yield* Effect.flip(Session.requireRecentLogin("15 minutes"))
    expect(error._tag).toBe("SessionReauthenticationRequired")
  }).pipe(Effect.provide(Session.layerTestWith({ userId: "ada", flash: { message: "Welcome." } })))
)

// ---- The whole app: a server on a free port, with a store of its own. ----

// It speaks plain HTTP, so its cookie is not `Secure`.
const settings = SessionConfig.layer({
  idleTimeout: "30 minutes",
  cookie: { name: "session", secure: false }
})

const Server = HttpLayerRouter.serve(routes).pipe(
  Layer.provide(settings),
  Layer.provideMerge(NodeHttpServer.layerTest),
  Layer.provideMerge(SessionStore.layerMemory)
)

/** A client that keeps cookies, as a browser does. */
const browser = Effect.gen(function* () {
  const cookies = yield* Ref.make(Cookies.empty)
  const client = HttpClient.withCookiesRef(yield* HttpClient.HttpClient, cookies)
  const get = (path: string) => client.get(path)
  const post = (path: string) =>
    Effect.gen(function* () {
      const token = yield* Effect.flatMap(get("/token"), ({ text }) => text)
      const request = HttpClientRequest.post(path)
      return yield* client.execute(HttpClientRequest.setHeader(request, "x-csrf-token", token))
    })
  return { get, post }
})

it.effect("a login lasts until the visitor was idle for half an hour", () =>
  Effect.gen(function* () {
    const { get, post } = yield* browser
    expect((yield* get("/account")).status).toBe(401)

    yield* post("/login")
    expect(yield* (yield* get("/account")).json).toEqual({ userId: "ada" })

    yield* TestClock.adjust("31 minutes")
    expect((yield* get("/account")).status).toBe(401)
  }).pipe(Effect.provide(Server))
)

it.effect("two visitors have two carts, and the administrator sees both", () =>
  Effect.gen(function* () {
    const [ada, ben] = [yield* browser, yield* browser]

    yield* ada.post("/cart/tea")
    expect(yield* (yield* ada.post("/cart/tea")).json).toEqual({ teas: 2 })
    expect(yield* (yield* ben.post("/cart/tea")).json).toEqual({ teas: 1 })

    expect(yield* SessionAdmin.countActive({ within: "1 minute" })).toBe(2)
  }).pipe(Effect.provide(Server))
)
