/**
 * Changing sessions: every change of a file `sess_<id>` happens in this process's turn for the id and under its lock, and
 * replaces the file by a rename or deletes it. What was being written is tidied up when the change did not happen.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SessionRecord, SessionSummary } from "../../core/record.js"
import { isOver, summarize } from "../../core/record.js"
import { encodeMove, encodeSession } from "./codec.js"
import type { Disk } from "./disk.js"
import { assertPresent, attempt, discard, look, stage, stageApart, unlink } from "./disk.js"
import type { Failure } from "./failure.js"
import { isCorrupt, Problem } from "./failure.js"
import { withLock } from "./lock.js"
import { isId } from "./paths.js"
import { readCurrent, readPending, resolve } from "./sessions.js"
import { inTurn } from "./turn.js"

type Change<A> = Effect.Effect<A, Failure>
type Body<A> = (assertHeld: Change<void>) => Change<A>

const currentMillis = Effect.clockWith((clock) => clock.currentTimeMillis)

const noId: Change<never> = Effect.fail(
  new Problem("unknown", "The id of a session must be 40 lower-case hex characters.")
)

/** Stores a new session; false when there is a file of its name, whatever it is. */
export const insert = (disk: Disk, record: SessionRecord): Change<boolean> => {
  const { id } = record
  if (!isId(id)) return noId
  return exclusively(disk, [id], stage(disk, id, encodeSession(record, null)), (assertHeld) =>
    Effect.gen(function* () {
      if (yield* isTaken(disk, id)) return false
      yield* point(disk, record)
      yield* assertHeld
      yield* disk.fs.rename(disk.paths.temporary(id, disk.holder.nonce), disk.paths.session(id))
      return true
    })
  )
}

/** Replaces the live session of this id and version. */
export const update = (
  disk: Disk,
  record: SessionRecord,
  expectedVersion: number
): Change<boolean> => {
  const { id } = record
  if (!isId(id)) return Effect.succeed(false)
  return exclusively(disk, [id], stage(disk, id, encodeSession(record, null)), (assertHeld) =>
    Effect.flatMap(readLive(disk, id, expectedVersion), (current) =>
      current === undefined
        ? Effect.succeed(false)
        : Effect.as(commit(disk, current, record, assertHeld), true)
    )
  )
}

/** Moves activity and expiry of the live session of this id and version forward. */
export const touch = (
  disk: Disk,
  id: string,
  version: number,
  lastActivityMillis: number,
  expiresAtMillis: number
): Change<void> => {
  if (!isId(id)) return Effect.void
  const touched = (record: SessionRecord): SessionRecord => ({
    ...record,
    lastActivityMillis: Math.max(record.lastActivityMillis, lastActivityMillis),
    expiresAtMillis: Math.max(record.expiresAtMillis, expiresAtMillis)
  })
  return Effect.asVoid(
    rewrite(disk, id, (record, nowMillis) =>
      record.version !== version || isOver(record, nowMillis) ? undefined : touched(record)
    )
  )
}

/** Replaces the session as `change` says, which is asked again under the lock; false when it gives `undefined`. */
export const rewrite = (
  disk: Disk,
  id: string,
  change: (record: SessionRecord, nowMillis: number) => SessionRecord | undefined
): Change<boolean> =>
  exclusively(disk, [id], Effect.void, (assertHeld) =>
    Effect.gen(function* () {
      const stored = yield* settle(disk, id)
      if (stored === undefined) return false
      const changed = change(stored, yield* currentMillis)
      if (changed === undefined) return false
      yield* stage(disk, id, encodeSession(changed, null))
      yield* commit(disk, stored, changed, assertHeld)
      return true
    })
  )

/** Replaces the live session `fromId` by `record`, which has another id. */
export const move = (
  disk: Disk,
  fromId: string,
  record: SessionRecord,
  expectedVersion: number
): Change<boolean> => {
  const { id } = record
  if (!isId(id) || fromId === id) return noId
  if (!isId(fromId)) return Effect.succeed(false)
  const { paths, holder, fs } = disk
  const staged = Effect.zipRight(
    stage(disk, id, encodeSession(record, fromId)),
    stage(disk, fromId, encodeMove(fromId, id))
  )
  return exclusively(disk, [fromId, id], staged, (assertHeld) =>
    Effect.gen(function* () {
      const current = yield* readLive(disk, fromId, expectedVersion)
      if (current === undefined) return false
      if (yield* isTaken(disk, id)) return false
      yield* point(disk, record, fromId)
      yield* fs.rename(paths.temporary(id, holder.nonce), paths.pending(id))
      yield* assertHeld
      yield* fs.rename(paths.temporary(fromId, holder.nonce), paths.session(fromId))
      // It has happened: what remains is tidying up, which a collection does as well.
      yield* Effect.ignore(finishMove(disk, fromId, record))
      if (current.previous !== null) yield* discard(paths.previous(current.previous.id))
      return true
    }).pipe(Effect.tapError(() => Effect.ignore(dropPending(disk, id))))
  )
}

