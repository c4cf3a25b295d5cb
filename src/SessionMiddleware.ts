/**
 * Sessions over HTTP: one middleware with three mounts, for `HttpApp` and `HttpRouter`, for `HttpLayerRouter`, and for
 * `HttpApi`.
 *
 * The middleware reads the cookie, loads the session and provides it to the handler. Before the response head leaves, it
 * commits what the handler has recorded and sets the cookie. If the store fails, the answer is 503 with `Retry-After`, and
 * the client keeps its cookie.
 *
 * A handler of a websocket can read the session. Once the socket is open, as in a streamed body, no cookie can be sent: the
 * id stays as it is, only `Session.commit` stores something, and `Session.login` ends with a defect. Log in, or change the
 * id, in a request of its own.
 *
 * The layers of an app work in whatever order they are provided. A store closes when no request is in flight any more, or
 * after 10 seconds. In a process that imports this module, a Node server that nothing serves yet, or no longer, answers 503
 * with `Retry-After`. Without that, its clients would wait without end.
 *
 * @since 0.1.0
 */

import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type { RequestSession } from "./internal/commit/RequestSession.js"
import { withFiber } from "./internal/effect/fiber.js"
import {
  appendResponseHandler,
  type ResponseHandler,
  requestOf,
  runWith
} from "./internal/effect/requestFiber.js"
import { response as answer, storeAway, typedBodyOf } from "./internal/errors/answers.js"
import { settingMillis } from "./internal/errors/durations.js"
import type { SessionConflict, SessionStoreError } from "./internal/errors/errors.js"
import { beginOnce, comeBackLater } from "./internal/request/apiSession.js"
import { begin, type CheckedOptions, type FailedAttempts } from "./internal/request/begin.js"
import { endOf } from "./internal/request/end.js"
import { builtContext, contextOf, type FindContext } from "./internal/request/HttpRequestContext.js"
import type { Options } from "./internal/request/options.js"
import { sourceOf } from "./internal/request/requestSource.js"
import { withVary } from "./internal/request/respond.js"
import { answerUnserved } from "./internal/server/unserved.js"
import { Session, toService } from "./internal/session/tag.js"
import { HttpApi, SessionUnavailable } from "./SessionHttpApi.js"
import { SessionStore } from "./SessionStore.js"

