/**
 * Commits to an existing session by compare-and-swap, and runs the recorded operations again on the newest state when
 * somebody else was faster. Nothing is ever inserted for a session that is gone.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { encodeState } from "../../core/record/payload.js"
import type { SessionRecord } from "../../core/record/record.js"
import { applyAll } from "../../core/session/operation.js"
import { type State, withoutExpired } from "../../core/session/state.js"
import { SessionConflict, SessionEncodeError, SessionStoreError } from "../errors/errors.js"
import { stepsOf } from "../store/synchronous.js"
import { actor } from "./actor.js"
import { follow, retiredId, withoutStaleToken } from "./alias.js"
import { announce } from "./announce.js"
import { backOff } from "./backOff.js"
import { type Base, now } from "./cell.js"
import { originOf, readRecord, withCommitId, writeRecord } from "./codec.js"
import { retryMillis } from "./deadline.js"
import { isTouchDue, slide } from "./touch.js"
import { findAgain, landed, withoutLogin } from "./unsure.js"
import { type CommitError, done, type Outcome, type Work } from "./work.js"

/** Writes what the work brings on top of `base`, or of whatever is there by then. */
export const replace = (work: Work, base: Base): Effect.Effect<Outcome, CommitError> => {
  const { cell } = work
  work.attempts += 1
  const applied =
    work.attempts === 1 && work.replayed !== null
      ? work.replayed
      : applyAll(base.state, work.operations)
  if ("fault" in applied) {
    const { fault, operation } = applied
    return new SessionConflict({ operation: operation._tag, reason: fault.reason })
  }
  const nowMillis = now(cell)
  const state = withoutExpired(applied, nowMillis)
  const text = encodeState(state, nowMillis)
  if (work.move === null && text === textOf(base, nowMillis)) {
    return unchanged(work, { ...base, state, text })
  }
  const next = draft(work, base, state, text, nowMillis)
  return next instanceof SessionEncodeError ? Effect.fail(next) : write(work, base, next)
}

const unchanged = (work: Work, base: Base): Effect.Effect<Outcome> => {
  work.settle(base, work.token)
  return isTouchDue(work.cell, base) ? slide(work.cell, base, work) : done
}

const draft = (
  work: Work,
  base: Base,
  state: State,
  text: string,
  nowMillis: number
): Base | SessionEncodeError => {
  const { cell, move } = work
  const commits = withCommitId(cell, base.commits, work.commitId, nowMillis)
  const origin = move?.reason === "login" ? originOf(cell) : base.origin
  const record = writeRecord(cell, {
    id: move === null ? base.record.id : move.id,
    state,
    text,
    commits,
    origin,
    before: base.record,
    previous:
      move === null
        ? withoutStaleToken(base.record.previous, nowMillis)
        : retiredId(cell, base, move, work.token, nowMillis),
    nowMillis
  })
  return record instanceof SessionEncodeError ? record : { record, state, text, commits, origin }
}

/** What is stored of a state, as text; a text that was written stands until a key of it expires. */
const textOf = ({ state, text }: Base, nowMillis: number): string =>
  text !== undefined && withoutExpired(state, nowMillis) === state
    ? text
    : encodeState(state, nowMillis)

const write = (work: Work, base: Base, next: Base): Effect.Effect<Outcome, CommitError> => {
  const { store } = work.cell.surroundings
  const { id, version } = base.record
  const steps = stepsOf(store)
  if (steps !== null && work.move === null) {
    const stored = steps.update(now(work.cell), next.record, version)
    return stored ? finish(work, base, next) : reload(work, base)
  }
  const written =
    work.move === null ? store.update(next.record, version) : store.move(id, next.record, version)
  return Effect.matchEffect(written, {
    onSuccess: (stored) => (stored ? finish(work, base, next) : reload(work, base)),
    // The reply may have been lost after the row was written: the newest row tells.
    onFailure: (error) =>
      work.attempts > 3 || error.reason === "tooLarge"
        ? Effect.fail(error)
        : Effect.catchTag(reload(work, base, error), "SessionStoreError", () => Effect.fail(error))
  })
}

const reload = (
  work: Work,
  base: Base,
  error?: SessionStoreError
): Effect.Effect<Outcome, CommitError> =>
  Effect.flatMap(findAgain(work.cell, base, work.move), (found) =>
    Option.isNone(found) ? work.gone : again(work, base, found.value, error)
  )

const again = (
  work: Work,
  base: Base,
  record: SessionRecord,
  error: SessionStoreError | undefined
): Effect.Effect<Outcome, CommitError> => {
  const reading = readRecord(work.cell, record)
  if (reading._tag !== "base")
    return new SessionStoreError({ operation: "find", reason: "corrupt" })
  const newest = reading.base
  const isDone = newest.commits.some((mark) => mark.id === work.commitId)
  const earlier = isDone ? undefined : landed(work.cell, newest)
  const unwanted = withoutLogin(work.cell, earlier, work.move)
  if (unwanted !== undefined) return Effect.zipRight(unwanted, work.gone)
  const move = isDone ? work.move : earlier?.move
  // Done or not: what somebody else has moved since is not this client's any more, but by an alias.
  if (newest.record.id !== (move?.id ?? base.record.id) && !follow(work, newest)) return work.gone
  if (isDone) return finish(work, base, newest)
  if (earlier !== undefined) {
    work.becomeEarlier(earlier)
    return finish(work, base, newest)
  }
  if (performance.now() - (work.beganMillis ?? 0) > retryMillis) {
    const { operation } = work.options
    return Effect.fail(
      error ?? new SessionConflict({ operation, reason: "too many writers at once" })
    )
  }
  return Effect.flatMap(backOff(work.attempts), () => replace(work, newest))
}

const finish = (work: Work, base: Base, committed: Base): Effect.Effect<Outcome> => {
  const { cell, move } = work
  work.settle(committed, move?.token ?? work.token)
  if (move !== null && !work.isLeft) cell.unsentId = committed.record.id
  if (needsCookie(base, committed)) work.owesCookie()
  const replayed = work.attempts > 1 ? announceReplay(work, committed) : done
  return move === null
    ? replayed
    : Effect.zipRight(
        announce(cell, {
          _tag: "Regenerated",
          id: committed.record.id,
          from: base.record.id,
          reason: move.reason,
          ...actor(cell, committed.record.userId),
          atMillis: now(cell)
        }),
        replayed
      )
}

const announceReplay = ({ attempts, cell }: Work, { record }: Base): Effect.Effect<Outcome> =>
  Effect.zipRight(
    announce(cell, { _tag: "ConflictReplayed", id: record.id, attempts, atMillis: now(cell) }),
    done
  )

const needsCookie = (base: Base, committed: Base): boolean =>
  base.record.id !== committed.record.id ||
  base.record.expiresAtMillis !== committed.record.expiresAtMillis ||
  base.state.lifetime !== committed.state.lifetime
