/**
 * The commit engine: brings what a request recorded to the store by compare-and-swap, and runs the recorded operations
 * again on the newest state when somebody else was faster. Nothing is ever inserted for a session that is gone.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { remember, sameStored } from "../core/envelope.js"
import { isFault } from "../core/fault.js"
import { apply, applyAll, type Operation } from "../core/operation.js"
import type { PreviousId, SessionRecord } from "../core/record.js"
import { openToken, sealToken } from "../core/seal.js"
import { carryOn, type State } from "../core/state.js"
import { makeEntryId, makeToken, tokenId } from "../core/token.js"
import * as SessionEvents from "../SessionEvents.js"
import { actor } from "./actor.js"
import { type Base, type Cell, now, type PendingMove } from "./cell.js"
import { expiry, readRecord, writeRecord } from "./codec.js"
import { SessionConflict, SessionEncodeError, SessionStoreError } from "./errors.js"
import { deadlineMillis, guarded } from "./guarded.js"
import { inTurn } from "./queue.js"

/** How a commit can fail. */
export type CommitError = SessionStoreError | SessionConflict | SessionEncodeError

/** What a commit does beside the pending operations. */
export interface CommitOptions {
  /** Removes the flash this request's snapshot held. */
  readonly ages: boolean
  /** The store's word in errors: `commit`, `login`, ... */
  readonly operation: string
}

/** Commits what is pending. `gone`: the session does not exist any more and everything was dropped. */
export const commit = (
  cell: Cell,
  options: CommitOptions
): Effect.Effect<"done" | "gone", CommitError> =>
  Effect.suspend(() => {
    if (cell.mode !== "open") return done
    const operations = withAgeing(cell, options.ages)
    if (cell.base === null) return insertNew(cell, options)
    if (operations.length === 0 && cell.move === null) {
      return isTouchDue(cell, cell.base) ? slide(cell, cell.base) : done
    }
    return replace(cell, operations, cell.move, options)
  })

const done = Effect.succeed<"done" | "gone">("done")

const withAgeing = (cell: Cell, ages: boolean): ReadonlyArray<Operation> => {
  if (!ages || cell.aged) return cell.operations
  cell.aged = true
  if (cell.base === null || cell.seenFlash.length === 0) return cell.operations
  return [...cell.operations, { _tag: "age", seen: cell.seenFlash }]
}

// ---------------------------------------------------------------------------------------------------------------------
// a new session
// ---------------------------------------------------------------------------------------------------------------------

const insertNew = (
  cell: Cell,
  options: CommitOptions
): Effect.Effect<"done" | "gone", CommitError> => {
  const pristine = { ...cell.state, csrfSecret: cell.blank.csrfSecret }
  if (!cell.started && sameStored(cell.blank, pristine, now(cell))) return done
  return guarded(options.operation, insertAttempt(cell, makeEntryId(), 3))
}

const insertAttempt = (
  cell: Cell,
  commitId: string,
  tries: number
): Effect.Effect<"done" | "gone", CommitError> => {
  const nowMillis = now(cell)
  const commits = remember([], commitId, nowMillis)
  const { state } = cell
  const record = writeRecord(cell, {
    id: cell.id,
    state,
    commits,
    before: null,
    previous: null,
    nowMillis
  })
  if (record instanceof SessionEncodeError) return Effect.fail(record)
  const finish = Effect.suspend(() => {
    settle(cell, { record, state, commits })
    cell.cookie = "set"
    const of = actor(cell, record.userId)
    return Effect.as(
      SessionEvents.publish({ _tag: "Created", id: record.id, ...of, atMillis: nowMillis }),
      "done" as const
    )
  })
  const wasOurs = Effect.map(cell.surroundings.store.find(record.id), (found) =>
    Option.exists(found, (existing) => isOurs(cell, existing, commitId))
  )
  return Effect.matchEffect(cell.surroundings.store.insert(record), {
    onSuccess: (inserted) =>
      inserted ? finish : Effect.flatMap(wasOurs, (ours) => (ours ? finish : again())),
    // The reply may have been lost after the row was written.
    onFailure: (error) =>
      Effect.matchEffect(wasOurs, {
        onSuccess: (ours) => (ours ? finish : Effect.fail(error)),
        onFailure: () => Effect.fail(error)
      })
  })
  function again() {
    if (tries <= 1) {
      return Effect.fail(new SessionStoreError({ operation: "insert", reason: "unknown" }))
    }
    cell.token = makeToken()
    cell.id = tokenId(cell.token, cell.surroundings.compiled.namespace)
    return insertAttempt(cell, commitId, tries - 1)
  }
}

