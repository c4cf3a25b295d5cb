/** Ending sessions: by a logout, a revocation or a collection. */
import * as Effect from "effect/Effect"
import type { SessionEntry, SessionRecord } from "../../core/record/record.js"
import { ended, entryOf, isDueForDeletion, isOver } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import { encodeSession } from "./codec.js"
import type { Disk } from "./disk.js"
import { assertPresent, isThere, lstat, stage, unlink } from "./disk.js"
import { isCorrupt, Problem } from "./failure.js"
import type { Change } from "./locked.js"
import { currentMillis, deletePointer, readLocked, replace, underLocks } from "./locked.js"
import { resolve } from "./sessions.js"

/** Ends the session with this id or previous id. */
export const remove = (disk: Disk, id: string, tries = 5): Change<SessionEntry | undefined> => {
  if (!isId(id)) return Effect.succeed(undefined)
  return Effect.gen(function* () {
    const target = yield* resolveDamaged(disk, id)
    if (target === undefined) return yield* Effect.as(assertPresent(disk), undefined)
    const outcome = yield* end(
      disk,
      target,
      (record) => record.id === id || record.previous?.id === id
    )
    if (outcome !== "gone") return outcome
    // It moved after its file was found and before it was locked.
    if (tries > 1) return yield* remove(disk, id, tries - 1)
    return yield* Effect.fail(new Problem("timeout", "The session kept moving to another id."))
  })
}

/**
 * Ends the session if `admits` says so under the lock, and gives its entry if it was live. `gone` means that there is no
 * such session any more. A damaged file is deleted.
 */
export const end = (
  disk: Disk,
  id: string,
  admits: (record: SessionRecord, nowMillis: number) => boolean
): Change<SessionEntry | undefined | "gone"> =>
  underLocks(disk, [id], Effect.void, (assertHeld) =>
    Effect.gen(function* () {
      const record = yield* Effect.catchIf(readLocked(disk, id), isCorrupt, () =>
        Effect.as(unlinkDamaged(disk, id, assertHeld), "damaged" as const)
      )
      if (record === "damaged") return undefined
      const nowMillis = yield* currentMillis
      if (record === undefined || !admits(record, nowMillis)) return "gone"
      yield* deleteOrStrip(disk, record, nowMillis, assertHeld)
      return isOver(record, nowMillis) ? undefined : entryOf(record)
    })
  )

/** Deletes the file of the session, or leaves what is to be kept of it. */
const deleteOrStrip = (
  disk: Disk,
  record: SessionRecord,
  nowMillis: number,
  assertHeld: Change<void>
): Change<void> => {
  const { id, previous } = record
  if (isDueForDeletion(record, disk.keepEndedMillis, nowMillis)) {
    return assertHeld.pipe(
      Effect.zipRight(unlink(disk.paths.session(id))),
      Effect.zipRight(deletePointer(disk, previous?.id))
    )
  }
  if (record.endedAtMillis !== null) return Effect.void
  const kept = ended(record, nowMillis)
  return Effect.zipRight(
    stage(disk, id, encodeSession(kept, null)),
    replace(disk, record, kept, assertHeld)
  )
}

/** The id of the file to end. That file may be damaged. */
const resolveDamaged = (disk: Disk, id: string): Change<string | undefined> =>
  Effect.catchIf(
    Effect.map(resolve(disk, id), (record) => record?.id),
    isCorrupt,
    (failure) =>
      Effect.flatMap(isThere(disk.paths.session(id)), (there) =>
        there ? Effect.succeed(id) : Effect.fail(failure)
      )
  )

/** Deletes a file that is in the place of a session and is none. A link is not followed, and a directory stays. */
const unlinkDamaged = (disk: Disk, id: string, assertHeld: Change<void>): Change<void> => {
  const path = disk.paths.session(id)
  return Effect.flatMap(lstat(path), (found) =>
    found?.isDirectory() === true
      ? Effect.fail(new Problem("corrupt", `There is a directory in the place of ${path}.`))
      : Effect.zipRight(assertHeld, unlink(path))
  )
}
