/** Changing sessions: the conditional writes of the store's contract. */
import * as Effect from "effect/Effect"
import type { SessionRecord } from "../../core/record/record.js"
import { isOver } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import { encodeMove, encodeSession } from "./codec.js"
import type { Disk } from "./disk.js"
import { discard, stage, unlink } from "./disk.js"
import type { Change } from "./exclusive.js"
import { commit, currentMillis, exclusively, isThere, point, settle, unpoint } from "./exclusive.js"
import { isCorrupt, Problem } from "./failure.js"
import { readPending } from "./sessions.js"

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

/** Moves activity and expiry of the live session of this id and version forward; true when there is such a session. */
export const touch = (
  disk: Disk,
  id: string,
  version: number,
  lastActivityMillis: number,
  expiresAtMillis: number
): Change<boolean> => {
  if (!isId(id)) return Effect.succeed(false)
  return Effect.suspend(() => {
    let isCurrent = false
    const rewritten = rewrite(disk, id, (record, nowMillis) => {
      isCurrent = record.version === version && !isOver(record, nowMillis)
      const isLater =
        record.lastActivityMillis < lastActivityMillis || record.expiresAtMillis < expiresAtMillis
      if (!isCurrent || !isLater) return undefined
      return {
        ...record,
        lastActivityMillis: Math.max(record.lastActivityMillis, lastActivityMillis),
        expiresAtMillis: Math.max(record.expiresAtMillis, expiresAtMillis)
      }
    })
    return Effect.map(rewritten, () => isCurrent)
  })
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
      const before = current.previous?.id
      if (before !== record.previous?.id) yield* unpoint(disk, before)
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

const readLive = (disk: Disk, id: string, version: number): Change<SessionRecord | undefined> =>
  Effect.zipWith(settle(disk, id), currentMillis, (record, nowMillis) =>
    record === undefined || record.version !== version || isOver(record, nowMillis)
      ? undefined
      : record
  )

/** True when there is something in the place of this session, or a move to its id that happened is unfinished. */
const isTaken = (disk: Disk, id: string): Change<boolean> =>
  Effect.flatMap(isThere(disk.paths.session(id)), (there) =>
    there
      ? Effect.succeed(true)
      : Effect.map(readPending(disk, id), (pending) => pending !== undefined)
  )
