/**
 * The steps every operation of the filesystem store is made of: look, read, stage, replace, unlink. What Effect's
 * `FileSystem` has goes through it; `node:fs` serves `lstat` and `unlink`, which it lacks.
 */
import { randomBytes } from "node:crypto"
import type { BigIntStats, Stats } from "node:fs"
import { lstatSync, unlink as unlinkNode } from "node:fs"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { Stored } from "./codec.js"
import { decode } from "./codec.js"
import type { Failure } from "./failure.js"
import { codeOf, fromNode, isNotFound, isTaken, Problem } from "./failure.js"
import type { Holder } from "./holder.js"
import type { Paths } from "./paths.js"

/** One open store: where it is and how it writes. */
export interface Disk {
  readonly fs: FileSystem.FileSystem
  readonly paths: Paths
  readonly fsync: boolean
  readonly keepEndedMillis: number
  /** Whether the umask takes away bits the owner needs, so that modes are set after creation. */
  readonly narrowed: boolean
  readonly holder: Holder
}

/** The largest file that is read or written, in bytes. */
export const maxFileBytes = 16 * 1024 * 1024

/** The user this process runs as; `undefined` where the system has no such thing. */
export const ownUid: number | undefined = process.geteuid?.()

/** What is at a path, links not followed; `undefined` when nothing is. Throws what the system answers otherwise. */
export const look = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false })

/** As `look`, with numbers that are exact however large. */
export const lookExactly = (path: string): BigIntStats | undefined =>
  lstatSync(path, { throwIfNoEntry: false, bigint: true })

/** Runs a synchronous step that may throw the system's answer. */
export const attempt = <A>(step: () => A): Effect.Effect<A, Problem> =>
  Effect.try({ try: step, catch: fromNode })

/** Why a file cannot be one of the store's; `undefined` when it can. */
const oddity = (found: Stats): string | undefined => {
  if (!found.isFile()) return "is not a regular file"
  if (found.nlink > 1) return "has a second name"
  if (found.size > maxFileBytes) return "is larger than a session can be"
  if (ownUid === undefined) return undefined
  if (found.uid !== ownUid) return "belongs to another user"
  return (found.mode & 0o022) === 0 ? undefined : "can be written by others"
}

const corrupt = (path: string, why: string): Problem =>
  new Problem("corrupt", `The file ${path} ${why}; it is kept for inspection.`)

/**
 * Reads the file about `id` at `path`; `undefined` when there is none. Anything that is not a whole file of the store
 * fails as corrupt, and is neither opened nor followed unless it is a regular file of a sane size.
 */
export const readStored = (
  disk: Disk,
  path: string,
  id: string
): Effect.Effect<Stored | undefined, Failure> =>
  Effect.suspend(() => {
    let found: Stats | undefined
    try {
      found = look(path)
    } catch (cause) {
      return Effect.fail(fromNode(cause))
    }
    if (found === undefined) return Effect.succeed(undefined)
    const odd = oddity(found)
    if (odd !== undefined) return Effect.fail(corrupt(path, odd))
    return Effect.matchEffect(disk.fs.readFile(path), {
      onFailure: (failure) =>
        isNotFound(failure) ? Effect.succeed(undefined) : Effect.fail(failure),
      onSuccess: (bytes) => {
        const stored = decode(bytes, id)
        return stored === undefined
          ? Effect.fail(corrupt(path, "is damaged"))
          : Effect.succeed(stored)
      }
    })
  })

/** Fails when the store's directory itself is gone, so that a missing directory is not taken for missing sessions. */
export const assertPresent = (disk: Disk): Effect.Effect<void, Failure> =>
  Effect.flatMap(
    attempt(() => look(disk.paths.directory)),
    (found) =>
      found?.isDirectory() === true
        ? Effect.void
        : Effect.fail(new Problem("unavailable", "The directory of the session store is gone."))
  )

/** Makes the shard of an id. The store's directory itself is never made anew: that is the operator's to do. */
export const makeShard = (disk: Disk, id: string): Effect.Effect<void, Failure> => {
  const path = disk.paths.shard(id)
  return disk.fs.makeDirectory(path, { mode: 0o700 }).pipe(
    Effect.zipRight(disk.fs.chmod(path, 0o700)),
    Effect.catchAll((failure) => (isTaken(failure) ? Effect.void : Effect.fail(failure)))
  )
}

const writeSynced = (disk: Disk, path: string, bytes: Uint8Array) =>
  Effect.scoped(
    Effect.flatMap(disk.fs.open(path, { flag: "wx", mode: 0o600 }), (file) =>
      Effect.zipRight(file.writeAll(bytes), file.sync)
    )
  )

/** Writes a new file of mode 0600, whatever the umask; on the disk when it succeeds, if the store syncs. */
export const writeNew = (
  disk: Disk,
  path: string,
  bytes: Uint8Array
): Effect.Effect<void, Failure> => {
  const write = disk.fsync
    ? writeSynced(disk, path, bytes)
    : disk.fs.writeFile(path, bytes, { flag: "wx", mode: 0o600 })
  return disk.narrowed ? Effect.zipRight(write, disk.fs.chmod(path, 0o600)) : write
}

/** Writes the temporary file of `id`, to be renamed in this process's turn for the id; succeeds with its path. */
export const stage = (disk: Disk, id: string, bytes: Uint8Array): Effect.Effect<string, Failure> =>
  stageAt(disk, id, disk.paths.temporary(id, disk.holder.nonce), bytes)

/** As `stage`, without a turn for the id: under a name that nobody else can guess. */
export const stageApart = (
  disk: Disk,
  id: string,
  bytes: Uint8Array
): Effect.Effect<string, Failure> =>
  stageAt(disk, id, disk.paths.temporary(id, randomBytes(16).toString("hex")), bytes)

const stageAt = (
  disk: Disk,
  id: string,
  path: string,
  bytes: Uint8Array
): Effect.Effect<string, Failure> => {
  if (bytes.length > maxFileBytes) {
    return Effect.fail(new Problem("tooLarge", "The session is larger than a file may be."))
  }
  const write = writeNew(disk, path, bytes)
  return write.pipe(
    Effect.catchAll((failure) => {
      if (isNotFound(failure)) return Effect.zipRight(makeShard(disk, id), write)
      // Left by an earlier write of this store that could not be tidied up: the id is ours for this turn.
      return isTaken(failure) ? Effect.zipRight(discard(path), write) : Effect.fail(failure)
    }),
    Effect.tapError(() => discard(path)),
    Effect.as(path)
  )
}

/** Deletes a name, never what a link leads to; succeeds when it is not there. */
export const unlink = (path: string): Effect.Effect<void, Problem> =>
  Effect.async((resume) => {
    unlinkNode(path, (cause) => {
      resume(
        cause === null || codeOf(cause) === "ENOENT" ? Effect.void : Effect.fail(fromNode(cause))
      )
    })
  })

/** Deletes a name that matters to nobody; what cannot be deleted is left to the next collection. */
export const discard = (path: string): Effect.Effect<void> => Effect.ignore(unlink(path))
