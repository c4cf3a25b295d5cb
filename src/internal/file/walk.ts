/** Going through the whole directory, for listings. It takes no lock, so sessions may move and end meanwhile. */
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import {
  entryOf,
  matches,
  type SessionEntry,
  type SessionFilter,
  type SessionRecord
} from "../../core/record/record.js"
import { breathe } from "../effect/pause.js"
import type { Disk } from "./disk.js"
import {
  concernsAllFiles,
  type Failure,
  isCorrupt,
  isNotFound,
  Problem,
  reasonOf
} from "./failure.js"
import { currentMillis } from "./locked.js"
import { isShard, type NamedFile, parseName } from "./paths.js"
import { readRetired, resolve } from "./sessions.js"

/** How many shards are listed at the same time. */
const shardsAtOnce = 4

/** How many files are read before the process does something else. */
const filesInARow = 64

/** Takes a step for each file, one after the other. To read one does not wait, so requests would wait for all of them. */
export const eachFile = <A, B>(
  files: ReadonlyArray<A>,
  step: (file: A) => Effect.Effect<B, Failure>
): Effect.Effect<Array<B>, Failure> =>
  Effect.map(
    Effect.forEach(Arr.chunksOf(files, filesInARow), (some) => {
      const steps = Effect.forEach(some, step)
      return some.length < filesInARow ? steps : Effect.zipLeft(steps, breathe)
    }),
    Arr.flatten
  )

/** Lists the shards. Fails when the directory of the store is gone. */
export const shardsOf = (disk: Disk): Effect.Effect<ReadonlyArray<string>, Failure> =>
  Effect.map(disk.fs.readDirectory(disk.paths.directory), (names) => names.filter(isShard).sort())

/** Lists the store's files in a shard; none when the shard is gone. */
export const filesIn = (
  disk: Disk,
  shard: string
): Effect.Effect<ReadonlyArray<NamedFile>, Failure> => {
  const directory = `${disk.paths.directory}/${shard}`
  return disk.fs.readDirectory(directory).pipe(
    Effect.catchIf(isNotFound, () => Effect.succeed([])),
    Effect.map((names) =>
      names.flatMap((text) => {
        const name = parseName(text)
        return name === undefined ? [] : [{ ...name, path: `${directory}/${text}` }]
      })
    )
  )
}

/**
 * Lists the sessions that the filter lets through. A damaged file is skipped with a warning.
 *
 * A file that the system does not let us read may hold a session. Then the listing gives all others and fails at its end,
 * because nobody may count or limit sessions by a listing that is not complete.
 */
export const entries = (disk: Disk, filter: SessionFilter): Stream.Stream<SessionEntry, Failure> =>
  Stream.suspend(() => {
    const skipped = new SkippedFiles()
    return Stream.concat(readable(disk, filter, skipped), Stream.execute(skipped.failure))
  })

/**
 * Lists the sessions that can be read, and notes the files that cannot.
 *
 * It reads pointers, too. If a session moves from a shard that is not read yet to one that was read already, it is found
 * by the pointer that it leaves. Each session is listed once, under its old id or its new one.
 */
export const readable = (
  disk: Disk,
  filter: SessionFilter,
  skipped: SkippedFiles
): Stream.Stream<SessionEntry, Failure> =>
  Stream.unwrap(
    Effect.map(Effect.all([shardsOf(disk), currentMillis]), ([shards, nowMillis]) => {
      const isNew = onlyOnce()
      return Stream.paginateChunkEffect(0, (from) => {
        const to = from + shardsAtOnce
        return Effect.map(
          Effect.forEach(shards.slice(from, to), (shard) => recordsIn(disk, shard, skipped), {
            concurrency: shardsAtOnce
          }),
          (records) => [
            Chunk.unsafeFromArray(
              records.flat().flatMap((record) => {
                if (record === undefined || !isNew(record)) return []
                const entry = entryOf(record)
                return matches(filter, entry, nowMillis) ? [entry] : []
              })
            ),
            to < shards.length ? Option.some(to) : Option.none()
          ]
        )
      })
    })
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
  skipped: SkippedFiles
): Effect.Effect<ReadonlyArray<SessionRecord | undefined>, Failure> =>
  Effect.flatMap(skipped.skipping(filesIn(disk, shard)), (files = []) =>
    eachFile(files, (file) => skipped.skipping(recordOf(disk, file)))
  )

const recordOf = (
  disk: Disk,
  file: NamedFile
): Effect.Effect<SessionRecord | undefined, Failure> => {
  if (file.kind === "lock" || file.kind === "temporary") return Effect.succeed(undefined)
  const read = file.kind === "previous" ? readRetired(disk, file.id) : resolve(disk, file.id)
  return skipDamaged(file.id, read)
}

/** Skips a damaged file with a warning. The id in it opens no session. */
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

/** How many files a message names. */
const mostNamed = 5

/** The files that a run over the directory skips, because the system does not let it read or change them (EIO, EACCES). */
export class SkippedFiles {
  private first: Failure | undefined
  // A message names its file, so a file that is read twice counts once.
  private readonly messages = new Set<string>()

  /** Runs a step about one file. If that fails because of the file, notes it and gives `undefined`. */
  skipping<A>(step: Effect.Effect<A, Failure>): Effect.Effect<A | undefined, Failure> {
    return Effect.catchAll(step, (failure) => {
      if (concernsAllFiles(failure)) return Effect.fail(failure)
      this.first ??= failure
      this.messages.add(failure.message)
      return Effect.succeed(undefined)
    })
  }

  get isEmpty(): boolean {
    return this.first === undefined
  }

  /** Forgets all files, because the run begins again. */
  clear(): void {
    this.first = undefined
    this.messages.clear()
  }

  /** Logs one warning about all skipped files. */
  readonly warn: Effect.Effect<void> = Effect.suspend(() =>
    this.first === undefined ? Effect.void : Effect.logWarning(this.message)
  )

  /** Fails when a file was skipped. */
  readonly failure: Effect.Effect<void, Problem> = Effect.suspend(() => {
    const { first } = this
    return first === undefined
      ? Effect.void
      : Effect.fail(new Problem(reasonOf(first), this.message, { cause: first }))
  })

  private get message(): string {
    const all = [...this.messages]
    const named = all.slice(0, mostNamed).join(" ")
    const more = all.length > mostNamed ? ` And ${all.length - mostNamed} more.` : ""
    return `Files of the session store that could not be read or changed were skipped: ${all.length}. ${named}${more}`
  }
}
