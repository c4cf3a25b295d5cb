/** Commits what a request has recorded. */
import * as Effect from "effect/Effect"
import { type Intent, noOperations, takesNothing } from "../../core/commit/model.js"
import { isTouchDue } from "../../core/commit/plan.js"
import type { Operation } from "../../core/session/operation.js"
import type { SessionStoreError } from "../errors/errors.js"
import { type CommitError, type Outcome, runCommit } from "./engine.js"
import { exclusively, newCommitId } from "./exclusively.js"
import { now } from "./RequestContext.js"
import { isRetired, type RequestSession } from "./RequestSession.js"

/** What a commit does beside what is pending. */
export interface CommitOptions {
  /** Removes the flash that this request was shown. */
  readonly ages?: boolean
  /** Operations of the request itself, such as giving back the lock. */
  readonly also?: ReadonlyArray<Operation> | undefined
}

/** Commits what is pending now. `gone`: the session does not exist any more, and everything was dropped. */
export const commit = (
  session: RequestSession,
  options: CommitOptions = {}
): Effect.Effect<Outcome, CommitError> =>
  // Of a session that was given up nobody can say that it is stored.
  session.life.failure !== null || hasWork(session, options)
    ? exclusively(session, "commit", () =>
        hasWork(session, options) ? runCommit(session, intentOf(session, options)) : nothing
      )
    : nothing

const nothing: Effect.Effect<Outcome> = Effect.succeed("nothing")

/** Tells whether the store has to be asked at all. Most requests end here. */
export const hasWork = (session: RequestSession, { ages, also }: CommitOptions = {}): boolean => {
  const { life, onLateWrite, request } = session
  const { change, pending, phase, position, shownFlash } = life
  const { stored } = position
  if (phase === "skipped") return false
  if (stored === null) {
    // Nobody would get the cookie of a session that begins after the head.
    return pending.length > 0 && onLateWrite === null && !isRetired(life)
  }
  return (
    pending.length > 0 ||
    change !== null ||
    also !== undefined ||
    (ages === true && shownFlash.length > 0) ||
    isTouchDue(stored, request.settings, now(request))
  )
}

const intentOf = (session: RequestSession, { ages, also = [] }: CommitOptions): Intent => {
  const { change, pending, predicted, shownFlash } = session.life
  const ageing: ReadonlyArray<Operation> =
    ages === true && shownFlash.length > 0 ? [{ _tag: "age", seen: shownFlash }] : []
  const extra = [...ageing, ...also]
  const operations = extra.length === 0 ? pending : [...pending, ...extra]
  return {
    commitId: newCommitId(session),
    verb: "commit",
    operations: () => operations,
    predicted: extra.length === 0 ? predicted : null,
    change,
    unseen: noOperations,
    takes: { operations: pending, change }
  }
}

/** Commits operations of the library itself; what the handler has recorded stays pending. */
export const commitApart = (
  session: RequestSession,
  verb: Intent["verb"],
  operations: Intent["operations"],
  { run = runCommit, unseen = noOperations as Intent["unseen"] } = {}
): Effect.Effect<Outcome, CommitError> =>
  session.life.phase === "skipped"
    ? nothing
    : exclusively(session, verb, () =>
        run(session, {
          commitId: newCommitId(session),
          verb,
          operations,
          predicted: null,
          change: null,
          unseen,
          takes: takesNothing
        })
      )

/** Moves the last activity now, whatever the touch interval says. */
export const touch = (session: RequestSession): Effect.Effect<Outcome, SessionStoreError> =>
  // What brings nothing has nothing that could not fit.
  Effect.catchTags(
    commitApart(session, "touch", () => []),
    {
      SessionConflict: Effect.die,
      SessionEncodeError: Effect.die
    }
  )
