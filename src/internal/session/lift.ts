/** From the synchronous verbs to the Effects of the public surface. */

import * as Effect from "effect/Effect"
import type { RequestSession } from "../commit/RequestSession.js"
import { serviceOf, withFiber } from "../effect/fiber.js"
import { SessionTypeError } from "../errors/errors.js"
import { fromService, Session } from "./tag.js"

/** Lifts a verb; what it throws is a defect. */
export const use = <A>(f: (session: RequestSession) => A): Effect.Effect<A, never, Session> =>
  // One operation instead of three: handlers call little else.
  withFiber((fiber) => Effect.succeed(f(fromService(serviceOf(fiber, Session)))))

/** Lifts a verb that is an Effect itself. */
export const useEffect = <A, E, R>(
  f: (session: RequestSession) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | Session> => Effect.flatMap(Session, (service) => f(fromService(service)))

/** Runs an operation whose `SessionTypeError` is an error; whatever else it throws is a defect. */
export const attempt = <A>(f: () => A): Effect.Effect<A, SessionTypeError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (error) {
      if (error instanceof SessionTypeError) return Effect.fail(error)
      throw error
    }
  })
