import { HttpLayerRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Layer, Option, Schema } from "effect"
import { Csrf, Session, SessionGc, SessionMiddleware, SessionStore } from "effect-session"

const state = Effect.gen(function* () {
  const visits = yield* Session.increment("visits")
  const userId = Option.getOrNull(yield* Session.userId)
  return yield* HttpServerResponse.json({ visits, userId, csrfToken: yield* Session.csrfToken })
})

const login = Effect.gen(function* () {
  const { name } = yield* HttpServerRequest.schemaBodyJson(
    Schema.Struct({ name: Schema.NonEmptyString }) // and your own check of a password
  )
  yield* Session.login(name)
  return yield* state
})

const routes = Layer.mergeAll(
  HttpLayerRouter.add("GET", "/", state),
  HttpLayerRouter.add("POST", "/login", login),
  HttpLayerRouter.add("POST", "/logout", Effect.zipRight(Session.logout, state))
).pipe(
  Layer.provide(Csrf.layer),
  Layer.provide(SessionMiddleware.layer),
  Layer.provide(SessionGc.layer),
  Layer.provide(SessionStore.layerMemory)
)

export const { dispose, handler } = HttpLayerRouter.toWebHandler(routes, { disableLogger: true })

// Bun: `bun run app.ts`. Deno: `deno serve --allow-env --allow-sys app.ts`.
export default { fetch: (request: Request) => handler(request) }