/** Gives a session that was moved its name, and makes the stub a pointer. Both ids are locked. */
const finishMove = (disk: Disk, fromId: string, record: SessionRecord): Change<void> =>
  Effect.gen(function* () {
    const { paths, fs } = disk
    const stub = paths.session(fromId)
    yield* fs.rename(paths.pending(record.id), paths.session(record.id))
    if (record.previous?.id === fromId) yield* fs.rename(stub, paths.previous(fromId))
    else yield* unlink(stub)
  })

/** Deletes the pending file of a move that did not happen, a damaged one too. The id is locked. */
export const dropPending = (disk: Disk, id: string): Change<void> =>
  Effect.flatMap(
    Effect.catchIf(readPending(disk, id), isCorrupt, () => Effect.succeed(undefined)),
    (pending) => (pending === undefined ? discard(disk.paths.pending(id)) : Effect.void)
  )

/** Ends the session of this id or retired id. */
export const remove = (disk: Disk, id: string, tries = 5): Change<SessionSummary | undefined> => {
  if (!isId(id)) return Effect.succeed(undefined)
  return Effect.gen(function* () {
    const target = yield* resolveDamaged(disk, id)
    if (target === undefined) return yield* Effect.as(assertPresent(disk), undefined)
    const ended = yield* end(
      disk,
      target,
      (record) => record.id === id || record.previous?.id === id
    )
    if (ended !== "gone") return ended
    // It moved between the two looks.
    if (tries > 1) return yield* remove(disk, id, tries - 1)
    return yield* Effect.fail(new Problem("timeout", "The session kept moving to another id."))
  })
}

/**
 * Ends the session if `admits` still says so under the lock: deletes its file, or with `keepEnded` strips it. `gone` when
 * there is no such session any more.
 */
export const end = (
  disk: Disk,
  id: string,
  admits: (record: SessionRecord, nowMillis: number) => boolean
): Change<SessionSummary | undefined | "gone"> =>
  exclusively(disk, [id], Effect.void, (assertHeld) =>
    Effect.gen(function* () {
      const record = yield* Effect.catchIf(settle(disk, id), isCorrupt, () =>
        Effect.as(unlinkDamaged(disk, id, assertHeld), "damaged" as const)
      )
      if (record === "damaged") return undefined
      const nowMillis = yield* currentMillis
      if (record === undefined || !admits(record, nowMillis)) return "gone"
      yield* write(disk, record, endedAt(record, nowMillis), nowMillis, assertHeld)
      return isOver(record, nowMillis) ? undefined : summarize(record)
    })
  )

/** True when the session, once ended, is to be kept no longer. */
export const isDue = (disk: Disk, record: SessionRecord, nowMillis: number): boolean =>
  endedAt(record, nowMillis) + disk.keepEndedMillis <= nowMillis

/** Runs `body` in turn and under the locks of these ids; `staged` is what it renames, written before the locks. */
export const exclusively = <A>(
  disk: Disk,
  ids: ReadonlyArray<string>,
  staged: Change<unknown>,
  body: Body<A>
): Change<A> => {
  // In one order everywhere, so that two who want the same two never wait for each other.
  const sorted = [...ids].sort()
  const locked = sorted.reduceRight<Body<A>>(
    (inner, id) => (assertOuter) =>
      withLock(disk, id, (assertHeld) => inner(Effect.zipRight(assertOuter, assertHeld))),
    body
  )
  const tidy = Effect.forEach(ids, (id) => discard(disk.paths.temporary(id, disk.holder.nonce)))
  const whole = Effect.onExit(Effect.zipRight(staged, locked(Effect.void)), (exit) =>
    Exit.isSuccess(exit) && exit.value !== false ? Effect.void : tidy
  )
  return sorted.reduceRight<Change<A>>(
    (inner, id) => inTurn(disk.paths.lock(id), inner),
    Effect.uninterruptible(whole)
  )
}

