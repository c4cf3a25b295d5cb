/**
 * Sessions over HTTP: reads the cookie, loads the session, provides it to the handler, commits once before the response
 * head leaves, sets the cookie. One middleware, three mounts: `HttpApp`/`HttpRouter`, `HttpLayerRouter`, `HttpApi`.
 *
 * A websocket reads the session. No cookie can be sent once it is open, so that from then on, as in a streamed body, only
 * `Session.commit` stores something, the id stays, and `Session.login` dies. What changes the id belongs in a request of its
 * own, before the upgrade too.
 *
 * @since 0.1.0
 */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Cell } from "./internal/commit/cell.js"
import type { LeaseOptions } from "./internal/commit/lease.js"
import { response as answer, storeAway } from "./internal/errors/answers.js"
import type { SessionConflict, SessionStoreError } from "./internal/errors/errors.js"
import {
  type Begun,
  begin,
  beginSafely,
  type Failed,
  type Ready,
  sourceOf
} from "./internal/request/begin.js"
import { built, placeOf, type Running } from "./internal/request/context.js"
import type { Options } from "./internal/request/options.js"
import { withVary } from "./internal/request/respond.js"
import { Session } from "./internal/session/tag.js"
import { exitOf } from "./internal/store/synchronous.js"
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
   * Gives the endpoints of an `HttpApi` the session; its layer is `layerHttpApi`.
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

/**
 * The three mounts of one middleware.
 *
 * @since 0.1.0
 * @category models
 */
export interface Mounts {
  readonly middleware: <E, R>(
    app: HttpApp.Default<E, R>
  ) => HttpApp.Default<E, Exclude<R, Session> | SessionStore>
  readonly layer: ReturnType<typeof layerOf>
  readonly layerHttpApi: Layer.Layer<HttpApi, never, SessionStore>
}

const leaseOptions = ({ serialize }: Options): LeaseOptions | undefined => {
  if (serialize === undefined) return undefined
  const waitMillis = Duration.toMillis(serialize.wait)
  const holdMillis = Duration.toMillis(serialize.hold)
  if (!(Number.isFinite(waitMillis) && Number.isFinite(holdMillis) && holdMillis >= 1)) {
    throw new TypeError("SessionMiddleware.make takes finite durations for serialize")
  }
  return { waitMillis, holdMillis }
}

const layerOf = (options: Ready) =>
  HttpLayerRouter.middleware<{ provides: Session }>()(
    Effect.map(built, (place) => (app) => around(app, place, options))
  ).layer

/**
 * Makes the middleware with options. Throws when a duration of `serialize` is none.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Mounts => {
  const ready = { ...options, lease: leaseOptions(options) }
  return {
    middleware: (app) => running(app, ready),
    layer: layerOf(ready),
    layerHttpApi: Layer.effect(
      HttpApi,
      Effect.map(built, (place) => {
        const begun = Effect.tapDefect(beginApi(place, typed(ready)), () => varyLast)
        return Effect.catchAll(begun, unavailable)
      })
    )
  }
}

/**
 * For `HttpApp` and `HttpRouter`: gives an app the session. Reads `SessionConfig` and `SessionEvents` where the app runs.
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware: Mounts["middleware"] = (app) => running(app, none)

/**
 * For `HttpLayerRouter`: provides the session to the routes it is provided to. `SessionConfig` and `SessionEvents` are
 * those the layer is built with.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = make().layer

/**
 * For `HttpApi`: the layer of `SessionMiddleware.HttpApi`. `SessionConfig` and `SessionEvents` are those the layer is
 * built with.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpApi: Layer.Layer<HttpApi, never, SessionStore> = make().layerHttpApi

const none: Ready = { lease: undefined }

/** An app finds its store where it runs. */
const running = <E, R>(
  app: Effect.Effect<Response, E, R>,
  options: Ready
): Effect.Effect<
  Response,
  E,
  Exclude<R, Session> | HttpServerRequest.HttpServerRequest | SessionStore
> => around(app, placeOf, options)

const around = <E, R>(
  app: Effect.Effect<Response, E, R>,
  place: typeof placeOf,
  options: Ready
): Effect.Effect<Response, E, Exclude<R, Session> | HttpServerRequest.HttpServerRequest> => {
  const failed: Failed = new WeakMap()
  // One operation instead of many: this runs on every request.
  return Effect.withFiberRuntime((fiber) => {
    // The app is given the one service it lacks.
    const go = (begun: Begun) =>
      within(fiber, app, begun, failed) as Effect.Effect<Response, E, Exclude<R, Session>>
    const beginning = beginSafely(fiber, place, options, failed)
    const exit = exitOf(beginning)
    return exit?._tag === "Success"
      ? go(exit.value)
      : Effect.matchCauseEffect(beginning, { onFailure: refused, onSuccess: go })
  })
}

