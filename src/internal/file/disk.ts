/**
 * The steps that the filesystem store is made of: look at a file, read it, write a new one, delete it. They go through
 * Effect's `FileSystem`, with three exceptions of `node:fs`. It lacks `lstat` and `unlink`. And a session is read at once:
 * to wait for the system's threads takes several times as long as to read a file of this size.
 */
import type { BigIntStats, Stats } from "node:fs"
import { lstatSync, readFileSync, unlink as unlinkNode } from "node:fs"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { decode, type Stored } from "./codec.js"
import { codeOf, type Failure, fromNode, isNotFound, isTaken, Problem } from "./failure.js"
import type { Holder } from "./holder.js"
import type { Paths } from "./paths.js"

/** An open store: where it is and how it writes. */
export interface Disk {
  readonly fs: FileSystem.FileSystem
  readonly paths: Paths
  readonly fsync: boolean
  readonly keepEndedMillis: number
  /** Whether the umask takes away bits that the owner needs, so that the mode of a new file has to be set. */
  readonly narrowed: boolean
  readonly holder: Holder
}

/** The largest file that is read or written, in bytes. */
export const maxFileBytes = 16 * 1024 * 1024

/** The user id of this process; `undefined` where the system has none. */
export const ownUid: number | undefined = process.geteuid?.()

/** What is at a path, without following a link; `undefined` when nothing is. Throws any other error of the system. */
export const lstatNow = (path: string): Stats | undefined =>
  lstatSync(path, { throwIfNoEntry: false })

/** As `lstatNow`, with exact numbers of any size. */
export const lstatExactlyNow = (path: string): BigIntStats | undefined =>
  lstatSync(path, { throwIfNoEntry: false, bigint: true })

/** Runs a synchronous step that may throw an error of the system. */
export const trySync = <A>(step: () => A): Effect.Effect<A, Problem> =>
  Effect.try({ try: step, catch: fromNode })

/** As `lstatNow`, as an effect. */
export const lstat = (path: string): Effect.Effect<Stats | undefined, Problem> =>
  trySync(() => lstatNow(path))

/** True when anything is at the path. */
export const isThere = (path: string): Effect.Effect<boolean, Problem> =>
  Effect.map(lstat(path), (found) => found !== undefined)

/** Why the store cannot have written this file; `undefined` if it can. */
const oddityOf = (found: Stats): string | undefined => {
  if (!found.isFile()) return "is not a regular file"
  if (found.nlink > 1) return "has a second name"
  if (found.size > maxFileBytes) return "is larger than a session can be"
  if (ownUid === undefined) return undefined
  if (found.uid !== ownUid) return "belongs to another user"
  return (found.mode & 0o022) === 0 ? undefined : "can be written by others"
}

const corrupt = (path: string, why: string): Effect.Effect<never, Problem> =>
  Effect.fail(new Problem("corrupt", `The file ${path} ${why}; it is kept for inspection.`))

/**
 * Reads the file about `id` at `path`; `undefined` when there is none. Fails as corrupt when it is not a whole file of the
 * store. Opens only a regular file of a sane size, and follows no link.
 */
export const readStored = (path: string, id: string): Effect.Effect<Stored | undefined, Problem> =>
  Effect.flatMap(readNow(path), (found) => {
    if (found === undefined) return Effect.succeed(undefined)
    if (typeof found === "string") return corrupt(path, found)
    const stored = decode(found, id)
    return stored === undefined ? corrupt(path, "is damaged") : Effect.succeed(stored)
  })

/** The bytes at a path, or why the store cannot have written what is there; `undefined` when nothing is. */
const readNow = (path: string): Effect.Effect<Uint8Array | string | undefined, Problem> =>
  trySync(() => {
    const found = lstatNow(path)
    return found === undefined ? undefined : (oddityOf(found) ?? readFileSync(path))
  }).pipe(Effect.catchIf(isNotFound, () => Effect.succeed(undefined)))

/** Fails when the directory of the store is gone, so that nobody takes that for missing sessions. */
export const assertPresent = (disk: Disk): Effect.Effect<void, Failure> =>
  Effect.flatMap(lstat(disk.paths.directory), (found) =>
    found?.isDirectory() === true
      ? Effect.void
      : Effect.fail(new Problem("unavailable", "The directory of the session store is gone."))
  )

/** Makes the shard of an id. It never makes the directory of the store again: that is up to the operator. */
export const makeShard = (disk: Disk, id: string): Effect.Effect<void, Failure> => {
  const path = disk.paths.shard(id)
  return disk.fs.makeDirectory(path, { mode: 0o700 }).pipe(
    Effect.zipRight(disk.fs.chmod(path, 0o700)),
    Effect.catchIf(isTaken, () => Effect.void)
  )
}

const writeSynced = (disk: Disk, path: string, bytes: Uint8Array) =>
  Effect.scoped(
    Effect.flatMap(disk.fs.open(path, { flag: "wx", mode: 0o600 }), (file) =>
      Effect.zipRight(file.writeAll(bytes), file.sync)
    )
  )

/** Writes a new file of mode 0600, whatever the umask is. With `fsync` it waits until the file is on the disk. */
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

/**
 * Writes the temporary file of `id` and gives its path. It belongs to the turn for the id, which renames or deletes it.
 * Without a turn, `nonce` is a random one.
 */
export const stage = (
  disk: Disk,
  id: string,
  bytes: Uint8Array,
  nonce = disk.holder.nonce
): Effect.Effect<string, Failure> => {
  if (bytes.length > maxFileBytes) {
    return Effect.fail(new Problem("tooLarge", "The session is larger than a file may be."))
  }
  const path = disk.paths.temporary(id, nonce)
  const write = writeNew(disk, path, bytes)
  return write.pipe(
    Effect.catchIf(isNotFound, () => Effect.zipRight(makeShard(disk, id), write)),
    // Left by an earlier turn of this store that could not delete it.
    Effect.catchIf(isTaken, () => Effect.zipRight(discard(path), write)),
    Effect.tapError(() => discard(path)),
    Effect.as(path)
  )
}

/** Deletes a file, or a link but not its target. Succeeds when there is none. */
export const unlink = (path: string): Effect.Effect<void, Problem> =>
  Effect.async((resume) => {
    unlinkNode(path, (cause) => {
      // Deno calls back with undefined.
      const isGone = cause == null || codeOf(cause) === "ENOENT"
      resume(isGone ? Effect.void : Effect.fail(fromNode(cause)))
    })
  })

/** Deletes a file that nobody needs. If that fails, the next collection does it. */
export const discard = (path: string): Effect.Effect<void> => Effect.ignore(unlink(path))
