/** Ending many sessions at once. One file that cannot be read keeps no other session alive. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Overrides, Primitives, Service } from "../store/contract.js"
import * as Derived from "../store/derived.js"
import { writeMark } from "../store/revocations.js"
import type { Disk } from "./disk.js"
import { remove } from "./end.js"
import { failingAs, toStoreError } from "./failure.js"
import { SkippedFiles } from "./skippedFiles.js"
import { readable } from "./walk.js"

type RemoveWhere = NonNullable<Overrides["removeWhere"]>

const operation = "removeWhere"

/**
 * Ends every session that can be read and ended, then fails if there are files that cannot: one of them may hold a
 * session of the filter and be readable again later. A damaged file holds none.
 */
export const removeWhere =
  (disk: Disk): RemoveWhere =>
  (filter, options) =>
    Effect.suspend(() => {
      const skipped = new SkippedFiles()
      const entries: Primitives["entries"] = (asked) =>
        Stream.suspend(() => {
          // The derived call lists more than once, and the last listing counts.
          skipped.clear()
          return Stream.mapError(readable(disk, asked, skipped), (cause) =>
            toStoreError(operation, cause)
          )
        })
      const end: Primitives["remove"] = (id) =>
        Effect.map(failingAs(operation)(skipped.skipping(remove(disk, id))), Option.fromNullable)
      return Effect.zipLeft(
        Derived.removeWhere(entries, end)(filter, options),
        failingAs(operation)(skipped.failure)
      )
    })

/**
 * Writes the mark, then ends the sessions, as the derived call does. If the mark cannot be written it still ends the
 * sessions, then fails: a disk that is full can delete.
 */
export const revokeUser =
  (primitives: Primitives, removeWhere: RemoveWhere): Service["revokeUser"] =>
  ({ namespace, userId, except }) =>
    Effect.flatMap(Effect.either(writeMark(primitives, { namespace, userId }, except)), (marked) =>
      Effect.zipLeft(removeWhere({ namespace, userId }, { except }), marked)
    )