const isOurs = (cell: Cell, record: SessionRecord, commitId: string): boolean => {
  const reading = readRecord(cell, record)
  return reading._tag === "base" && reading.base.commits.some((mark) => mark.id === commitId)
}

// ---------------------------------------------------------------------------------------------------------------------
// an existing session
// ---------------------------------------------------------------------------------------------------------------------

interface Work {
  readonly cell: Cell
  readonly operations: ReadonlyArray<Operation>
  move: PendingMove | null
  /** The token that opens the current base's alias. */
  token: string
  readonly commitId: string
  readonly operation: string
  readonly beganMillis: number
  attempts: number
}

const replace = (
  cell: Cell,
  operations: ReadonlyArray<Operation>,
  move: PendingMove | null,
  options: CommitOptions
): Effect.Effect<"done" | "gone", CommitError> => {
  const base = cell.base as Base
  const work: Work = {
    cell,
    operations,
    move,
    token: cell.token,
    commitId: makeEntryId(),
    operation: options.operation,
    beganMillis: performance.now(),
    attempts: 0
  }
  const turn = inTurn(
    cell.surroundings.store,
    base.record.id,
    Effect.suspend(() => attempt(work, base))
  )
  return guarded(options.operation, turn)
}

const attempt = (work: Work, base: Base): Effect.Effect<"done" | "gone", CommitError> => {
  const { cell, operations } = work
  const { store } = cell.surroundings
  work.attempts += 1
  const next = applyAll(base.state, operations)
  if ("fault" in next) {
    const { fault, operation } = next
    return Effect.fail(new SessionConflict({ operation: operation._tag, reason: fault.reason }))
  }
  const nowMillis = now(cell)
  if (work.move === null && sameStored(base.state, next, nowMillis)) {
    return Effect.suspend(() => {
      cell.token = work.token
      settle(cell, base, next)
      return isTouchDue(cell, base) ? slide(cell, base) : done
    })
  }
  const commits = remember(base.commits, work.commitId, nowMillis)
  const record = writeRecord(cell, {
    id: work.move?.id ?? base.record.id,
    state: next,
    commits,
    before: base.record,
    previous: previousOf(work, base, nowMillis),
    nowMillis
  })
  if (record instanceof SessionEncodeError) return Effect.fail(record)
  const write =
    work.move === null
      ? store.update(record, base.record.version)
      : store.move(base.record.id, record, base.record.version)
  return Effect.matchEffect(write, {
    onSuccess: (written) =>
      written ? finish(work, base, { record, state: next, commits }) : reload(work, base),
    // The reply may have been lost after the row was written: the newest row tells.
    onFailure: (error) =>
      work.attempts > 3 || error.reason === "tooLarge"
        ? Effect.fail(error)
        : Effect.catchTag(reload(work, base, error), "SessionStoreError", () => Effect.fail(error))
  })
}

const previousOf = (work: Work, base: Base, nowMillis: number): PreviousId | null => {
  const { graceMillis, quarantineMillis } = work.cell.surroundings.compiled
  if (work.move === null) {
    const { previous } = base.record
    return previous !== null && previous.sealedToken !== null && previous.untilMillis <= nowMillis
      ? { ...previous, sealedToken: null }
      : previous
  }
  const { id, kind, token } = work.move
  return kind === "alias"
    ? {
        id: base.record.id,
        kind,
        untilMillis: nowMillis + graceMillis,
        sealedToken: sealToken(work.token, token, id)
      }
    : {
        id: base.record.id,
        kind,
        untilMillis: nowMillis + quarantineMillis,
        sealedToken: null
      }
}

