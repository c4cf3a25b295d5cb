/**
 * Requests of one session that run one at a time. The lock is a field of the session itself: it is taken and given back by
 * operations, moves with the row, and lapses after `hold` whatever became of its owner.
 */
import * as Effect from "effect/Effect"
import { makeEntryId } from "../../core/record/token.js"
import type { Operation } from "../../core/session/operation.js"
import { commitApart } from "../commit/commitPending.js"
import { now } from "../commit/RequestContext.js"
import type { RequestSession } from "../commit/RequestSession.js"
import { pause } from "../effect/pause.js"
import { SessionConflict, type SessionStoreError } from "../errors/errors.js"

/** How long to wait for the lock, and how long it holds. */
export interface LockOptions {
  readonly waitMillis: number
  readonly holdMillis: number
}

/** The name under which a request holds the lock; none where the route takes no lock. */
export type LockOwner = string | null

const owners = new WeakMap<object, string>()

/** The owner is the same in all attempts at one request, which `source` stands for. */
export const ownerOf = (source: object): string => {
  const owner = owners.get(source) ?? makeEntryId()
  owners.set(source, owner)
  return owner
}

/** Loads the session and takes its lock. A visitor without a stored session goes on without one. */
export const loadLocked = (
  load: Effect.Effect<RequestSession, SessionStoreError>,
  owner: string,
  options: LockOptions
): Effect.Effect<RequestSession, SessionStoreError | SessionConflict> => {
  const began = performance.now()
  const attempt: Effect.Effect<RequestSession, SessionStoreError | SessionConflict> =
    Effect.flatMap(load, (session) =>
      session.life.position.stored === null
        ? Effect.succeed(session)
        : Effect.catchTags(Effect.as(lock(session, owner, options), session), {
            SessionEncodeError: (error) => Effect.die(error),
            SessionConflict: () =>
              performance.now() - began >= options.waitMillis
                ? Effect.fail(busy())
                : Effect.zipRight(spread, attempt)
          })
    )
  return attempt
}

const lock = (session: RequestSession, owner: string, { holdMillis }: LockOptions) => {
  const atMillis = now(session.request)
  const operation: Operation = { _tag: "lock", owner, untilMillis: atMillis + holdMillis, atMillis }
  return commitApart(session, "serialize", () => [operation])
}

const busy = () =>
  new SessionConflict({
    operation: "serialize",
    reason: "another request of the session is still running"
  })

/** Keeps those who contend from asking all at once. */
const spread = pause(() => 10 + Math.random() * 30)

/** The operation that gives the lock back, for a commit to bring along; none where this request holds none. */
export const unlocking = (
  { life }: RequestSession,
  owner: LockOwner
): ReadonlyArray<Operation> | undefined =>
  owner !== null && life.position.stored?.state.lock?.owner === owner
    ? [{ _tag: "unlock", owner }]
    : undefined

/** Gives the lock back by itself, where no commit has. Where the store fails, it lapses. */
export const unlock = (session: RequestSession, owner: LockOwner): Effect.Effect<void> =>
  Effect.suspend(() => {
    const operations = unlocking(session, owner)
    return operations === undefined
      ? Effect.void
      : Effect.ignore(commitApart(session, "serialize", () => operations))
  })
