/** What killed processes leave behind: temporary files, unfinished moves, pointers, locks, holder files. */
import * as Effect from "effect/Effect"
import { isId } from "../../core/record/token.js"
import { dropPending } from "./changes.js"
import { type Disk, discard, isThere, lstat, readStored } from "./disk.js"
import { type Failure, isTimeout } from "./failure.js"
import type { FileStamps } from "./fileStamps.js"
import { isDead, readHolder } from "./holder.js"
import { currentMillis, readLocked, underLocks } from "./locked.js"
import type { NamedFile } from "./paths.js"
import { follow, readRetired } from "./sessions.js"
import { skipDamaged } from "./walk.js"

type Step<A> = Effect.Effect<A, Failure>

/** How old a file must be to be taken for a leftover, and how long a good pointer is not read again. */
const leftoverMillis = 60 * 60 * 1000
const pointerMillis = 24 * leftoverMillis

/** Finishes a move in which a process was killed. `fromId` has a stub that names `to`. */
export const recoverMove = (disk: Disk, fromId: string, to: string): Step<void> => {
  const stub = disk.paths.session(fromId)
  if (!isId(to)) return discard(stub)
  return underLocks(disk, [fromId, to], Effect.void, () =>
    Effect.gen(function* () {
      const stored = yield* readStored(stub, fromId)
      if (stored?.kind !== "moved") return
      yield* readLocked(disk, to)
      const record = yield* follow(disk, fromId, stored)
      if (record === undefined) yield* discard(stub)
      else yield* disk.fs.rename(stub, disk.paths.previous(fromId))
    })
  )
}

/** Deletes a file that is left over of a write, a move or a lock that ended long ago. */
export const tidy = (disk: Disk, stamps: FileStamps, file: NamedFile): Step<void> => {
  if (file.kind === "session") return Effect.void
  if (file.kind === "lock") return tidyLock(disk, file.id, file.path)
  return Effect.flatMap(isOld(disk, file), (old) => {
    if (!old) return Effect.void
    if (file.kind === "temporary") return discard(file.path)
    if (file.kind === "previous") return tidyPointer(disk, stamps, file.id, file.path)
    return underLocks(disk, [file.id], Effect.void, () => dropPending(disk, file.id)).pipe(
      Effect.catchIf(isTimeout, () => Effect.void)
    )
  })
}

// A file of this very store goes by the system's clock alone, because the clock of a test may be years ahead.
const isOld = (disk: Disk, file: NamedFile): Step<boolean> =>
  Effect.zipWith(lstat(file.path), currentMillis, (found, clockMillis) => {
    if (found === undefined) return false
    const isOwn = file.kind === "temporary" && file.nonce === disk.holder.nonce
    const nowMillis = isOwn ? Date.now() : Math.max(Date.now(), clockMillis)
    return nowMillis - found.mtimeMs > leftoverMillis
  })

/** Deletes a pointer whose session is gone, or has another previous id. */
const tidyPointer = (disk: Disk, stamps: FileStamps, id: string, path: string): Step<void> =>
  Effect.gen(function* () {
    const now = yield* currentMillis
    const examine = Effect.map(skipDamaged(id, readRetired(disk, id)), (record) =>
      record === undefined ? { found: true } : { dueMillis: now + pointerMillis }
    )
    const isStale = yield* stamps.unlessUnchanged<boolean>(path, now, examine)
    if (isStale === true) yield* discard(path)
  })

/** Deletes the lock of a process that ended, by taking it over, and the name of a successor that was left behind. */
const tidyLock = (disk: Disk, id: string, path: string): Step<void> =>
  Effect.gen(function* () {
    const root = disk.paths.lock(id)
    if (!(yield* isThere(root))) return yield* discard(path)
    const holder = readHolder(root)
    if (holder === undefined || !isDead(holder, disk.holder)) return
    yield* Effect.ignore(underLocks(disk, [id], Effect.void, () => Effect.void))
  })

/** Deletes the holder files of processes that ended. */
export const tidyHolders = (disk: Disk): Step<void> =>
  Effect.flatMap(disk.fs.readDirectory(disk.paths.directory), (names) =>
    Effect.forEach(
      names.filter((name) => name.startsWith("holder_")),
      (name) => {
        const path = `${disk.paths.directory}/${name}`
        const holder = readHolder(path)
        return holder !== undefined && isDead(holder, disk.holder) ? discard(path) : Effect.void
      },
      { discard: true }
    )
  )