/** The session of this id, of which a move that happened but was not finished is finished as far as this id goes. */
export const settle = (disk: Disk, id: string): Change<SessionRecord | undefined> =>
  Effect.flatMap(readCurrent(disk, id), (stored) => {
    if (stored?.kind !== "session") return Effect.succeed(undefined)
    const session = disk.paths.session(id)
    return Effect.flatMap(isThere(session), (there) =>
      there
        ? Effect.succeed(stored.record)
        : Effect.as(disk.fs.rename(disk.paths.pending(id), session), stored.record)
    )
  })

const readLive = (disk: Disk, id: string, version: number): Change<SessionRecord | undefined> =>
  Effect.zipWith(settle(disk, id), currentMillis, (record, nowMillis) =>
    record === undefined || record.version !== version || isOver(record, nowMillis)
      ? undefined
      : record
  )

const isThere = (path: string): Change<boolean> => attempt(() => look(path) !== undefined)

/** True when there is something in the place of this session, or a move to its id that happened is unfinished. */
const isTaken = (disk: Disk, id: string): Change<boolean> =>
  Effect.flatMap(isThere(disk.paths.session(id)), (there) =>
    there
      ? Effect.succeed(true)
      : Effect.map(readPending(disk, id), (pending) => pending !== undefined)
  )

/** Puts the staged file in the place of `current`; pointers are made before and deleted after. */
const commit = (
  disk: Disk,
  current: SessionRecord,
  record: SessionRecord,
  assertHeld: Change<void>
): Change<void> => {
  const { paths, holder, fs } = disk
  const { id } = record
  const replace = Effect.zipRight(
    assertHeld,
    fs.rename(paths.temporary(id, holder.nonce), paths.session(id))
  )
  const before = current.previous?.id
  if (before === record.previous?.id) return replace
  return Effect.gen(function* () {
    yield* point(disk, record)
    yield* replace
    if (before !== undefined) yield* discard(paths.previous(before))
  })
}

/** Makes the pointer of the record's retired id, unless that is `except`. */
const point = (disk: Disk, record: SessionRecord, except?: string): Change<void> => {
  const previousId = record.previous?.id
  if (previousId === undefined || previousId === except || !isId(previousId)) return Effect.void
  const { paths, fs } = disk
  return Effect.flatMap(stageApart(disk, previousId, encodeMove(previousId, record.id)), (staged) =>
    Effect.tapError(fs.rename(staged, paths.previous(previousId)), () => discard(staged))
  )
}

const endedAt = (record: SessionRecord, nowMillis: number): number =>
  record.endedAtMillis ?? Math.min(nowMillis, record.expiresAtMillis)

/** Deletes the session, or strips it where it is to be kept. */
const write = (
  disk: Disk,
  record: SessionRecord,
  endedAtMillis: number,
  nowMillis: number,
  assertHeld: Change<void>
): Change<void> => {
  const { id, previous } = record
  if (isDue(disk, record, nowMillis)) {
    const pointer = previous === null ? Effect.void : discard(disk.paths.previous(previous.id))
    return assertHeld.pipe(
      Effect.zipRight(unlink(disk.paths.session(id))),
      Effect.zipRight(pointer)
    )
  }
  if (record.endedAtMillis !== null) return Effect.void
  const ended = { ...record, payload: "", previous: null, endedAtMillis }
  return Effect.zipRight(
    stage(disk, id, encodeSession(ended, null)),
    commit(disk, record, ended, assertHeld)
  )
}

/** The id of the session's file; a file that cannot be read is a target too, under its own id. */
const resolveDamaged = (disk: Disk, id: string): Change<string | undefined> =>
  Effect.catchIf(
    Effect.map(resolve(disk, id), (record) => record?.id),
    isCorrupt,
    (failure) =>
      Effect.flatMap(isThere(disk.paths.session(id)), (there) =>
        there ? Effect.succeed(id) : Effect.fail(failure)
      )
  )

/** Deletes what lies in the place of a session and is none, never following it. A directory stays where it is. */
const unlinkDamaged = (disk: Disk, id: string, assertHeld: Change<void>): Change<void> => {
  const path = disk.paths.session(id)
  return Effect.flatMap(
    attempt(() => look(path)),
    (found) =>
      found?.isDirectory() === true
        ? Effect.fail(new Problem("corrupt", `There is a directory in the place of ${path}.`))
        : Effect.zipRight(assertHeld, unlink(path))
  )
}
