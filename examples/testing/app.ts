import { HttpRouter, HttpServerResponse } from "@effect/platform"
import { Effect } from "effect"
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

export const app = HttpRouter.empty.pipe(
  HttpRouter.get("/token", Effect.flatMap(Session.csrfToken, HttpServerResponse.text)),
  HttpRouter.post("/cart/tea", addTea),
  HttpRouter.post("/login", Effect.as(Session.login("ada"), HttpServerResponse.empty())),
  HttpRouter.get("/account", account),
  Csrf.middleware,
  SessionMiddleware.middleware
)
