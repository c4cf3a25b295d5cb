/** How what a request asks of the store for its session is run: one after the other, and within a deadline. */
import * as Effect from "effect/Effect"
import { apart } from "../effect/apart.js"
import { inTurn } from "../effect/turns.js"
import { SessionStoreError } from "../errors/errors.js"
import type { RequestSession } from "./RequestSession.js"

/** How long a request waits for the store. */
const deadlineMillis = 2000

/** How long it waits for earlier ones of the same session, as long as they get done. */
const longestWaitMillis = 10_000

/** How long a commit tries again: it ends with a conflict before the deadline gives it up. */
export const retryMillis = 1800

/** Calls the store in a fiber of its own, so that a client that goes away cuts nothing in half. */
export const withDeadline = <A, E>(
  operation: string,
  call: Effect.Effect<A, E>,
  onTimeout?: (error: SessionStoreError) => void
): Effect.Effect<A, E | SessionStoreError> =>
  apart(call, {
    millis: deadlineMillis,
    onInterrupt: "leave",
    onTimeout: () => {
      const error = new SessionStoreError({ operation, reason: "timeout" })
      onTimeout?.(error)
      return error
    }
  })

/**
 * Runs `work` behind what this request, then this process, does with the session already, and within the deadline. When
 * the deadline passes nobody can tell what is stored, so the request gives the session up: nothing is committed on top.
 */
export const exclusively = <A, E>(
  session: RequestSession,
  operation: string,
  work: () => Effect.Effect<A, E>,
  giveUp = (error: SessionStoreError): void => session.giveUp(error)
): Effect.Effect<A, E | SessionStoreError> => {
  const { store } = session.request
  const patience = {
    stalledMillis: deadlineMillis,
    longestMillis: longestWaitMillis,
    onImpatience: () => new SessionStoreError({ operation, reason: "timeout" })
  }
  const inTime = Effect.suspend(() =>
    session.life.failure === null
      ? withDeadline(operation, Effect.suspend(work), giveUp)
      : Effect.fail(session.life.failure)
  )
  const behindOthers = Effect.suspend(() =>
    inTurn(store, session.life.position.id, inTime, patience)
  )
  return inTurn(session, "", behindOthers, patience)
}
