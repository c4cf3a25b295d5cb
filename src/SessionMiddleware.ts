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
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpRouter from "@effect/platform/HttpRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { withFiber } from "./internal/effect/fiber.js"
import {
  appendResponseHandler,
  type ResponseHandler,
  requestOf,
  runWith
} from "./internal/effect/requestFiber.js"
import { response as answer, storeAway } from "./internal/errors/answers.js"
import {
  SessionConfigError,
  type SessionConflict,
  type SessionStoreError
} from "./internal/errors/errors.js"
import {
  begin,
  type CheckedOptions,
  type FailedAttempts,
  sourceOf
} from "./internal/request/begin.js"
import { endOf } from "./internal/request/end.js"
import { builtContext, contextOf, type FindContext } from "./internal/request/HttpRequestContext.js"
import type { Options } from "./internal/request/options.js"
import { withVary } from "./internal/request/respond.js"
import { answerUnserved } from "./internal/server/unserved.js"
import { millisOf } from "./internal/session/arguments.js"
import { type CurrentSession, Session, toService } from "./internal/session/tag.js"
import { HttpApi, SessionUnavailable } from "./SessionHttpApi.js"
import type { SessionStore } from "./SessionStore.js"

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
 * The three mounts of one middleware.
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
  /** For `HttpApi`: the layer of `SessionMiddleware.HttpApi`. */
  readonly layerHttpApi: Layer.Layer<HttpApi, never, SessionStore>
}

/**
 * A layer that provides the session to the routes of a `HttpLayerRouter`.
 *
 * @since 0.1.0
 * @category models
 */
export type RouteLayer = Layer.Layer<
  HttpLayerRouter.Request<"Requires", Session>,
  never,
  SessionStore
>

const checked = (options: Options): CheckedOptions => {
  const { serialize } = options
  if (serialize === undefined) return { ...options, lock: undefined }
  const waitMillis = millisOf(serialize.wait) ?? Number.NaN
  const holdMillis = millisOf(serialize.hold) ?? Number.NaN
  if (Number.isFinite(waitMillis) && Number.isFinite(holdMillis) && holdMillis >= 1) {
    return { ...options, lock: { waitMillis, holdMillis } }
  }
  const reason = "must have finite durations: `wait`, and `hold` of at least 1 millisecond."
  throw new SessionConfigError({ field: "serialize", reason })
}

/**
 * Makes the three mounts with options.
 *
 * Throws a `SessionConfigError` where `serialize` has something else than finite durations.
 *
 * @example
 * ```ts
 * import { HttpRouter, HttpServerResponse } from "@effect/platform"
 * import { SessionMiddleware } from "effect-session"
 *
 * const oneAtATime = SessionMiddleware.make({ serialize: { wait: "2 seconds", hold: "30 seconds" } })
 *
 * export const payments = HttpRouter.empty.pipe(
 *   HttpRouter.post("/pay", HttpServerResponse.text("paid")),
 *   oneAtATime.middleware
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Mounts => {
  const ready = checked(options)
  return {
    middleware: (app) => aroundRunning(app, ready),
    layer: HttpLayerRouter.middleware<{ provides: Session }>()(
      Effect.map(builtContext, (context) => (app) => around(app, context, ready))
    ).layer,
    layerHttpApi: Layer.effect(
      HttpApi,
      Effect.map(builtContext, (context) => provideApi(context, withTypedAnswer(ready)))
    )
  }
}

/**
 * For `HttpApp` and `HttpRouter`: provides the session to an app.
 *
 * `SessionConfig` and `SessionEvents` are read where the app runs.
 *
 * @example
 * ```ts
 * import { HttpRouter, HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Session, SessionMiddleware } from "effect-session"
 *
 * export const app = HttpRouter.empty.pipe(
 *   HttpRouter.get("/", Effect.gen(function*() {
 *     const visits = yield* Session.increment("visits")
 *     return yield* HttpServerResponse.json({ visits })
 *   })),
 *   SessionMiddleware.middleware
 * )
 * ```
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware: Mounts["middleware"] = (app) => aroundRunning(app, none)

/**
 * For `HttpLayerRouter`: provides the session to the routes it is provided to.
 *
 * `SessionConfig` and `SessionEvents` are read when the layer is built.
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
export const layer: RouteLayer = make().layer

/**
 * For `HttpApi`: the layer of `SessionMiddleware.HttpApi`.
 *
 * `SessionConfig` and `SessionEvents` are read when the layer is built. In the definition the session comes last, since the
 * last middleware is the outermost.
 *
 * @example
 * ```ts
 * import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "@effect/platform"
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
 * export const ShopLive = HttpApiBuilder.api(Shop).pipe(
 *   Layer.provide(Visits),
 *   Layer.provide(SessionMiddleware.layerHttpApi),
 *   Layer.provide(SessionStore.layerMemory)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpApi: Layer.Layer<HttpApi, never, SessionStore> = make().layerHttpApi

const none = checked({})

/** An app finds its store where it runs. */
const aroundRunning = <E, R>(
  app: Effect.Effect<Response, E, R>,
  options: CheckedOptions
): Effect.Effect<
  Response,
  E,
  Exclude<R, Session> | HttpServerRequest.HttpServerRequest | SessionStore