const finish = (work: Work, base: Base, committed: Base): Effect.Effect<"done" | "gone"> => {
  const { cell, move } = work
  settle(cell, committed)
  cell.token = move?.token ?? work.token
  if (needsCookie(base, committed)) cell.cookie = "set"
  const events: Array<Effect.Effect<void>> = []
  if (move !== null) {
    events.push(
      SessionEvents.publish({
        _tag: "Regenerated",
        id: committed.record.id,
        from: base.record.id,
        reason: move.reason,
        ...actor(cell, committed.record.userId),
        atMillis: now(cell)
      })
    )
  }
  if (work.attempts > 1) {
    events.push(
      SessionEvents.publish({
        _tag: "ConflictReplayed",
        id: committed.record.id,
        attempts: work.attempts,
        atMillis: now(cell)
      })
    )
  }
  return events.length === 0 ? done : Effect.as(Effect.all(events), "done" as const)
}

const needsCookie = (base: Base, committed: Base): boolean =>
  base.record.id !== committed.record.id ||
  base.record.expiresAtMillis !== committed.record.expiresAtMillis ||
  base.state.lifetime !== committed.state.lifetime

const reload = (
  work: Work,
  base: Base,
  error?: SessionStoreError
): Effect.Effect<"done" | "gone", CommitError> =>
  Effect.flatMap(work.cell.surroundings.store.find(base.record.id), (found) => {
    if (Option.isNone(found)) return gone(work.cell)
    const reading = readRecord(work.cell, found.value)
    if (reading._tag !== "base") {
      return Effect.fail(new SessionStoreError({ operation: "find", reason: "corrupt" }))
    }
    const newest = reading.base
    if (newest.commits.some((mark) => mark.id === work.commitId)) return finish(work, base, newest)
    if (newest.record.id !== base.record.id && !follow(work, newest)) return gone(work.cell)
    if (performance.now() - work.beganMillis > deadlineMillis) {
      return Effect.fail(
        error ??
          new SessionConflict({ operation: work.operation, reason: "too many writers at once" })
      )
    }
    return Effect.zipRight(backOff(work.attempts), attempt(work, newest))
  })

/** Goes on with the session behind an alias; a second migration from the alias is dropped. */
const follow = (work: Work, newest: Base): boolean => {
  const token = tokenBehindAlias(work.token, newest)
  if (token === undefined) return false
  work.token = token
  work.cell.cookie = "set"
  if (work.move?.kind === "alias") work.move = null
  return true
}

/** The current token of a session that was found by an alias; only the bearer of the old token can open it. */
const tokenBehindAlias = (oldToken: string, newest: Base): string | undefined => {
  const { id, previous } = newest.record
  return previous === null || previous.kind !== "alias" || previous.sealedToken === null
    ? undefined
    : openToken(oldToken, previous.sealedToken, id)
}

const gone = (cell: Cell): Effect.Effect<"gone"> =>
  Effect.sync(() => {
    cell.mode = "retired"
    cell.retiredId = cell.base?.record.id ?? cell.retiredId
    cell.base = null
    cell.move = null
    cell.operations = []
    cell.cookie = "none"
    return "gone" as const
  })

/** The cell after a commit: nothing pending, this request's own flash still readable. */
const settle = (cell: Cell, base: Base, state: State = base.state): void => {
  cell.base = { ...base, state }
  cell.state = carryOn(cell.state, state)
  cell.id = base.record.id
  cell.operations = []
  cell.move = null
}

// A real timer: the wait only spreads contending processes, nothing is decided by it.
const backOff = (attempts: number): Effect.Effect<void> =>
  attempts <= 2
    ? Effect.void
    : Effect.async<void>((resume) => {
        const longest = Math.min(50, 2 ** Math.min(attempts, 6))
        const timer = setTimeout(() => resume(Effect.void), 1 + Math.random() * longest)
        return Effect.sync(() => clearTimeout(timer))
      })

// ---------------------------------------------------------------------------------------------------------------------
// sliding expiry
// ---------------------------------------------------------------------------------------------------------------------

const isTouchDue = (cell: Cell, base: Base): boolean =>
  now(cell) - base.record.lastActivityMillis >= cell.surroundings.compiled.touchMillis

