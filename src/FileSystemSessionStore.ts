/**
 * The store that keeps one file per session in a directory: for one host, with any number of processes.
 *
 * It is not for directories that several hosts share over a network.
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { SessionStoreError } from "./internal/errors/errors.js"
import * as Changes from "./internal/file/changes.js"
import type { Glances } from "./internal/file/collect.js"
import { collect } from "./internal/file/collect.js"
import { prepare, probe } from "./internal/file/directory.js"
import type { Disk } from "./internal/file/disk.js"
import { discard } from "./internal/file/disk.js"
import { remove } from "./internal/file/end.js"
import { removeWhere, revokeUser } from "./internal/file/endMany.js"
import { named, Problem, toStoreError } from "./internal/file/failure.js"
import { makeHolder } from "./internal/file/holder.js"
import { Paths } from "./internal/file/paths.js"
import { find } from "./internal/file/sessions.js"
import { entries } from "./internal/file/walk.js"
import type { Overrides, Primitives, Service } from "./SessionStore.js"
import { make as makeStore, SessionStore } from "./SessionStore.js"

/**
 * The settings of the filesystem store.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Where the sessions lie. It is made when it is missing, and given mode 0700; nothing else should lie in it. One that
   * every user of the host can write to is refused.
   */
  readonly directory: string
  /**
   * Whether a write waits until its file is on the disk (default `true`). Without it, what was written in the seconds
   * before a power failure can be lost or damaged; the end of the process harms nothing either way. With it a file is
   * never damaged, but the directory is not waited for: a power failure may bring back the state some seconds old.
   */
  readonly fsync?: boolean | undefined
  /** How long a session that ended is kept, without its payload (default 0). */
  readonly keepEnded?: Duration.DurationInput | undefined
}

/**
 * Opens the store in a scope; when it closes, the file that names this process in its locks is deleted.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<Service, SessionStoreError, FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  Effect.map(Effect.acquireRelease(named("open")(open(options)), close), (disk) =>
    makeStore(primitivesOf(disk), { keepEnded: options.keepEnded })
  )

/**
 * Provides a `SessionStore` that keeps one file per session in `directory`.
 *
 * Shape on disk: `<directory>/<2 characters>/sess_<id>`, UTF-8, mode 0600 in directories of mode 0700. The token never
 * appears in a file. A write goes to a temporary file that is renamed, so a reader sees the old record or the new one,
 * also when the process is killed. Last activity and expiry are read from the file's content, not from its times, so
 * that a directory that was copied or restored revives nothing. Writers of several processes exclude each other by lock
 * files; a process waits at most two seconds for another one, then fails with `timeout`. Reading takes no lock.
 *
 * A file that is damaged or none of the store's fails `find` with `corrupt` and stays for inspection; listings skip it
 * with a warning, and `remove` deletes it. A file that the system does not let the store read (EIO, EACCES) makes its own
 * session unavailable; a collection skips it with a warning. A listing gives all others, then fails, since no figure may
 * be taken from a part; `removeWhere` and `revokeUser` end all others, then fail.
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
  Layer.scoped(SessionStore, make(options))

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
      keepEndedMillis: Duration.toMillis(options.keepEnded ?? 0),
      narrowed: false,
      holder: makeHolder()
    }
    return { ...disk, ...(yield* probe(disk)) }
  })

const close = (disk: Disk): Effect.Effect<void> => discard(disk.paths.holder(disk.holder.nonce))

const primitivesOf = (disk: Disk): Primitives & Overrides => {
  const glances: Glances = new Map()
  const primitives: Primitives = {
    find: (id) => Effect.map(named("find")(find(disk, id)), Option.fromNullable),
    insert: (record) => named("insert")(Changes.insert(disk, record)),
    update: (record, expectedVersion) =>
      named("update")(Changes.update(disk, record, expectedVersion)),
    move: (fromId, record, expectedVersion) =>
      named("move")(Changes.move(disk, fromId, record, expectedVersion)),
    remove: (id) => Effect.map(named("remove")(remove(disk, id)), Option.fromNullable),
    entries: (filter) =>
      Stream.mapError(entries(disk, filter), (cause) => toStoreError("entries", cause))
  }
  const removeAll = removeWhere(disk)
  return {
    ...primitives,
    touch: (id, version, lastActivityMillis, expiresAtMillis) =>
      named("touch")(Changes.touch(disk, id, version, lastActivityMillis, expiresAtMillis)),
    collect: (limit) => named("collect")(collect(disk, glances, limit)),
    removeWhere: removeAll,
    revokeUser: revokeUser(primitives, removeAll)
  }
}
