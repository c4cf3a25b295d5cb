/** What is checked when the store is opened: that the directory is private, and that the file system has hard links. */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { type Disk, discard, isThere, lstat, ownUid } from "./disk.js"
import { type Failure, Problem } from "./failure.js"
import { writeHolder } from "./lock.js"
import { makeDirectory } from "./makeDirectory.js"
import { isShard } from "./paths.js"

type Check<A> = Effect.Effect<A, Failure>

const refuse = (message: string, cause?: unknown): Check<never> =>
  Effect.fail(new Problem("unavailable", message, { cause }))

/** Makes the directory if it is missing, and makes it and its shards private. */
export const prepare = (fs: FileSystem.FileSystem, directory: string): Check<void> =>
  Effect.gen(function* () {
    if (!(yield* isThere(directory))) {
      yield* Effect.catchAll(makeDirectory(fs, directory, 0o700), (cause) =>
        refuse(
          `The session directory ${directory} cannot be made; make it for this process's user, or name another one.`,
          cause
        )
      )
    }
    const found = yield* lstat(directory)
    // A person has to look at what is in it.
    if (ownUid !== undefined && found?.isDirectory() === true && (found.mode & 0o002) !== 0) {
      return yield* refuse(
        `The session directory ${directory} can be written to by every user of this host; look what is in it, then ` +
          "give it mode 0700, or name another one."
      )
    }
    yield* makePrivate(fs, directory)
    const names = yield* fs.readDirectory(directory)
    // While others could write to the directory they may have made shards.
    const shards = names.filter(isShard).map((name) => `${directory}/${name}`)
    yield* Effect.forEach(shards, (shard) => makePrivate(fs, shard), { discard: true })
  })

const makePrivate = (fs: FileSystem.FileSystem, path: string): Check<void> =>
  Effect.gen(function* () {
    const found = yield* lstat(path)
    if (found?.isSymbolicLink() === true) {
      return yield* refuse(
        `The session directory ${path} is a symbolic link; name the directory it leads to.`
      )
    }
    if (found?.isDirectory() !== true) {
      return yield* refuse(`The session directory ${path} is not a directory; name another one.`)
    }
    if (ownUid === undefined) return
    if (found.uid !== ownUid) {
      return yield* refuse(
        `The session directory ${path} belongs to the user ${found.uid} and this process runs as ` +
          `${ownUid}; give it to ${ownUid} or name another one.`
      )
    }
    if ((found.mode & 0o7777) !== 0o700) yield* fs.chmod(path, 0o700)
  })

/** Tries what the store will do, and finds out whether the umask takes away bits that the owner needs. */
export const probe = (disk: Disk): Check<{ readonly narrowed: boolean }> => {
  const { fs, paths, holder } = disk
  const own = paths.holder(holder.nonce)
  const link = `${own}.probe`
  const write = Effect.gen(function* () {
    yield* writeHolder(disk)
    const found = yield* lstat(own)
    const narrowed = ownUid !== undefined && found !== undefined && (found.mode & 0o777) !== 0o600
    if (narrowed) yield* fs.chmod(own, 0o600)
    return { narrowed }
  })
  const refusing = (why: string) =>
    Effect.catchAll((cause) => refuse(`The session directory ${paths.directory} ${why}`, cause))
  const linked = fs
    .link(own, link)
    .pipe(
      refusing(
        "is on a file system without hard links, which the locks need; name a directory on a local disk."
      ),
      Effect.zipRight(discard(link))
    )
  return write.pipe(
    refusing("cannot be written to; give this process the right to, or name another one."),
    Effect.zipLeft(linked),
    Effect.tapError(() => discard(own))
  )
}
