/**
 * The session of an `HttpApi`. The platform runs the middlewares of a definition one after the other, the last one first, and
 * none can ask for another. So the first one that needs the session begins it, and the session middleware hands on what was
 * begun. A check that does not know the session middleware waits until the session is begun.
 */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type RunningFiber, serviceOf, withFiber } from "../effect/fiber.js"
import { appendResponseHandler } from "../effect/requestFiber.js"
import { type CurrentSession, Session } from "../session/tag.js"
import { sourceOf } from "./requestSource.js"

/** The service of a session middleware. */
type Service<E, R> = Effect.Effect<CurrentSession, E, R>

/** The sessions that another middleware has begun, by the service that will hand them on and by what they came from. */
const begun = new WeakMap<object, WeakMap<object, CurrentSession>>()

/** The checks that wait for the session of a request, by what it came from. */
const waiting = new WeakMap<object, Array<Effect.Effect<void, unknown, Session>>>()

const sourceIn = (fiber: RunningFiber): object =>
  sourceOf(serviceOf(fiber, HttpServerRequest.HttpServerRequest))

/** Makes the service of the session middleware: it hands on the session that was begun, or begins it. */
export const beginOnce = <E, R>(
  begin: (fiber: RunningFiber) => Effect.Effect<CurrentSession, E, R>
): Service<E, R> => {
  const begunHere = new WeakMap<object, CurrentSession>()
  const service = withFiber((fiber) => {
    const source = sourceIn(fiber)
    const known = begunHere.get(source)
    begunHere.delete(source)
    const session = known === undefined ? begin(fiber) : Effect.succeed(known)
    return Effect.tap(session, (there) => checked(source, there))
  })
  begun.set(service, begunHere)
  return service
}

const checked = (source: object, session: CurrentSession): Effect.Effect<void> => {
  const checks = waiting.get(source) ?? []
  waiting.delete(source)
  const all = Effect.forEach(checks, (check) => check, { discard: true })
  // Each failure is one that the definition declares for the check.
  return Effect.provideService(all, Session, session) as Effect.Effect<void>
}

/** Runs another middleware in the session of the request, on either side of the session middleware. */
export const inSession = <A, E, R, E2, R2>(
  service: Service<E2, R2>,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, Session> | R2> =>
  withFiber((fiber) =>
    // What `service` fails with is encoded as a failure of the API also where it is a defect.
    Effect.provideServiceEffect(effect, Session, Effect.orDie(sessionFor(service, fiber)))
  )

const sessionFor = <E, R>(service: Service<E, R>, fiber: RunningFiber): Service<E, R> => {
  const provided = providedIn(fiber)
  if (Option.isSome(provided)) return Effect.succeed(provided.value)
  const source = sourceIn(fiber)
  return Effect.tap(service, (session) =>
    Effect.sync(() => begun.get(service)?.set(source, session))
  )
}

const providedIn = (fiber: RunningFiber): Option.Option<CurrentSession> =>
  Context.getOption(fiber.currentContext as Context.Context<Session>, Session)

/** Runs a check before the endpoints of an `HttpApi`, on either side of the session middleware, known or not. */
export const checkInSession = <E, R, E2, R2>(
  service: Option.Option<Service<E2, R2>>,
  check: Effect.Effect<void, E, R>
): Effect.Effect<void, E, Exclude<R, Session> | R2> =>
  Option.match(service, {
    onSome: (known) => inSession(known, check),
    onNone: () => onceInSession(check)
  })

/**
 * Runs a check as soon as the request has its session. A definition without the session middleware never has one: its answers
 * are made a 500, so that nobody takes it for checked.
 */
const onceInSession = <E, R>(
  check: Effect.Effect<void, E, R>
): Effect.Effect<void, E, Exclude<R, Session>> =>
  withFiber((fiber) => {
    // The session is there now, or will be when the check runs; the rest of what it needs is the request.
    const ready = check as Effect.Effect<void, E>
    if (Option.isSome(providedIn(fiber))) return ready
    const source = sourceIn(fiber)
    let isChecked = false
    const noted = Effect.zipRight(
      Effect.sync(() => {
        isChecked = true
      }),
      ready
    )
    waiting.set(source, [...(waiting.get(source) ?? []), noted])
    return appendResponseHandler((_request, response) =>
      isChecked || response.status >= 400 ? Effect.succeed(response) : unchecked
    )
  })

const unchecked = Effect.as(
  Effect.logError(
    "A check needs the session, but the HttpApi lacks SessionMiddleware.HttpApi for this endpoint"
  ),
  HttpServerResponse.empty({ status: 500 })
)

/** Tells the client of an error of the API to come back. Its response is made later, so the headers are added when that leaves. */
export const comeBackLater = appendResponseHandler((_request, response) =>
  Effect.succeed(
    HttpServerResponse.setHeaders(response, { "cache-control": "no-store", "retry-after": "1" })
  )
)
