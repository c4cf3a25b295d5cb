import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { lateReport } from "./internal/request/end.js"

/** An app finds its store where it runs. */
const aroundRunning = <E, R>(
  app: Effect.Effect<Response, E, R>,
  options: CheckedOptions
): Effect.Effect<
  Response,
  E,
  Exclude<R, Session> | HttpServerRequest.HttpServerRequest | SessionStore
> => around(app, contextOf, options, sessionOf)

/** What differs between an endpoint of an `HttpApi` and any other app. */
interface Mount<E> {
  /** Answers where the session could not be loaded. */
  readonly refuse: (
    cause: Cause.Cause<SessionStoreError | SessionConflict>
  ) => Effect.Effect<Response, E>
  readonly handlerOf: (handler: ResponseHandler) => ResponseHandler
}

const around = <I, E, R, E2 = never>(
  app: Effect.Effect<Response, E, R>,
  findContext: FindContext,
  options: CheckedOptions,
  servicesOf: (session: RequestSession) => Context.Context<I>,
  // Without a mount it fails with nothing of its own.
  { handlerOf, refuse }: Mount<E2> = { refuse: refused, handlerOf: (handler) => handler }
): Effect.Effect<Response, E | E2, Exclude<R, I> | HttpServerRequest.HttpServerRequest> => {
  const failed: FailedAttempts = new WeakMap()
  // One operation instead of many: this runs on every request.
  return withFiber((fiber) => {
    const { loaded, prepare } = begin(fiber, findContext, options, failed)
    return Effect.matchCauseEffect(loaded, {
      onFailure: refuse,
      onSuccess: (session) =>
        runWith(fiber, servicesOf(session), {
          app,
          handler: handlerOf(endOf(prepare(session))),
          last: varied,
          onFailure: () => failed.set(sourceOf(requestOf(fiber)), session),
          // Whoever interrupted it answers: what the handler has left pending is not what the answer says.
          onInterrupt: () => session.leave(lateReport(fiber))
        })
    })
  })
}

/** An endpoint is an app like any other; its errors are declared, and sent as JSON. */
const provideApi =
  (findContext: FindContext, options: CheckedOptions): ApiService =>
  (endpoint) =>
    around(endpoint, findContext, options, sessionOf, { refuse: refusedByApi, handlerOf: typed })

const refusedByApi = (
  cause: Cause.Cause<SessionStoreError | SessionConflict>
): Effect.Effect<never, SessionUnavailable | SessionConflict> =>
  Result.match(Cause.findError(cause), {
    onSuccess: (error) => Effect.andThen(logged(error), unavailable(error)),
    onFailure: (defect) => Effect.andThen(varyLast, Effect.failCause(defect))
  })
