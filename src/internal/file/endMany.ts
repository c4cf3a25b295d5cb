/** Ending many sessions at once: whoever can be logged out is, whatever the files of others are like. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Overrides, Primitives, Service } from "../store/contract.js"
import * as Derived from "../store/derived.js"
import { writeMark } from "../store/revocations.js"
import type { Disk } from "./disk.js"
import { remove } from "./end.js"
import { named, toStoreError } from "./failure.js"
import { Skipped } from "./skipped.js"
import { readable } from "./walk.js"

type RemoveWhere = NonNullable<Overrides["removeWhere"]>

const operation = "removeWhere"

/**
 * Ends every session that can be read and ended, and only then fails for those that cannot: a file that the system does
 * not let us read may hold a session the filter is about, and be readable again tomorrow. A damaged file holds none.
 */
export const removeWhere =
  (disk: Disk): RemoveWhere =>
  (filter, options) =>
    Effect.suspend(() => {
      const skipped = new Skipped()
      const entries: Primitives["entries"] = (asked) =>
        Stream.suspend(() => {
          // One listing a pass, and the last pass counts.
          skipped.clear()
          return Stream.mapError(readable(disk, asked, skipped), (cause) =>
            toStoreError(operation, cause)
          )
        })
      const end: Primitives["remove"] = (id) =>
        Effect.map(named(operation)(skipped.passing(remove(disk, id))), Option.fromNullable)
      return Effect.zipLeft(
        Derived.removeWhere(entries, end)(filter, options),
        named(operation)(skipped.failure)
      )
    })

/**
 * Leaves the mark, then ends the sessions, as the derived method does. Where the mark cannot be written the sessions end
 * all the same before this fails: a disk that is full, or has one bad file, can still delete.
 */
export const revokeUser =
  (primitives: Primitives, removeWhere: RemoveWhere): Service["revokeUser"] =>
  ({ namespace, userId, except }) =>
    Effect.flatMap(Effect.either(writeMark(primitives, { namespace, userId }, except)), (marked) =>
      Effect.zipLeft(removeWhere({ namespace, userId }, { except }), marked)
    )
