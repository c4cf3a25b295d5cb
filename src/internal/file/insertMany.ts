/** Storing many new sessions, for a copy that nobody waits for: most of the time of `insert` is waiting for the system. */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import type { SessionRecord } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import { insert } from "./changes.js"
import { encodeSession } from "./codec.js"
import { type Disk, discard, lstatNow, makeShard, maxFileBytes, trySync } from "./disk.js"
import { fromNode, isNotFound, type Problem } from "./failure.js"
import { withLockNow } from "./lock.js"
import { type Change, inTurnOf } from "./locked.js"

/** How many files the system is asked to write to the disk at the same time. */
const concurrency = 16

/** Stores new sessions, and tells of each whether it was stored. */
export const insertMany = (
  disk: Disk,
  records: ReadonlyArray<SessionRecord>
): Change<ReadonlyArray<boolean>> =>
  Effect.forEach(
    records,
    (record) =>
      Effect.flatMap(insertNow(disk, record), (isStored) =>
        isStored ? Effect.succeed(true) : insert(disk, record)
      ),
    { concurrency }
  )

/** Stores a session by calls that do not wait, but for the disk. `false` where anything is in the way: `insert` knows what. */
const insertNow = (disk: Disk, record: SessionRecord): Effect.Effect<boolean> => {
  const { id, previous } = record
  const bytes = encodeSession(record, null)
  if (!isId(id) || previous !== null || bytes.length > maxFileBytes) return Effect.succeed(false)
  const { paths, holder } = disk
  const path = paths.temporary(id, holder.nonce)
  const written = Effect.acquireUseRelease(
    trySync(() => Fs.openSync(path, "wx", 0o600)),
    (file) =>
      Effect.zipRight(
        trySync(() => {
          Fs.writeFileSync(file, bytes)
          if (disk.narrowed) Fs.fchmodSync(file, 0o600)
        }),
        disk.fsync ? synced(file) : Effect.void
      ),
    (file) => Effect.sync(() => Fs.closeSync(file))
  )
  const named = withLockNow(disk, id, () => {
    const isTaken = lstatNow(paths.session(id)) ?? lstatNow(paths.pending(id))
    if (isTaken === undefined) Fs.renameSync(path, paths.session(id))
    return isTaken === undefined
  })
  const whole = written.pipe(
    Effect.catchIf(isNotFound, () => Effect.zipRight(makeShard(disk, id), written)),
    Effect.zipRight(named),
    Effect.orElseSucceed(() => false),
    Effect.tap((isStored) => (isStored ? Effect.void : discard(path)))
  )
  return inTurnOf(disk, id, whole)
}

const synced = (file: number): Effect.Effect<void, Problem> =>
  Effect.async((resume) =>
    Fs.fsync(file, (cause) => resume(cause == null ? Effect.void : Effect.fail(fromNode(cause))))
  )
