/** Lifts the synchronous verbs to the Effects of the public surface. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Json } from "../../core/session/json.js"
import type { RequestSession } from "../commit/RequestSession.js"
import { serviceOf, withFiber } from "../effect/fiber.js"
import { SessionTypeError } from "../errors/errors.js"
import { fromService, Session } from "./tag.js"

/** Lifts a verb; what it throws is a defect. */
export const use = <A>(f: (session: RequestSession) => A): Effect.Effect<A, never, Session> =>
  // One operation instead of three: handlers call little else.
  withFiber((fiber) => Effect.succeed(f(fromService(serviceOf(fiber, Session)))))

/** As `use`, for a verb that may find nothing. */
export const useOption = (
  f: (session: RequestSession) => Json | undefined
): Effect.Effect<Option.Option<Json>, never, Session> => use((session) => optionOf(f(session)))

/** As `use`, for a verb that gives an instant. */
export const useInstant = (
  f: (session: RequestSession) => number
): Effect.Effect<DateTime.Utc, never, Session> => use((session) => DateTime.unsafeMake(f(session)))

/** As `use`, but a `SessionTypeError` is a failure. */
export const useTyped = <A>(
  f: (session: RequestSession) => A
): Effect.Effect<A, SessionTypeError, Session> => useEffect((session) => attempt(() => f(session)))

/** Lifts a verb that is an Effect itself. */
export const useEffect = <A, E, R>(
  f: (session: RequestSession) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | Session> =>
  withFiber((fiber) => f(fromService(serviceOf(fiber, Session))))

/** Runs a function now. A `SessionTypeError` is a failure; anything else it throws is thrown on. */
export const attempt = <A>(f: () => A): Effect.Effect<A, SessionTypeError> => {
  try {
    return Effect.succeed(f())
  } catch (error) {
    if (error instanceof SessionTypeError) return Effect.fail(error)
    throw error
  }
}

/** A stored `null` is a value. */
export const optionOf = (value: Json | undefined): Option.Option<Json> =>
  value === undefined ? Option.none() : Option.some(value)
