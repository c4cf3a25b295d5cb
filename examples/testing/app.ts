import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { Effect, Layer } from "effect"
import { Csrf, Session, SessionMiddleware } from "effect-session"

export const addTea = Effect.gen(function* () {
  const teas = yield* Session.increment("cart.tea")
  yield* Session.flash("message", "Tea is in your cart.")
  return yield* HttpServerResponse.json({ teas })
})

export const account = Effect.gen(function* () {
  const userId = yield* Session.requireUser
  return yield* HttpServerResponse.json({ userId })
})

export const routes = Layer.mergeAll(
  HttpLayerRouter.add("GET", "/token", Effect.map(Session.csrfToken, HttpServerResponse.text)),
  HttpLayerRouter.add("POST", "/cart/tea", addTea),
  HttpLayerRouter.add(
    "POST",
    "/login",
    Effect.as(Session.login("ada"), HttpServerResponse.empty())
  ),
  HttpLayerRouter.add("GET", "/account", account)
).pipe(Layer.provide(Csrf.layer), Layer.provide(SessionMiddleware.layer))
