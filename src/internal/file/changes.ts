/** Changing sessions: `insert`, `update`, `move` and `touch`. */
import * as Effect from "effect/Effect"
import { isCurrent, type SessionRecord, touched } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import { encodeMove, encodeSession } from "./codec.js"
import { type Disk, discard, isThere, stage, unlink } from "./disk.js"
import { isCorrupt, Problem } from "./failure.js"
import * as Locked from "./locked.js"
import { type Change, currentMillis, readLocked, underLocks } from "./locked.js"
import { readPending } from "./sessions.js"

const noId: Change<never> = Effect.fail(
  new Problem("unknown", "The id of a session must be 40 lower-case hex characters.")
)

/** Stores a new session; false when its id is taken, by a damaged file too. */
export const insert = (disk: Disk, record: SessionRecord): Change<boolean> => {
  const { id } = record
  if (!isId(id)) return noId
  return underLocks(disk, [id], stage(disk, id, encodeSession(record, null)), (assertHeld) =>
    Effect.gen(function* () {
      if (yield* isTaken(disk, id)) return false
      yield* Locked.writePointer(disk, record)
      yield* assertHeld
      yield* Locked.renameStaged(disk, id)
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
  return underLocks(disk, [id], stage(disk, id, encodeSession(record, null)), (assertHeld) =>
    Effect.flatMap(readLive(disk, id, expectedVersion), (current) =>
      current === undefined
        ? Effect.succeed(false)
        : Effect.as(Locked.replace(disk, current, record, assertHeld), true)
    )
  )
}

/** Moves activity and expiry of the live session with this id and version forward; true when there is such a session. */
export const touch = (
  disk: Disk,
  id: string,
  version: number,
  lastActivityMillis: number,
  expiresAtMillis: number
): Change<boolean> =>
  isId(id)
    ? rewrite(disk, id, (record, now) =>
        isCurrent(record, version, now)
          ? touched(record, lastActivityMillis, expiresAtMillis)
          : undefined
      )
    : Effect.succeed(false)

/**
 * Replaces the session by what `change` makes of it under the lock, and writes nothing when that is the same record. False
 * when there is no session, or `change` gives `undefined`.
 */
export const rewrite = (
  disk: Disk,
  id: string,
  change: (record: SessionRecord, nowMillis: number) => SessionRecord | undefined
): Change<boolean> =>
  underLocks(disk, [id], Effect.void, (assertHeld) =>
    Effect.gen(function* () {
      const stored = yield* readLocked(disk, id)
      const changed = stored && change(stored, yield* currentMillis)
      if (stored === undefined || changed === undefined) return false
      if (changed === stored) return true
      yield* stage(disk, id, encodeSession(changed, null))
      yield* Locked.replace(disk, stored, changed, assertHeld)
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
  return underLocks(disk, [fromId, id], staged, (assertHeld) =>
    Effect.gen(function* () {
      const current = yield* readLive(disk, fromId, expectedVersion)
      if (current === undefined) return false
      if (yield* isTaken(disk, id)) return false
      yield* Locked.writePointer(disk, record, fromId)
      yield* fs.rename(paths.temporary(id, holder.nonce), paths.pending(id))
      yield* assertHeld
      yield* fs.rename(paths.temporary(fromId, holder.nonce), paths.session(fromId))
      // The move has happened. A collection could do the rest, too.
      yield* Effect.ignore(finishMove(disk, fromId, record))
      const before = current.previous?.id
      if (before !== record.previous?.id) yield* Locked.deletePointer(disk, before)
      return true
    }).pipe(Effect.tapError(() => Effect.ignore(dropPending(disk, id))))
  )
}

/** Gives the moved session its name, and turns the stub into a pointer. Both ids are locked. */
const finishMove = ({ fs, paths }: Disk, fromId: string, record: SessionRecord) =>
  Effect.gen(function* () {
    const stub = paths.session(fromId)
    yield* fs.rename(paths.pending(record.id), paths.session(record.id))
    if (record.previous?.id === fromId) yield* fs.rename(stub, paths.previous(fromId))
    else yield* unlink(stub)
  })

/** Deletes the pending file of a move that did not happen, also a damaged one. The id is locked. */
export const dropPending = (disk: Disk, id: string): Change<void> =>
  Effect.flatMap(
    Effect.catchIf(readPending(disk, id), isCorrupt, () => Effect.succeed(undefined)),
    (pending) => (pending === undefined ? discard(disk.paths.pending(id)) : Effect.void)
  )

const readLive = (disk: Disk, id: string, version: number): Change<SessionRecord | undefined> =>
  Effect.zipWith(readLocked(disk, id), currentMillis, (record, now) =>
    record !== undefined && isCurrent(record, version, now) ? record : undefined
  )

/** True when there is a file in the place of this session, or an unfinished move to its id. */
const isTaken = (disk: Disk, id: string): Change<boolean> =>
  Effect.flatMap(isThere(disk.paths.session(id)), (there) =>
    there
      ? Effect.succeed(true)
      : Effect.map(readPending(disk, id), (pending) => pending !== undefined)
  )
