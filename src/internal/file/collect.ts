/**
 * Collecting: sessions that are over, tokens whose grace is over, and what killed processes left behind.
 *
 * A file that has not changed since this process last read it, and was not due then, is not read again before it is due.
 */
import * as Effect from "effect/Effect"
import type { SessionRecord } from "../../core/record/record.js"
import { isOver } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import { dropPending, rewrite } from "./changes.js"
import type { Disk } from "./disk.js"
import { attempt, discard, look, lookExactly, readStored } from "./disk.js"
import { end, isDue } from "./end.js"
import { currentMillis, exclusively, settle } from "./exclusive.js"
import type { Failure } from "./failure.js"
import { isTimeout } from "./failure.js"
import { isDead, readHolder } from "./holder.js"
import type { Name } from "./paths.js"
import { parseName } from "./paths.js"
import { follow, readRetired } from "./sessions.js"
import { Skipped } from "./skipped.js"
import { namesIn, shardsOf, skipDamaged } from "./walk.js"

type Step<A> = Effect.Effect<A, Failure>

/** When a file is to be looked at again, as long as it is the same file. */
interface Glance {
  readonly inode: bigint
  readonly changedNanos: bigint
  readonly dueMillis: number
}

/** What one store remembers between its collections: by shard, then by the name of the file. */
export type Glances = Map<string, Map<string, Glance>>

/** How old a file must be to be taken for a leftover, and how long a good pointer is not read again. */
const leftoverMillis = 60 * 60 * 1000
const pointerMillis = 24 * leftoverMillis
const filesAtOnce = 8

/**
 * Collects at most `limit` sessions, shard by shard; what was left behind goes on the way. A file that cannot be read or
 * changed is passed over, with one warning a run; what concerns the whole store ends the run.
 */
export const collect = (disk: Disk, glances: Glances, limit: number): Step<number> =>
  Effect.suspend(() => {
    const skipped = new Skipped()
    return Effect.ensuring(collectShards(disk, glances, skipped, limit), skipped.warn)
  })

const collectShards = (
  disk: Disk,
  glances: Glances,
  skipped: Skipped,
  limit: number
): Step<number> =>
  Effect.gen(function* () {
    let collected = 0
    for (const shard of yield* shardsOf(disk)) {
      if (collected >= limit) return collected
      const names = yield* skipped.passing(namesIn(disk, shard))
      if (names === undefined) continue
      const files = names.flatMap((text) => {
        const name = parseName(text)
        return name === undefined
          ? []
          : [{ ...name, path: `${disk.paths.directory}/${shard}/${text}` }]
      })
      const seen: Seen = { before: glances.get(shard), now: new Map(), skipped }
      collected += yield* collectSessions(disk, seen, files, limit - collected)
      yield* each(files, (file) => skipped.passing(tidy(disk, seen, file)))
      glances.set(shard, seen.now)
    }
    yield* tidyHolders(disk)
    return collected
  })

type File = Name & { readonly path: string }

interface Seen {
  readonly before: Map<string, Glance> | undefined
  readonly now: Map<string, Glance>
  readonly skipped: Skipped
}

const each = <A, B>(items: ReadonlyArray<A>, step: (item: A) => Step<B>): Step<Array<B>> =>
  Effect.forEach(items, step, { concurrency: filesAtOnce })

const collectSessions = (
  disk: Disk,
  seen: Seen,
  files: ReadonlyArray<File>,
  limit: number
): Step<number> =>
  Effect.gen(function* () {
    const nowMillis = yield* currentMillis
    const sessions = files.flatMap((file) => (file.kind === "session" ? [file] : []))
    const due = yield* each(sessions, ({ id, path }) =>
      seen.skipped.passing(unlessSeen(seen, path, nowMillis, examine(disk, id, path, nowMillis)))
    )
    const over = due.filter((id) => id !== undefined)
    let collected = 0
    // What cannot be ended takes nobody's place: fewer than `limit` means that nothing is left that can.
    while (over.length > 0 && collected < limit) {
      const next = over.splice(0, limit - collected)
      const ended = yield* each(next, (id) => seen.skipped.passing(endOver(disk, id)))
      collected += ended.filter((done) => done === true).length
    }
    return collected
  })

/** Runs `examined` unless this very file was examined before and has time yet; it tells until when the next one has. */
const unlessSeen = <A>(
  seen: Seen,
  path: string,
  nowMillis: number,
  examined: Step<{ readonly found?: A; readonly dueMillis?: number }>
): Step<A | undefined> =>
  Effect.flatMap(
    attempt(() => lookExactly(path)),
    (file) => {
      if (file === undefined) return Effect.succeed(undefined)
      const glance = seen.before?.get(path)
      const isSame = glance?.inode === file.ino && glance.changedNanos === file.ctimeNs
      if (isSame && glance.dueMillis > nowMillis) {
        seen.now.set(path, glance)
        return Effect.succeed(undefined)
      }
      return Effect.map(examined, ({ found, dueMillis }) => {
        if (dueMillis !== undefined) {
          seen.now.set(path, { inode: file.ino, changedNanos: file.ctimeNs, dueMillis })
        }
        return found
      })
    }
  )

/** The id of a session that is to be collected. Stubs and sealed tokens are dealt with at once. */
const examine = (
  disk: Disk,
  id: string,
  path: string,
  nowMillis: number
): Step<{ readonly found?: string; readonly dueMillis?: number }> =>
  Effect.gen(function* () {
    const stored = yield* readStored(disk, path, id)
    if (stored === undefined) return {}
    if (stored.kind === "moved") return yield* Effect.as(finishStub(disk, id, stored.to), {})
    const { record } = stored
    if (isReadyToEnd(disk, record, nowMillis)) return { found: id }
    if (hasStaleToken(record, nowMillis)) return yield* Effect.as(eraseToken(disk, id), {})
    return { dueMillis: dueMillisOf(disk, record) }
  })

