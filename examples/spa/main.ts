import { createServer } from "node:http"
import { HttpLayerRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Option, Schema } from "effect"
import { Csrf, Session, SessionGc, SessionMiddleware, SessionStore } from "effect-session"
import * as GracefulHttpServer from "effect-session/GracefulHttpServer"

// The origin of the page.
const page = process.env.PAGE ?? "http://localhost:8080"

/** What the page has to know. The token changes with each login and logout. */
const state = Effect.gen(function* () {
  const userId = Option.getOrNull(yield* Session.userId)
  return yield* HttpServerResponse.json({ userId, csrfToken: yield* Session.csrfToken })
})

const login = Effect.gen(function* () {
  const { name, password } = yield* HttpServerRequest.schemaBodyJson(
    Schema.Struct({ name: Schema.NonEmptyString, password: Schema.String })
  )
  // Stands for your own check of a password.
  if (password !== "secret") return HttpServerResponse.empty({ status: 401 })
  yield* Session.login(name)
  return yield* state
})

const order = Effect.gen(function* () {
  yield* Session.requireUser // 401 for a guest
  const orders = yield* Session.increment("orders")
  return yield* HttpServerResponse.json({ orders })
})

const routes = Layer.mergeAll(
  HttpLayerRouter.add("GET", "/session", state),
  HttpLayerRouter.add("POST", "/login", login),
  HttpLayerRouter.add("POST", "/logout", Effect.zipRight(Session.logout, state)),
  HttpLayerRouter.add("POST", "/orders", order)
).pipe(Layer.provide(Csrf.layerWith({ origins: [page] })), Layer.provide(SessionMiddleware.layer))

// Around all routes: it answers preflights, and the page may read errors too.
const cors = HttpLayerRouter.cors({
  allowedOrigins: [page],
  allowedHeaders: ["content-type", "x-csrf-token"],
  credentials: true,
  maxAge: 600
})

HttpLayerRouter.serve(Layer.merge(routes, cors)).pipe(
  Layer.provide(GracefulHttpServer.layer(createServer, { port: Number(process.env.PORT ?? 3000) })),
  Layer.provide(SessionGc.layer),
  Layer.provide(SessionStore.layerMemory),
  Layer.launch,
  NodeRuntime.runMain
)
