/**
 * Collecting: ends sessions that expired, deletes sessions that were kept long enough, and erases tokens whose grace is
 * over.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { isCollectable, type SessionRecord, withoutStaleToken } from "../../core/record/record.js"
import { sumOf } from "../store/collectAll.js"
import { rewrite } from "./changes.js"
import { type Disk, readStored } from "./disk.js"
import { end } from "./end.js"
import { type Failure, isTimeout } from "./failure.js"
import { type Examined, FileStamps } from "./fileStamps.js"
import { recoverMove, tidy, tidyHolders } from "./leftovers.js"
import { currentMillis } from "./locked.js"
import type { NamedFile } from "./paths.js"
import { eachFile, filesIn, SkippedFiles, shardsOf } from "./walk.js"

type Step<A> = Effect.Effect<A, Failure>

/** How many sessions are ended at the same time. */
const endedAtOnce = 8

/** What one store remembers between its collections. */
export class Collections {
  readonly stamps = new Map<string, FileStamps>()
  /** The shard in which the last one reached its limit. */
  stoppedIn = ""
}

/**
 * Collects at most `limit` sessions, shard by shard, and deletes what killed processes left behind. A file that cannot be
 * read or changed is skipped, with one warning a run. A failure that is not about one file ends the run; what was collected
 * before counts.
 */
export const collect = (disk: Disk, earlier: Collections, limit: number): Step<number> =>
  Effect.suspend(() => {
    const skipped = new SkippedFiles()
    let collected = 0
    const run = Effect.gen(function* () {
      if (limit <= 0) return
      const shards = yield* shardsOf(disk)
      // On from where the last one stopped, so that many collections with a limit are one pass, and round to there.
      const later = shards.filter((shard) => shard >= earlier.stoppedIn)
      const sooner = shards.filter((shard) => shard < earlier.stoppedIn)
      for (const shard of [...later, ...sooner]) {
        const files = yield* skipped.skipping(filesIn(disk, shard))
        if (files === undefined) continue
        const stamps = earlier.stamps.get(shard) ?? new FileStamps()
        earlier.stamps.set(shard, stamps)
        collected += yield* collectSessions(disk, stamps, skipped, files, limit - collected)
        yield* eachFile(files, (file) => skipped.skipping(tidy(disk, stamps, file)))
        stamps.next()
        if (collected < limit) continue
        earlier.stoppedIn = shard
        return
      }
      yield* tidyHolders(disk)
    })
    const ended = Effect.flatMap(Effect.either(Effect.as(run, 0)), (rest) =>
      sumOf([Either.right(collected), rest])
    )
    return Effect.ensuring(ended, skipped.warn)
  })

const collectSessions = (
  disk: Disk,
  stamps: FileStamps,
  skipped: SkippedFiles,
  files: ReadonlyArray<NamedFile>,
  limit: number
): Step<number> =>
  Effect.gen(function* () {
    const now = yield* currentMillis
    const sessions = files.filter((file) => file.kind === "session")
    const due = yield* eachFile(sessions, (file) =>
      skipped.skipping(stamps.unlessUnchanged(file.path, now, examine(disk, file, now)))
    )
    const over = due.filter((id) => id !== undefined)
    let collected = 0
    // What cannot be ended does not count: fewer than `limit` means that nothing is left that can.
    while (over.length > 0 && collected < limit) {
      const next = over.splice(0, limit - collected)
      const ended = yield* Effect.forEach(next, (id) => skipped.skipping(endOver(disk, id)), {
        concurrency: endedAtOnce
      })
      collected += ended.filter((done) => done === true).length
    }
    return collected
  })

/** Finds the id of a session that is to be collected. Finishes a move and erases a token at once. */
const examine = (
  disk: Disk,
  { id, path }: NamedFile & { readonly kind: "session" },
  now: number
): Step<Examined<string>> =>
  Effect.gen(function* () {
    const stored = yield* readStored(path, id)
    if (stored === undefined) return {}
    if (stored.kind === "moved") return yield* Effect.as(recoverMove(disk, id, stored.to), {})
    const { record } = stored
    if (isCollectable(record, disk.keepEndedMillis, now)) return { found: id }
    return withoutStaleToken(record, now) === record
      ? { dueMillis: dueMillisOf(disk, record) }
      : yield* Effect.as(rewrite(disk, id, withoutStaleToken), {})
  })

const dueMillisOf = (disk: Disk, record: SessionRecord): number => {
  if (record.endedAtMillis !== null) return record.endedAtMillis + disk.keepEndedMillis
  const sealedUntil = record.previous?.sealedToken ? record.previous.untilMillis : Infinity
  return Math.min(record.expiresAtMillis, sealedUntil)
}

/** Ends the session if it is still to be collected. A session that is locked for long is left to the next collection. */
const endOver = (disk: Disk, id: string): Step<boolean> =>
  end(disk, id, (record, now) => isCollectable(record, disk.keepEndedMillis, now)).pipe(
    Effect.map((ended) => ended !== "gone"),
    Effect.catchIf(isTimeout, () => Effect.succeed(false))
  )