export type {
  /**
   * What can be changed about the middleware.
   *
   * @since 0.1.0
   * @category models
   */
  Options
} from "./internal/request/options.js"
export {
  /**
   * Provides the session to the endpoints of an `HttpApi`; its layer is `layerHttpApi`.
   *
   * @since 0.1.0
   * @category tags
   */
  HttpApi,
  /**
   * The session store could not be reached: HTTP 503.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionUnavailable
} from "./SessionHttpApi.js"

type Response = HttpServerResponse.HttpServerResponse

// Here, because the server may listen before any layer of this library is built.
answerUnserved()

/**
 * The mounts of one middleware.
 *
 * @since 0.1.0
 * @category models
 */
export interface Mounts {
  /** For `HttpApp` and `HttpRouter`. */
  readonly middleware: <E, R>(
    app: HttpApp.Default<E, R>
  ) => HttpApp.Default<E, Exclude<R, Session> | SessionStore>
  /** For `HttpLayerRouter`. */
  readonly layer: RouteLayer
  /** For `HttpLayerRouter`: what `layer` is made of, to `combine` with. */
  readonly routeMiddleware: RouteMiddleware
  /** For `HttpApi`: the layer of `SessionMiddleware.HttpApi`. */
  readonly layerHttpApi: Layer.Layer<HttpApi, never, SessionStore>
}

/**
 * A layer that provides the session, and the store to `SessionAdmin`, to the routes of a `HttpLayerRouter`.
 *
 * @since 0.1.0
 * @category models
 */
export type RouteLayer = RouteMiddleware["layer"]

/**
 * The middleware that is behind such a layer.
 *
 * @since 0.1.0
 * @category models
 */
export type RouteMiddleware = HttpLayerRouter.Middleware<{
  provides: Session | SessionStore
  handles: never
  error: never
  requires: never
  layerError: never
  layerRequires: SessionStore
}>

const checked = (options: Options): CheckedOptions => {
  const { serialize } = options
  if (serialize === undefined) return { ...options, lock: undefined }
  const reason = "must have finite durations: `wait`, and `hold` of at least 1 millisecond."
  const bounds = { most: Number.MAX_VALUE, reason }
  const waitMillis = settingMillis("serialize", serialize.wait, bounds)
  const holdMillis = settingMillis("serialize", serialize.hold, { ...bounds, least: 1 })
  return { ...options, lock: { waitMillis, holdMillis } }
}

type ApiService = Context.Tag.Service<typeof HttpApi>

/**
 * Makes the mounts with options.
 *
 * Throws a `SessionConfigError` where `serialize` has something else than finite durations.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Layer } from "effect"
 * import { SessionMiddleware } from "effect-session"
 *
 * const oneAtATime = SessionMiddleware.make({ serialize: { wait: "2 seconds", hold: "30 seconds" } })
 *
 * const pay = HttpLayerRouter.add("POST", "/pay", HttpServerResponse.text("paid"))
 *
 * export const payments = Layer.provide(pay, oneAtATime.layer)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Mounts => {
  const ready = checked(options)
  // Layers that read their surroundings are fresh: Effect would build them once for a whole app.
  const route = HttpLayerRouter.middleware<{ provides: Session | SessionStore }>()(
    Effect.map(builtContext, (context) => (app) => around(app, context, ready, sessionAndStoreOf))
  )
  const routeMiddleware = Object.assign(route, { layer: Layer.fresh(route.layer) })
  return {
    middleware: (app) => aroundRunning(app, ready),
    layer: routeMiddleware.layer,
    routeMiddleware,
    layerHttpApi: Layer.fresh(
      Layer.effect(
        HttpApi,
        Effect.map(builtContext, (context) => provideApi(context, ready))
      )
    )
  }
}

const defaultMounts = make()

/**
 * For `HttpApp` and `HttpRouter`: provides the session to an app.
 *
 * `SessionConfig` and `SessionEvents` are read where the app runs.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Session, SessionMiddleware } from "effect-session"
 *
 * const home = Effect.gen(function*() {
 *   const visits = yield* Session.increment("visits")
 *   return yield* HttpServerResponse.json({ visits })
 * })
 *
 * export const app = SessionMiddleware.middleware(home)
 * ```
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware: Mounts["middleware"] = defaultMounts.middleware

/**
 * For `HttpLayerRouter`: provides the session to the routes it is provided to.
 *
 * The store, `SessionConfig` and `SessionEvents` are those in force where the layer is provided, so that two groups of routes
 * can have settings of their own. A layer of yours that contains this one is built once for an app, as Effect does with every
 * layer; make it `Layer.fresh` to provide it under several settings.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Effect, Layer } from "effect"
 * import { Session, SessionMiddleware, SessionStore } from "effect-session"
 *
 * const home = HttpLayerRouter.add("GET", "/", Effect.gen(function*() {
 *   const visits = yield* Session.increment("visits")
 *   return yield* HttpServerResponse.json({ visits })
 * }))
 *
 * export const routes = home.pipe(
 *   Layer.provide(SessionMiddleware.layer),
 *   Layer.provide(SessionStore.layerMemory)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: RouteLayer = defaultMounts.layer

/**
 * For `HttpLayerRouter`: the middleware behind `layer`, to `combine` a middleware of your own with.
 *
 * **Details**
 *
 * `mine.combine(SessionMiddleware.routeMiddleware).layer` provides the session to `mine`, and both to the routes. That layer
 * is yours, so an app builds it once; make it `Layer.fresh` to provide it under several settings. With `inside` there is
 * nothing to combine, and a `Csrf.layer` fits in between.
 *
 * @since 0.1.0
 * @category middleware
 */
export const routeMiddleware: RouteMiddleware = defaultMounts.routeMiddleware

/**
 * For `HttpLayerRouter`: makes the layer of a middleware of your own that uses the session. Provide `layer` around it.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Context, Effect, Layer } from "effect"
 * import { Csrf, Session, SessionMiddleware } from "effect-session"
 *
 * class CurrentUser extends Context.Tag("CurrentUser")<CurrentUser, { readonly id: string }>() {}
 *
 * const authentication = HttpLayerRouter.middleware<{ provides: CurrentUser }>()((app) =>
 *   Effect.flatMap(Session.requireUser, (id) => Effect.provideService(app, CurrentUser, { id })))
 *
 * const account = HttpLayerRouter.add("GET", "/account",
 *   Effect.map(CurrentUser, ({ id }) => HttpServerResponse.text(`Hello ${id}`)))
 *
 * export const routes = account.pipe(
 *   Layer.provide(SessionMiddleware.inside(authentication)),
 *   Layer.provide(Csrf.layer),
 *   Layer.provide(SessionMiddleware.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const inside = <Config extends AnyConfig>(
  middleware: HttpLayerRouter.Middleware<Config>
): Layer.Layer<
  HttpLayerRouter.Request.From<"Requires", Config["provides"]>,
  Config["layerError"],
  | Config["layerRequires"]
  | HttpLayerRouter.Request.From<"Requires", Config["requires"]>
  | HttpLayerRouter.Request.From<"Error", Config["error"]>
> =>
  // The layer is there, also where the platform's type for it only tells to combine the middleware with another.
  middleware.layer as never

interface AnyConfig {
  provides: unknown
  handles: unknown
  error: unknown
  requires: unknown
  layerError: unknown
  layerRequires: unknown
}
/**
 * For `HttpApi`: the layer of `SessionMiddleware.HttpApi`.
 *
 * The store, `SessionConfig` and `SessionEvents` are those in force where the layer is provided, as with `layer`. In the
 * definition, the session may stand before or after the middlewares that use it.
 *
 * @example
 * ```ts
 * import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpLayerRouter } from "@effect/platform"
 * import { Effect, Layer, Schema } from "effect"
 * import { Session, SessionMiddleware, SessionStore } from "effect-session"
 *
 * const visits = HttpApiGroup.make("visits")
 *   .add(HttpApiEndpoint.post("count", "/visits").addSuccess(Schema.Number))
 *   .middleware(SessionMiddleware.HttpApi)
 *
 * const Shop = HttpApi.make("shop").add(visits)
 *
 * const Visits = HttpApiBuilder.group(Shop, "visits", (handlers) =>
 *   handlers.handle("count", () => Effect.orDie(Session.increment("visits"))))
 *
 * export const ShopLive = HttpLayerRouter.addHttpApi(Shop).pipe(
 *   Layer.provide(Visits),
 *   Layer.provide(SessionMiddleware.layerHttpApi),
 *   Layer.provide(SessionStore.layerMemory)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpApi: Layer.Layer<HttpApi, never, SessionStore> = defaultMounts.layerHttpApi

/** An app finds its store where it runs. */
const aroundRunning = <E, R>(
  app: Effect.Effect<Response, E, R>,
  options: CheckedOptions
): Effect.Effect<
  Response,
  E,
  Exclude<R, Session> | HttpServerRequest.HttpServerRequest | SessionStore
> => around(app, contextOf, options, sessionOf)

const sessionOf = (session: RequestSession): Context.Context<Session> =>
  Context.make(Session, toService(session))

/** A route has the store too, for `SessionAdmin`: what is provided to the layer of a route does not reach its requests. */
const sessionAndStoreOf = (session: RequestSession): Context.Context<Session | SessionStore> =>
  Context.add(sessionOf(session), SessionStore, session.request.store)

const around = <I, E, R>(
  app: Effect.Effect<Response, E, R>,
  findContext: FindContext,
  options: CheckedOptions,
  servicesOf: (session: RequestSession) => Context.Context<I>
): Effect.Effect<Response, E, Exclude<R, I> | HttpServerRequest.HttpServerRequest> => {
  const failed: FailedAttempts = new WeakMap()
  // One operation instead of many: this runs on every request.
  return withFiber((fiber) => {
    const { loaded, prepare } = begin(fiber, findContext, options, failed)
    return Effect.matchCauseEffect(loaded, {
      onFailure: refused,
      onSuccess: (session) =>
        runWith(fiber, servicesOf(session), {
          app,
          handler: endOf(prepare(session)),
          last: varied,
          onFailure: () => failed.set(sourceOf(requestOf(fiber)), session)
        })
    })
  })
}

/** Sets `Vary` last: a handler that was added later, such as that of CORS, replaces it. */
const varied: ResponseHandler = (_request, response) => Effect.succeed(withVary(response))

const varyLast = appendResponseHandler(varied)

/** Answers where the session could not be loaded. A defect passes on, and `Vary` is added to its answer when that leaves. */
const refused = (
  cause: Cause.Cause<SessionStoreError | SessionConflict>
): Effect.Effect<Response> =>
  Either.match(Cause.failureOrCause(cause), {
    onLeft: (error) => Effect.as(logged(error), withVary(refusal(error))),
    onRight: (defect) => Effect.zipRight(varyLast, Effect.failCause(defect))
  })

const logged = (error: SessionStoreError | SessionConflict): Effect.Effect<void> =>
  error._tag === "SessionStoreError"
    ? Effect.logError("The session could not be loaded", Cause.fail(error))
    : Effect.void

const refusal = (error: SessionStoreError | SessionConflict): Response =>
  error._tag === "SessionConflict"
    ? HttpServerResponse.setHeader(
        answer(409, "Another request of this session is still running. Please try again."),
        "retry-after",
        "1"
      )
    : storeAway.response

/** An `HttpApi` does not let its middleware run the endpoint, so the end of the request is a handler of the response. */
const provideApi = (findContext: FindContext, options: CheckedOptions): ApiService => {
  const earlier: FailedAttempts = new WeakMap()
  return beginOnce((fiber) => {
    const { loaded, prepare } = begin(fiber, findContext, options, earlier)
    const begun = Effect.flatMap(loaded, (session) => {
      // An attempt that fails is not told of, so the next one supersedes whatever came before it.
      earlier.set(sourceOf(requestOf(fiber)), session)
      const end = typed(endOf(prepare(session)))
      return Effect.as(appendResponseHandler(end), toService(session))
    })
    return Effect.catchAll(
      Effect.tapDefect(begun, () => varyLast),
      (error) => Effect.zipRight(logged(error), unavailable(error))
    )
  })
}

/** An `HttpApi` sends the answers of the library, such as that of a failed commit or of a defect, as the JSON of their errors. */
const typed =
  (handler: ResponseHandler): ResponseHandler =>
  (request, response) =>
    Effect.map(handler(request, response), (leaving) => {
      const body = typedBodyOf(leaving.body)
      return body === undefined ? leaving : HttpServerResponse.setBody(leaving, body)
    })

/** The failure of an `HttpApi`. */
const unavailable = (
  error: SessionStoreError | SessionConflict
): Effect.Effect<never, SessionUnavailable | SessionConflict> =>
  Effect.zipRight(
    Effect.zipRight(comeBackLater, varyLast),
    Effect.fail(error._tag === "SessionConflict" ? error : new SessionUnavailable())
  )
