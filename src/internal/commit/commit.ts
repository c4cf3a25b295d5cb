/**
 * The commit engine: brings what a request recorded to the store, as one conditional write. What kind of write it is
 * decided here; `insert.ts`, `replace.ts` and `touch.ts` do it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { sameStored } from "../../core/record/payload.js"
import { isFree } from "../effect/turns.js"
import type { SessionStoreError } from "../errors/errors.js"
import { exitOf, isSynchronous } from "../store/synchronous.js"
import type { Base, Cell } from "./cell.js"
import { giveUp, now, ownTurn } from "./cell.js"
import { guarded } from "./deadline.js"
import { insert, settleInsert } from "./insert.js"
import { inLine, lineMoved } from "./line.js"
import { replace } from "./replace.js"
import { isTouchDue, slide, touch } from "./touch.js"
import { type CommitError, type CommitOptions, done, type Outcome, Work } from "./work.js"

export type { CommitError } from "./work.js"

/**
 * Commits what is pending. `gone`: the session does not exist any more and everything was dropped.
 *
 * When the store does not answer in time, the request gives the session up: what the commit still does in the store is
 * whole, but nobody can tell what became of it, so nothing is committed on top of it.
 */
export const commit = (cell: Cell, options: CommitOptions): Effect.Effect<Outcome, CommitError> =>
  Effect.suspend(() => commitNow(cell, options))

/** As `commit`, for an effect that runs at once: what needs no waiting is done before it does. */
export const commitNow = (
  cell: Cell,
  options: CommitOptions
): Effect.Effect<Outcome, CommitError> => {
  if (!hasWork(cell, options)) return done
  const { store } = cell.surroundings
  if (
    isUpdate(cell) &&
    isSynchronous(store) &&
    isFree(cell.line, ownTurn) &&
    isFree(store, cell.id)
  ) {
    const outcome = stepNow(new Work(cell, options))
    // What is not settled yet has stored nothing: it begins anew in its turn.
    if (exitOf(outcome) !== undefined) return outcome
  }
  const work = new Work(cell, options)
  const turn = inLine(
    cell,
    Effect.suspend(() => step(work))
  )
  return guarded(store, options.operation, turn, {
    since: () => work.beganMillis ?? lineMoved(cell),
    abandon: () => {
      work.abandoned = true
      giveUp(cell)
    }
  })
}

// A change that a handler gave runs again here, and may throw this time.
const stepNow = (work: Work): Effect.Effect<Outcome, CommitError> => {
  try {
    return step(work)
  } catch (defect) {
    return Exit.die(defect)
  }
}

/** Tells whether a commit keeps the id of a stored session. */
const isUpdate = (cell: Cell): boolean => cell.base !== null && cell.move === null

/** Moves the last activity and with it the expiry now, whatever the touch interval says; nothing else. */
export const touchNow = (cell: Cell, base: Base): Effect.Effect<Outcome, SessionStoreError> => {
  const work = new Work(cell, { ages: false, operation: "touch" })
  work.token = cell.token
  return guarded(cell.surroundings.store, "touch", touch(cell, base, work))
}

/** Tells whether the store has to be asked at all; most requests end here. */
export const hasWork = (cell: Cell, options: CommitOptions): boolean => {
  if (cell.mode !== "open") return false
  // Nobody would get the cookie of a session that begins after the response head.
  if (cell.base === null) return isWritten(cell) && cell.late === null
  return (
    cell.operations.length > 0 ||
    cell.move !== null ||
    (options.ages && !cell.aged && cell.seenFlash.length > 0) ||
    isTouchDue(cell, cell.base)
  )
}

/** Tells whether a request that came without a session has made one worth storing. */
export const isWritten = (cell: Cell): boolean => {
  if (cell.started) return true
  if (cell.state === cell.blank) return false
  const pristine = { ...cell.state, csrfSecret: cell.blank.csrfSecret }
  return !sameStored(cell.blank, pristine, now(cell))
}

/** Looks again: an earlier commit of the same request may have done it meanwhile. */
const step = (work: Work): Effect.Effect<Outcome, CommitError> => {
  const { cell } = work
  if (work.isLeft || !hasWork(cell, work.options)) return done
  if (isSynchronous(cell.surroundings.store)) return write(work)
  if (cell.unsure.length === 0) return noted(work, write(work))
  // Where an earlier commit turns out to be done, the rest is still to do.
  const settled = cell.base === null ? settleInsert(work) : noted(work, write(work))
  return Effect.flatMap(settled, () => step(work))
}

const write = (work: Work): Effect.Effect<Outcome, CommitError> => {
  const { cell } = work
  work.take()
  if (cell.base === null) return insert(work)
  return work.operations.length === 0 && work.move === null
    ? slide(cell, cell.base, work)
    : replace(work, cell.base)
}

/** Remembers a commit that failed in the store: it may have been done all the same. */
const noted = (
  work: Work,
  written: Effect.Effect<Outcome, CommitError>
): Effect.Effect<Outcome, CommitError> =>
  Effect.tapErrorTag(written, "SessionStoreError", () => Effect.sync(() => work.noteUnsure()))
