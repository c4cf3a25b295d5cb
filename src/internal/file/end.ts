/** Ending sessions, one or many: by a logout, a revocation or a collection. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import {
  ended,
  entryOf,
  isDueForDeletion,
  isOver,
  type SessionEntry,
  type SessionRecord
} from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import type { Overrides, Primitives } from "../store/contract.js"
import * as Derived from "../store/derived.js"
import { encodeSession } from "./codec.js"
import { assertPresent, type Disk, isThere, lstat, stage, unlink } from "./disk.js"
import { failingAs, isCorrupt, Problem, toStoreError } from "./failure.js"
import {
  type Change,
  currentMillis,
  deletePointer,
  readLocked,
  replace,
  underLocks
} from "./locked.js"
import { resolve } from "./sessions.js"
import { readable, SkippedFiles } from "./walk.js"

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
      const { previous, endedAtMillis } = record
      if (isDueForDeletion(record, disk.keepEndedMillis, nowMillis)) {
        yield* Effect.zipRight(assertHeld, unlink(disk.paths.session(id)))
        yield* deletePointer(disk, previous?.id)
      } else if (endedAtMillis === null) {
        const kept = ended(record, nowMillis)
        yield* stage(disk, id, encodeSession(kept, null))
        yield* replace(disk, record, kept, assertHeld)
      }
      return isOver(record, nowMillis) ? undefined : entryOf(record)
    })
  )

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

type RemoveWhere = NonNullable<Overrides["removeWhere"]>

const operation = "removeWhere"

/**
 * Ends every session of the filter that can be read and ended, then fails if there are files that cannot: one of them may hold a
 * session of the filter and be readable again later. A damaged file holds none.
 */
export const removeWhere =
  (disk: Disk): RemoveWhere =>
  (filter, options) =>
    Effect.suspend(() => {
      const skipped = new SkippedFiles()
      const entries: Primitives["entries"] = (asked) =>
        Stream.suspend(() => {
          // The last listing counts.
          skipped.clear()
          return Stream.mapError(readable(disk, asked, skipped), (cause) =>
            toStoreError(operation, cause)
          )
        })
      const end: Primitives["remove"] = (id) =>
        Effect.map(failingAs(operation)(skipped.skipping(remove(disk, id))), Option.fromNullable)
      const pass = Derived.removeWhere(entries, end)(filter, options)
      // What could not be read may be readable a moment later.
      const whole = Effect.flatMap(pass, (ended) =>
        skipped.isEmpty ? Effect.succeed(ended) : Effect.map(pass, (more) => ended + more)
      )
      return Effect.zipLeft(whole, failingAs(operation)(skipped.failure))
    })
