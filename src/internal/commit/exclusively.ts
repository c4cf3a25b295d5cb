/** How the commits of one session in this process wait for each other. */
import * as Effect from "effect/Effect"
import { makeCommitId, makeServerNumber, writerOf } from "../../core/record/token.js"
import { inTurn } from "../effect/turns.js"
import { SessionStoreError } from "../errors/errors.js"
import { deadlineMillis } from "../store/deadline.js"
import { isMemoryStore } from "../store/memory/store.js"
import { now } from "./RequestContext.js"
import type { RequestSession } from "./RequestSession.js"

/** How long a request waits for earlier ones of the same session: as long as they get done, and never longer than this. */
const longestWaitMillis = 10_000

/** A commit that tries again makes two calls of the store at most before it knows whether it goes on. */
const stalledMillis = 2 * deadlineMillis

/** How long a commit tries again. It ends with a conflict, or with the failure of a store that took as long to answer. */
export const retryMillis = 1800

/** By stores, because each has turns of its own. */
const serverNumbers = new WeakMap<object, number>()

/**
 * Makes the id of a commit. Its writer is the turn it is made in, so the writer's last commit is the only one that is in doubt. A
 * store that loses no reply needs no id by which a commit is recognised.
 */
export const newCommitId = ({ arrivedAt, request }: RequestSession): string | null => {
  const { store } = request
  return isMemoryStore(store)
    ? null
    : makeCommitId(now(request), writerOf(serverNumberOf(store), arrivedAt))
}

const serverNumberOf = (store: object): number => {
  const known = serverNumbers.get(store)
  if (known !== undefined) return known
  const made = makeServerNumber()
  serverNumbers.set(store, made)
  return made
}

/**
 * Runs `work` behind what this request, then this process, does with the session already. Nothing interrupts it, so that
 * neither an abort nor a deadline cuts it in half.
 */
export const exclusively = <A, E>(
  session: RequestSession,
  operation: string,
  work: () => Effect.Effect<A, E>
): Effect.Effect<A, E | SessionStoreError> =>
  inTurn(
    session.request.store,
    session.arrivedAt,
    Effect.suspend(
      (): Effect.Effect<A, E | SessionStoreError> =>
        session.life.failure === null ? work() : Effect.fail(session.life.failure)
    ),
    {
      stalledMillis,
      longestMillis: longestWaitMillis,
      onImpatience: () => new SessionStoreError({ operation, reason: "timeout" })
    }
  )