const isReadyToEnd = (disk: Disk, record: SessionRecord, nowMillis: number): boolean =>
  record.endedAtMillis === null ? isOver(record, nowMillis) : isDue(disk, record, nowMillis)

const hasStaleToken = ({ previous }: SessionRecord, nowMillis: number): boolean =>
  previous !== null && previous.sealedToken !== null && previous.untilMillis <= nowMillis

const dueMillisOf = (disk: Disk, record: SessionRecord): number => {
  if (record.endedAtMillis !== null) return record.endedAtMillis + disk.keepEndedMillis
  const sealedUntil = record.previous?.sealedToken ? record.previous.untilMillis : Infinity
  return Math.min(record.expiresAtMillis, sealedUntil)
}

// Asked again under the lock: a session that was touched meanwhile stays.
const endOver = (disk: Disk, id: string): Step<boolean> =>
  Effect.map(
    end(disk, id, (record, nowMillis) => isReadyToEnd(disk, record, nowMillis)),
    (ended) => ended !== "gone"
  ).pipe(unlessLocked(false))

/** What somebody has locked for long is left to the next collection. */
const unlessLocked =
  <B>(otherwise: B) =>
  <A>(step: Step<A>): Step<A | B> =>
    Effect.catchIf(step, isTimeout, () => Effect.succeed(otherwise))

const eraseToken = (disk: Disk, id: string): Step<boolean> =>
  rewrite(disk, id, (record, nowMillis) =>
    record.previous !== null && hasStaleToken(record, nowMillis)
      ? { ...record, previous: { ...record.previous, sealedToken: null } }
      : undefined
  )

/** Finishes a move that a process was killed in. */
const finishStub = (disk: Disk, fromId: string, to: string): Step<void> =>
  isId(to)
    ? exclusively(disk, [fromId, to], Effect.void, () =>
        Effect.gen(function* () {
          const stored = yield* readStored(disk, disk.paths.session(fromId), fromId)
          if (stored?.kind !== "moved") return
          yield* settle(disk, to)
          const record = yield* follow(disk, fromId, stored)
          const stub = disk.paths.session(fromId)
          if (record === undefined) yield* discard(stub)
          else yield* disk.fs.rename(stub, disk.paths.previous(fromId))
        })
      )
    : discard(disk.paths.session(fromId))

/** Deletes what is left over of writes, moves and locks that ended long ago. */
const tidy = (disk: Disk, seen: Seen, file: File): Step<void> => {
  if (file.kind === "session") return Effect.void
  if (file.kind === "lock") return tidyLock(disk, file.id, file.path)
  return Effect.flatMap(isOld(disk, file), (old) => {
    if (!old) return Effect.void
    if (file.kind === "temporary") return discard(file.path)
    if (file.kind === "previous") return tidyPointer(disk, seen, file.id, file.path)
    return exclusively(disk, [file.id], Effect.void, () => dropPending(disk, file.id)).pipe(
      unlessLocked(undefined)
    )
  })
}

// A file of a store that is open goes by the system's clock alone: a test's clock may be years ahead of it.
const isOld = (disk: Disk, file: File): Step<boolean> =>
  Effect.flatMap(currentMillis, (clockMillis) =>
    attempt(() => {
      const found = look(file.path)
      if (found === undefined) return false
      const isOwn = file.kind === "temporary" && file.nonce === disk.holder.nonce
      const nowMillis = isOwn ? Date.now() : Math.max(Date.now(), clockMillis)
      return nowMillis - found.mtimeMs > leftoverMillis
    })
  )

/** Deletes a pointer whose session is gone or knows nothing of it. */
const tidyPointer = (disk: Disk, seen: Seen, id: string, path: string): Step<void> => {
  const examined = Effect.map(currentMillis, (nowMillis) => nowMillis + pointerMillis).pipe(
    Effect.zipWith(skipDamaged(id, readRetired(disk, id)), (dueMillis, record) =>
      record === undefined ? { found: true } : { dueMillis }
    )
  )
  return Effect.flatMap(currentMillis, (nowMillis) =>
    Effect.flatMap(unlessSeen<boolean>(seen, path, nowMillis, examined), (stale) =>
      stale === true ? discard(path) : Effect.void
    )
  )
}

/** Deletes the lock of a process that ended, by succeeding to it, and the name of a successor that was left behind. */
const tidyLock = (disk: Disk, id: string, path: string): Step<void> => {
  const root = disk.paths.lock(id)
  return Effect.flatMap(
    attempt(() => ({ hasRoot: look(root) !== undefined, holder: readHolder(root) })),
    ({ hasRoot, holder }) => {
      if (!hasRoot) return path === root ? Effect.void : discard(path)
      if (holder === undefined || !isDead(holder, disk.holder)) return Effect.void
      return Effect.ignore(exclusively(disk, [id], Effect.void, () => Effect.void))
    }
  )
}

/** Deletes the holder files of processes that ended. */
const tidyHolders = (disk: Disk): Step<void> =>
  Effect.flatMap(disk.fs.readDirectory(disk.paths.directory), (names) =>
    Effect.forEach(
      names.filter((name) => name.startsWith("holder_")),
      (name) => {
        const path = `${disk.paths.directory}/${name}`
        const holder = readHolder(path)
        return holder !== undefined && isDead(holder, disk.holder) ? discard(path) : Effect.void
      },
      { discard: true }
    )
  )
