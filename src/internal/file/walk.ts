/** Going through the whole directory: the listing of `entries`. Holds no lock; sessions may move and end meanwhile. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { SessionEntry, SessionFilter, SessionRecord } from "../../core/record/record.js"
import { entryOf, matches } from "../../core/record/record.js"
import type { Disk } from "./disk.js"
import type { Failure } from "./failure.js"
import { isCorrupt, isNotFound } from "./failure.js"
import type { Name } from "./paths.js"
import { isShard, parseName } from "./paths.js"
import { readRetired, resolve } from "./sessions.js"
import { Skipped } from "./skipped.js"

/** Shards that are read at the same time, and files within each. */
const shardsAtOnce = 4
const filesAtOnce = 8

/** The names of the shards that there are. Fails when the directory itself is gone. */
export const shardsOf = (disk: Disk): Effect.Effect<ReadonlyArray<string>, Failure> =>
  Effect.map(disk.fs.readDirectory(disk.paths.directory), (names) => names.filter(isShard).sort())

/** The names in a shard; none when it is gone. */
export const namesIn = (disk: Disk, shard: string): Effect.Effect<ReadonlyArray<string>, Failure> =>
  Effect.catchIf(disk.fs.readDirectory(`${disk.paths.directory}/${shard}`), isNotFound, () =>
    Effect.succeed([])
  )

/**
 * Lists the sessions the filter lets through. A damaged file is skipped with a warning: what is in it is no session.
 *
 * A file that the system does not let us read may well hold one. Then all others are listed, and the listing fails at its
 * end: a number or a limit must not be taken from a listing that is not whole.
 */
export const entries = (disk: Disk, filter: SessionFilter): Stream.Stream<SessionEntry, Failure> =>
  Stream.suspend(() => {
    const skipped = new Skipped()
    return Stream.concat(readable(disk, filter, skipped), Stream.execute(skipped.failure))
  })

/**
 * Lists the sessions that can be read, and notes what cannot.
 *
 * A session that moves from a shard not yet read to one read already is found by the pointer it leaves behind, so that
 * pointers are read as well; each id is listed once, and not again under the id it moved to.
 */
export const readable = (
  disk: Disk,
  filter: SessionFilter,
  skipped: Skipped
): Stream.Stream<SessionEntry, Failure> =>
  Stream.unwrap(
    Effect.map(
      Effect.all([shardsOf(disk), Effect.clockWith((clock) => clock.currentTimeMillis)]),
      ([shards, nowMillis]) => {
        const isNew = onlyOnce()
        return Stream.fromIterable(shards).pipe(
          Stream.mapEffect((shard) => recordsIn(disk, shard, skipped), {
            concurrency: shardsAtOnce
          }),
          Stream.mapConcat((records) =>
            records.flatMap((record) => {
              if (record === undefined || !isNew(record)) return []
              const summary = entryOf(record)
              return matches(filter, summary, nowMillis) ? [summary] : []
            })
          )
        )
      }
    )
  )

const onlyOnce = (): ((record: SessionRecord) => boolean) => {
  const listed = new Set<string>()
  return ({ id, previous }) => {
    if (listed.has(id) || (previous !== null && listed.has(previous.id))) return false
    listed.add(id)
    return true
  }
}

const recordsIn = (
  disk: Disk,
  shard: string,
  skipped: Skipped
): Effect.Effect<ReadonlyArray<SessionRecord | undefined>, Failure> =>
  Effect.flatMap(skipped.passing(namesIn(disk, shard)), (names = []) =>
    Effect.forEach(
      names,
      (text) => {
        const name = parseName(text)
        return name === undefined
          ? Effect.succeed(undefined)
          : skipped.passing(recordOf(disk, name))
      },
      { concurrency: filesAtOnce }
    )
  )

const recordOf = (disk: Disk, name: Name): Effect.Effect<SessionRecord | undefined, Failure> => {
  if (name.kind === "lock" || name.kind === "temporary") return Effect.succeed(undefined)
  const read = name.kind === "previous" ? readRetired(disk, name.id) : resolve(disk, name.id)
  return skipDamaged(name.id, read)
}

/** A file that is damaged is no reason to list nothing; the id in the message opens no session. */
export const skipDamaged = <A>(
  id: string,
  read: Effect.Effect<A | undefined, Failure>
): Effect.Effect<A | undefined, Failure> =>
  Effect.catchIf(read, isCorrupt, (failure) =>
    Effect.as(
      Effect.logWarning(`The file of session ${id} is skipped: ${failure.message}`),
      undefined
    )
  )