/**
 * Touches at the end of a request. Where the store takes no writes, after a failover to a read-only database say, the page
 * is served all the same: nothing it did is lost, the session only ends a little earlier.
 */
const slide = (cell: Cell, base: Base): Effect.Effect<"done"> =>
  Effect.catchAll(touch(cell, base), (error) =>
    Effect.as(Effect.logWarning("The last activity of a session could not be moved", error), "done")
  )

/** Moves the last activity and with it the expiry; nothing else. */
export const touch = (cell: Cell, base: Base): Effect.Effect<"done", SessionStoreError> => {
  const nowMillis = now(cell)
  const expiresAtMillis = expiry(cell, base.state, nowMillis)
  const { id, version } = base.record
  return Effect.map(
    guarded("touch", cell.surroundings.store.touch(id, version, nowMillis, expiresAtMillis)),
    () => {
      if (expiresAtMillis !== base.record.expiresAtMillis) cell.cookie = "set"
      cell.base = {
        ...base,
        record: { ...base.record, lastActivityMillis: nowMillis, expiresAtMillis }
      }
      return "done" as const
    }
  )
}

// ---------------------------------------------------------------------------------------------------------------------
// consume: one operation, committed at once by itself
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Takes something out of the stored session alone, by compare-and-swap: `take` gives the operation that removes it from
 * a state, or `undefined` when it is not there. Succeeds with the state it was taken from. Pending operations stay
 * pending and are run again on what is left.
 */
export const takeStored = (
  cell: Cell,
  take: (state: State) => Operation | undefined
): Effect.Effect<State | undefined, SessionStoreError> => {
  const base = cell.base as Base
  const beganMillis = performance.now()
  const loop = (current: Base): Effect.Effect<State | undefined, SessionStoreError> => {
    const operation = take(current.state)
    if (operation === undefined) return Effect.sync(() => rebase(cell, current))
    const next = apply(current.state, operation)
    if (isFault(next)) return Effect.succeed(undefined)
    const nowMillis = now(cell)
    const commitId = makeEntryId()
    const commits = remember(current.commits, commitId, nowMillis)
    const record = writeRecord(cell, {
      id: current.record.id,
      state: next,
      commits,
      before: current.record,
      previous: current.record.previous,
      nowMillis
    })
    if (record instanceof SessionEncodeError) return Effect.die(record)
    const taken = Effect.sync(() => {
      rebase(cell, { record, state: next, commits })
      cell.cookie = "set"
      return current.state
    })
    const newest = Effect.flatMap(cell.surroundings.store.find(current.record.id), (found) => {
      if (Option.isNone(found)) return Effect.as(gone(cell), undefined)
      const reading = readRecord(cell, found.value)
      if (reading._tag !== "base") {
        return Effect.fail(new SessionStoreError({ operation: "consume", reason: "corrupt" }))
      }
      if (found.value.id !== current.record.id) {
        const token = tokenBehindAlias(cell.token, reading.base)
        if (token === undefined) return Effect.as(gone(cell), undefined)
        cell.token = token
        cell.cookie = "set"
      }
      if (reading.base.commits.some((mark) => mark.id === commitId)) return taken
      if (performance.now() - beganMillis > deadlineMillis) {
        return Effect.fail(new SessionStoreError({ operation: "consume", reason: "timeout" }))
      }
      return Effect.zipRight(backOff(3), loop(reading.base))
    })
    return Effect.matchEffect(cell.surroundings.store.update(record, current.record.version), {
      onSuccess: (updated) => (updated ? taken : newest),
      onFailure: (error) => Effect.catchAll(newest, () => Effect.fail(error))
    })
  }
  return guarded(
    "consume",
    inTurn(
      cell.surroundings.store,
      base.record.id,
      Effect.suspend(() => loop(base))
    )
  )
}

const rebase = (cell: Cell, base: Base): undefined => {
  const replayed = applyAll(base.state, cell.operations)
  cell.base = base
  if (!("fault" in replayed)) cell.state = { ...replayed, now: cell.state.now }
  return undefined
}