/**
 * Runs an app with its session. Handlers that it adds run after the session's own, and one such as CORS replaces `Vary`:
 * it is added again.
 *
 * The context is set and set back by hand: `Effect.provideService` costs a request three times as much. Only an app that
 * is interrupted may leave it set, in a fiber that has nothing to do any more but to answer this request.
 */
const within = <E, R>(
  fiber: Running,
  app: Effect.Effect<Response, E, R>,
  { handler, opened }: Begun,
  failed: Failed
): Effect.Effect<Response, E, R> => {
  const { cell } = opened
  const outside = fiber.currentContext
  const handlers = handlersWith(fiber, handler)
  const leave = <A, E1>(exit: Exit.Exit<A, E1>): Effect.Effect<A, E1> => {
    const left = Effect.zipRight(FiberRef.set(FiberRef.currentContext, outside), exit)
    return fiber.getFiberRef(HttpApp.currentPreResponseHandlers) === handlers
      ? left
      : Effect.zipRight(varyLast, left)
  }
  return Effect.zipRight(
    enter(Context.add(outside, Session, cell), handlers),
    Effect.matchCauseEffect(app, {
      onFailure: (cause) => {
        failed.set(sourceOf(outside), opened)
        return leave(Exit.failCause(cause))
      },
      onSuccess: (response) => leave(Exit.succeed(response))
    })
  )
}

type Handlers = Option.Option<HttpApp.PreResponseHandler>

/** The handlers of the request with one more, as `HttpApp.appendPreResponseHandler` would leave them. */
const handlersWith = (
  fiber: Running,
  handler: HttpApp.PreResponseHandler | undefined
): Handlers => {
  const earlier = fiber.getFiberRef(HttpApp.currentPreResponseHandlers)
  if (handler === undefined) return earlier
  return Option.some(
    Option.isNone(earlier)
      ? handler
      : (request, response) =>
          Effect.flatMap(earlier.value(request, response), (changed) => handler(request, changed))
  )
}

/** Sets both at once: each change of a fiber's references copies all of them. */
const enter = (context: Context.Context<never>, handlers: Handlers): Effect.Effect<void> =>
  Effect.updateFiberRefs((id, refs) =>
    FiberRefs.updateManyAs(refs, {
      entries: [
        [FiberRef.currentContext, [[id, context]]],
        [HttpApp.currentPreResponseHandlers, [[id, handlers]]]
      ]
    })
  )

const varyLast = HttpApp.appendPreResponseHandler((_request, response) =>
  Effect.succeed(withVary(response))
)

/** Answers where the session cannot be had. A defect passes on, to an answer that `Vary` is added to when it leaves. */
const refused = (
  cause: Cause.Cause<SessionStoreError | SessionConflict>
): Effect.Effect<Response> =>
  Either.match(Cause.failureOrCause(cause), {
    onLeft: (error) => Effect.succeed(withVary(refusal(error))),
    onRight: (defect) => Effect.zipRight(varyLast, Effect.failCause(defect))
  })

const refusal = (error: SessionStoreError | SessionConflict): Response =>
  error._tag === "SessionConflict"
    ? HttpServerResponse.setHeader(
        answer(409, "Another request of this session is still running. Please try again."),
        "retry-after",
        "1"
      )
    : storeAway

/** With the error of an `HttpApi` in place of a sentence, so that its clients can read it after a failed commit too. */
const typed = (options: Ready): Ready => ({
  ...options,
  unavailable: HttpServerResponse.setBody(
    answer(503, ""),
    HttpBody.unsafeJson(Schema.encodeSync(SessionUnavailable)(new SessionUnavailable()))
  )
})

/** The failure of an `HttpApi`, whose response is made later: its headers are added when it leaves. */
const unavailable = (
  error: SessionStoreError | SessionConflict
): Effect.Effect<never, SessionUnavailable> =>
  Effect.zipRight(
    HttpApp.appendPreResponseHandler((_request, response) =>
      Effect.succeed(
        HttpServerResponse.setHeaders(withVary(response), {
          "cache-control": "no-store",
          "retry-after": "1"
        })
      )
    ),
    // A conflict answers for itself.
    error._tag === "SessionConflict" ? Effect.die(error) : Effect.fail(new SessionUnavailable())
  )

/** As `begin`, for an `HttpApi`, which provides the session itself. */
const beginApi = (
  place: typeof placeOf,
  options: Ready
): Effect.Effect<Cell, SessionStoreError | SessionConflict> =>
  Effect.withFiberRuntime((fiber) =>
    Effect.flatMap(begin(fiber, place, options), ({ handler, opened: { cell } }) =>
      handler === undefined
        ? Effect.succeed(cell)
        : Effect.as(HttpApp.appendPreResponseHandler(handler), cell)
    )
  )
