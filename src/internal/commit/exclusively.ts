/** How what a request asks of the store for its session is run: one after the other, and within a deadline. */
import * as Effect from "effect/Effect"
import { makeCommitId } from "../../core/record/token.js"
import { apart } from "../effect/apart.js"
import { inTurn, inTurnAtOnce } from "../effect/turns.js"
import { SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import { neverWaits } from "../store/memory/store.js"
import { now } from "./RequestContext.js"
import type { RequestSession } from "./RequestSession.js"

/** How long a request waits for the store. */
const deadlineMillis = 2000

/** How long it waits for earlier ones of the same session, as long as they get done. */
const longestWaitMillis = 10_000

/** How long a commit tries again: it ends with a conflict before the deadline gives it up. */
export const retryMillis = 1800

/**
 * Calls the store in a fiber of its own, so that a client that goes away cuts nothing in half. A store that never waits is
 * called where the request stands: there is nothing to wait for.
 */
export const withDeadline = <A, E>(
  store: Service,
  operation: string,
  call: Effect.Effect<A, E>
): Effect.Effect<A, E | SessionStoreError> =>
  neverWaits(store) ? call : inTime(operation, call, () => {})

const inTime = <A, E>(
  operation: string,
  call: Effect.Effect<A, E>,
  giveUp: (error: SessionStoreError) => void
): Effect.Effect<A, E | SessionStoreError> =>
  apart(call, {
    millis: deadlineMillis,
    onInterrupt: "leave",
    onTimeout: () => {
      const error = new SessionStoreError({ operation, reason: "timeout" })
      giveUp(error)
      return error
    }
  })

/** Makes the id of a commit. A store that never waits loses no reply, so none has to be recognised. */
export const newCommitId = ({ request }: RequestSession): string | null =>
  neverWaits(request.store) ? null : makeCommitId(now(request))

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
  const once = Effect.suspend(
    (): Effect.Effect<A, E | SessionStoreError> =>
      session.life.failure === null ? work() : Effect.fail(session.life.failure)
  )
  return neverWaits(store)
    ? inTurnAtOnce(store, session.arrivedAt, once)
    : inTurn(store, session.arrivedAt, inTime(operation, once, giveUp), {
        stalledMillis: deadlineMillis,
        longestMillis: longestWaitMillis,
        onImpatience: () => new SessionStoreError({ operation, reason: "timeout" })
      })
}