> => around(app, contextOf, options)

const around = <E, R>(
  app: Effect.Effect<Response, E, R>,
  findContext: FindContext,
  options: CheckedOptions
): Effect.Effect<Response, E, Exclude<R, Session> | HttpServerRequest.HttpServerRequest> => {
  const failed: FailedAttempts = new WeakMap()
  // One operation instead of many: this runs on every request.
  return withFiber((fiber) => {
    const { loaded, prepare } = begin(fiber, findContext, options, failed)
    return Effect.matchCauseEffect(loaded, {
      onFailure: refused,
      onSuccess: (session) =>
        runWith(fiber, Session, toService(session), {
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
    ? Effect.logError("The session could not be loaded", error)
    : Effect.void

const refusal = (error: SessionStoreError | SessionConflict): Response =>
  error._tag === "SessionConflict"
    ? HttpServerResponse.setHeader(
        answer(409, "Another request of this session is still running. Please try again."),
        "retry-after",
        "1"
      )
    : storeAway

/** Has the error of an `HttpApi` in place of a sentence, so that its clients can read it after a failed commit too. */
const withTypedAnswer = (options: CheckedOptions): CheckedOptions => ({
  ...options,
  unavailable: HttpServerResponse.setBody(
    answer(503, ""),
    HttpBody.unsafeJson(Schema.encodeSync(SessionUnavailable)(new SessionUnavailable()))
  )
})

/** An `HttpApi` does not let its middleware run the endpoint, so the end of the request is a handler of the response. */
const provideApi = (
  findContext: FindContext,
  options: CheckedOptions
): Effect.Effect<CurrentSession, SessionUnavailable, HttpRouter.HttpRouter.Provided> => {
  const failed: FailedAttempts = new WeakMap()
  return withFiber((fiber) => {
    const { loaded, prepare } = begin(fiber, findContext, options, failed)
    const begun = Effect.flatMap(loaded, (session) =>
      Effect.as(appendResponseHandler(endOf(prepare(session))), toService(session))
    )
    return Effect.catchAll(
      Effect.tapDefect(begun, () => varyLast),
      (error) => Effect.zipRight(logged(error), unavailable(error))
    )
  })
}

/** The failure of an `HttpApi`. Its response is made later, so the headers are added when that leaves. */
const unavailable = (
  error: SessionStoreError | SessionConflict
): Effect.Effect<never, SessionUnavailable> =>
  Effect.zipRight(
    appendResponseHandler((_request, response) =>
      Effect.succeed(
        HttpServerResponse.setHeaders(withVary(response), {
          "cache-control": "no-store",
          "retry-after": "1"
        })
      )
    ),
    // A conflict has an answer of its own.
    error._tag === "SessionConflict" ? Effect.die(error) : Effect.fail(new SessionUnavailable())
  )
