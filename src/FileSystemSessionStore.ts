/**
 * A store that keeps one file per session in a directory, for any number of processes on one host.
 *
 * It does not work on a directory that several hosts share over a network. Keep the directory on a fast disk: the process
 * waits while it reads a file, which takes some microseconds where the system has it in memory.
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { serviceOf } from "./internal/effect/fiber.js"
import { oncePer } from "./internal/effect/oncePer.js"
import { settingMillis } from "./internal/errors/durations.js"
import type { SessionStoreError } from "./internal/errors/errors.js"
import * as Changes from "./internal/file/changes.js"
import { Collections, collect } from "./internal/file/collect.js"
import { prepare, probe } from "./internal/file/directory.js"
import type { Disk } from "./internal/file/disk.js"
import { discard } from "./internal/file/disk.js"
import { remove, removeWhere } from "./internal/file/end.js"
import { failingAs, Problem, toStoreError } from "./internal/file/failure.js"
import { makeHolder } from "./internal/file/holder.js"
import { insertMany } from "./internal/file/insertMany.js"
import { Paths } from "./internal/file/paths.js"
import { find } from "./internal/file/sessions.js"
import { entries } from "./internal/file/walk.js"
import type { Overrides, Primitives, Service } from "./SessionStore.js"
import { makeScoped, SessionStore } from "./SessionStore.js"

/**
 * The settings of the filesystem store.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Where the session files are. The store makes the directory if it is missing and gives it mode 0700. Keep nothing else
   * in it. A directory that every user of the host can write to is refused.
   */
  readonly directory: string
  /**
   * Whether a write waits until its file is on the disk (default `true`). With `false` a power failure can lose or damage
   * what was written in the seconds before it. With `true` no file is ever damaged; a power failure may still bring back
   * a state that is some seconds old, because the store does not wait for the directory. A process that is killed loses
   * nothing either way.
   */
  readonly fsync?: boolean | undefined
  /** How long a session that ended is kept, without its payload (default 0). */
  readonly keepEnded?: Duration.DurationInput | undefined
}

/**
 * Opens the store in a scope. Closing it deletes the file that names this process in its locks.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<Service, SessionStoreError, FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  Effect.flatMap(Effect.acquireRelease(failingAs("open")(open(options)), close), (disk) =>
    makeScoped(primitivesOf(disk), { keepEnded: options.keepEnded })
  )

/**
 * Provides a `SessionStore` that keeps one file per session in `directory`.
 *
 * **On disk.** A session is the file `<directory>/<2 characters>/sess_<id>`, UTF-8, mode 0600 in directories of mode 0700.
 * The token never appears in a file. A write goes to a temporary file that is renamed, so a reader sees the old record or
 * the new one, even when the process is killed. Last activity and expiry are in the content of the file, not in its times,
 * so a directory that is copied or restored revives no session.
 *
 * **Processes.** Writers exclude each other by lock files. A process waits at most two seconds for a lock, then fails with
 * `timeout`. Reading takes no lock.
 *
 * **Damaged files.** A file that is damaged, or that the store did not write, fails `find` with `corrupt` and stays for
 * inspection. Listings skip it with a warning, and `remove` deletes it.
 *
 * **Unreadable files.** If the system does not let the store read a file (EIO, EACCES), that session is unavailable.
 * `collect` skips the file with a warning. `removeWhere` and `revokeUser` end all other sessions, then fail. A listing
 * gives all other sessions, then fails, because a figure must not be taken from a part.
 *
 * Fails with `SessionStoreError` (operation `open`) when the directory is a symbolic link, belongs to another user, can be
 * written to by every user, cannot be made or written to, or lies on a file system without hard links.
 *
 * @example
 * ```ts
 * import { NodeContext } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { FileSystemSessionStore } from "effect-session"
 *
 * export const layer = FileSystemSessionStore.layer({ directory: "./sessions" }).pipe(
 *   Layer.provide(NodeContext.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<SessionStore, SessionStoreError, FileSystem.FileSystem | Path.Path> =>
  oncePer(
    (fiber) => serviceOf(fiber, FileSystem.FileSystem),
    Layer.scoped(SessionStore, make(options))
  )

const open = (options: Options) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    if (options.directory === "" || options.directory.includes("\0")) {
      return yield* Effect.fail(
        new Problem("unavailable", "The session directory has no name; set `directory`.")
      )
    }
    const paths = new Paths(path.resolve(options.directory))
    yield* prepare(fs, paths.directory)
    const disk: Disk = {
      fs,
      paths,
      fsync: options.fsync ?? true,
      keepEndedMillis: settingMillis("keepEnded", options.keepEnded ?? 0),
      narrowed: false,
      holder: makeHolder()
    }
    return { ...disk, ...(yield* probe(disk)) }
  })

const close = (disk: Disk): Effect.Effect<void> => discard(disk.paths.holder(disk.holder.nonce))

const primitivesOf = (disk: Disk): Primitives & Overrides => {
  const collections = new Collections()
  const primitives: Primitives = {
    find: (id) => Effect.map(failingAs("find")(find(disk, id)), Option.fromNullable),
    insert: (record) => failingAs("insert")(Changes.insert(disk, record)),
    update: (record, expectedVersion) =>
      failingAs("update")(Changes.update(disk, record, expectedVersion)),
    move: (fromId, record, expectedVersion) =>
      failingAs("move")(Changes.move(disk, fromId, record, expectedVersion)),
    remove: (id) => Effect.map(failingAs("remove")(remove(disk, id)), Option.fromNullable),
    entries: (filter) =>
      Stream.mapError(entries(disk, filter), (cause) => toStoreError("entries", cause))
  }
  return {
    ...primitives,
    insertMany: (records) => failingAs("insertMany")(insertMany(disk, records)),
    touch: (id, version, lastActivityMillis, expiresAtMillis) =>
      failingAs("touch")(Changes.touch(disk, id, version, lastActivityMillis, expiresAtMillis)),
    collect: (limit) => failingAs("collect")(collect(disk, collections, limit)),
    removeWhere: removeWhere(disk)
  }
}
