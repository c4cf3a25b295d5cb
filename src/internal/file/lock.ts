/**
 * The lock of a session between processes: a name in its shard that is a hard link of the holder's file.
 *
 * A lock whose holder is dead is not deleted, but succeeded. The process that first makes the name
 * `<lock>.<inode of the lock>` is the one successor, and only a successor may delete the lock that it succeeds. So no
 * process ever deletes the lock of a live holder.
 *
 * A holder that is alive, or of which this process cannot tell, may be stopped. It is succeeded when this process has seen
 * it keep the same lock for three seconds of its own monotonic clock, and take or release no other. If such a holder
 * goes on, it asks whether it still has the lock (`assertHeld`) before it writes: it does so whenever it has held the lock
 * for more than half of that time.
 */
import * as Effect from "effect/Effect"
import { pause } from "../effect/pause.js"
import type { Disk } from "./disk.js"
import { discard, lstatExactlyNow, lstatNow, makeShard, trySync, writeNew } from "./disk.js"
import type { Failure } from "./failure.js"
import { isNotFound, isTaken, Problem } from "./failure.js"
import type { Holder } from "./holder.js"
import { isDead, readHolder } from "./holder.js"

/** A lock that this store holds. Its names are the first lock and the successors; the last one is our own. */
export interface Held {
  readonly id: string
  readonly names: ReadonlyArray<string>
  /** What was found at each name, in the same order. */
  readonly inodes: ReadonlyArray<bigint>
  readonly sinceMillis: number
}

/** How long a store waits for a lock, when it succeeds a holder that stands still, and when a holder must ask. */
const waitMillis = 2000
const stoppedMillis = 3000
const askMillis = 1500
const longestChain = 8
const mostSightings = 10_000

/** Runs `body` with the lock of `id`. The body runs what it is given right before it changes anything. */
export const withLock = <A>(
  disk: Disk,
  id: string,
  body: (assertHeld: Effect.Effect<void, Failure>) => Effect.Effect<A, Failure>
): Effect.Effect<A, Failure> =>
  Effect.acquireUseRelease(
    acquire(disk, id),
    (held) => body(assertHeld(disk, held)),
    (held) => release(disk, held)
  )

/** Writes the file of which all locks of this store are links. */
export const writeHolder = (disk: Disk): Effect.Effect<void, Failure> => {
  const path = disk.paths.holder(disk.holder.nonce)
  const bytes = Buffer.from(JSON.stringify(disk.holder))
  return writeNew({ ...disk, fsync: false }, path, bytes).pipe(
    Effect.catchAll((failure) => (isTaken(failure) ? Effect.void : Effect.fail(failure)))
  )
}

const acquire = (disk: Disk, id: string): Effect.Effect<Held, Failure> =>
  Effect.suspend(() => {
    const untilMillis = performance.now() + waitMillis
    const wait = (held: Held | undefined, pauseMillis: number): Effect.Effect<Held, Failure> => {
      if (held !== undefined) return Effect.succeed(held)
      if (performance.now() >= untilMillis) {
        return Effect.fail(
          new Problem("timeout", `Another process keeps the session ${id} locked.`)
        )
      }
      return spread(pauseMillis).pipe(
        Effect.zipRight(tryAcquire(disk, id)),
        Effect.flatMap((next) => wait(next, Math.min(pauseMillis * 2, 16)))
      )
    }
    return Effect.flatMap(tryAcquire(disk, id), (held) => wait(held, 1))
  })

/** Pauses for a random time, so that waiting processes do not try all at once. */
const spread = (millis: number): Effect.Effect<void> => pause(() => millis * (0.5 + Math.random()))

const tryAcquire = (disk: Disk, id: string): Effect.Effect<Held | undefined, Failure> => {
  const root = disk.paths.lock(id)
  const sinceMillis = performance.now()
  const climb = (
    names: ReadonlyArray<string>,
    inodes: ReadonlyArray<bigint>
  ): Effect.Effect<Held | undefined, Failure> => {
    const name = names[names.length - 1] ?? root
    return Effect.flatMap(makeLink(disk, id, name), (made) => {
      if (made) {
        const held = { id, names, inodes, sinceMillis }
        return inodes.length === 0 ? Effect.succeed(held) : unlessOutdated(held)
      }
      return Effect.flatMap(
        trySync(() => staleLock(disk, name)),
        (stale) => {
          if (stale === undefined || names.length >= longestChain) return Effect.succeed(undefined)
          const successor = `${root}.${stale.inode}`
          if (names.includes(successor)) return Effect.succeed(undefined)
          return Effect.tap(climb([...names, successor], [...inodes, stale.inode]), (held) =>
            held === undefined ? Effect.void : disarm(disk, id, stale.holder)
          )
        }
      )
    })
  }
  return climb([root], [])
}

/** Deletes the file that a succeeded holder was about to rename, before the state that it would replace is read. */
const disarm = (disk: Disk, id: string, holder: Holder | undefined): Effect.Effect<void> =>
  holder === undefined || holder.nonce === disk.holder.nonce
    ? Effect.void
    : discard(disk.paths.temporary(id, holder.nonce))

/** Makes the link; false when the name is taken. Makes the shard and our own file first if they are missing. */
const makeLink = (disk: Disk, id: string, name: string): Effect.Effect<boolean, Failure> => {
  const link = disk.fs.link(disk.paths.holder(disk.holder.nonce), name)
  return link.pipe(
    Effect.catchIf(isNotFound, () =>
      writeHolder(disk).pipe(Effect.zipRight(makeShard(disk, id)), Effect.zipRight(link))
    ),
    Effect.as(true),
    Effect.catchIf(isTaken, () => Effect.succeed(false))
  )
}

/** Gives the lock up again if one that it succeeds is gone: an earlier successor has released that one meanwhile. */
const unlessOutdated = (held: Held): Effect.Effect<Held | undefined, Failure> =>
  Effect.flatMap(
    trySync(() => isUnchanged(held)),
    (unchanged) => {
      if (unchanged) {
        for (const name of held.names) sightings.delete(name)
        return Effect.succeed(held)
      }
      return Effect.as(discard(held.names[held.names.length - 1] ?? ""), undefined)
    }
  )

const isUnchanged = ({ names, inodes }: Held): boolean =>
  inodes.every((inode, index) => lstatExactlyNow(names[index] ?? "")?.ino === inode)

interface Stale {
  readonly inode: bigint
  readonly holder: Holder | undefined
}

interface Sighting {
  readonly inode: bigint
  readonly changedNanos: bigint
  readonly firstSeenMillis: number
}

const sightings = new Map<string, Sighting>()

/** Finds the lock and its holder if it may be succeeded; `undefined` when it may not, or is gone. */
const staleLock = (disk: Disk, name: string): Stale | undefined => {
  const found = lstatExactlyNow(name)
  if (found === undefined) {
    sightings.delete(name)
    return undefined
  }
  const holder = readHolder(name)
  const stale = { inode: found.ino, holder }
  // Our own, from a release that failed: no other fiber has it, because the turn for this id is ours.
  if (holder?.nonce === disk.holder.nonce) return stale
  if (holder !== undefined && isDead(holder, disk.holder)) return stale
  return hasStoodStill(name, found.ino, found.ctimeNs) ? stale : undefined
}

// Each lock that a holder takes or releases changes the time of its file, so a busy holder never seems to stand still.
const hasStoodStill = (name: string, inode: bigint, changedNanos: bigint): boolean => {
  const nowMillis = performance.now()
  const seen = sightings.get(name)
  if (seen?.inode === inode && seen.changedNanos === changedNanos) {
    return nowMillis - seen.firstSeenMillis >= stoppedMillis
  }
  if (sightings.size >= mostSightings) sightings.clear()
  sightings.set(name, { inode, changedNanos, firstSeenMillis: nowMillis })
  return false
}

const isOverdue = ({ sinceMillis }: Held): boolean => performance.now() - sinceMillis >= askMillis

const ownInode = (disk: Disk): bigint | undefined =>
  lstatExactlyNow(disk.paths.holder(disk.holder.nonce))?.ino

/** Fails when the lock was succeeded. It only looks at the file system if the lock has been held for long. */
const assertHeld = (disk: Disk, held: Held): Effect.Effect<void, Failure> =>
  Effect.suspend(() => {
    if (!isOverdue(held)) return Effect.void
    return Effect.flatMap(
      trySync(() => isStillOurs(disk, held)),
      (ours) =>
        ours
          ? Effect.void
          : Effect.fail(new Problem("timeout", "The lock was lost while this process stood still."))
    )
  })

const isStillOurs = (disk: Disk, held: Held): boolean => {
  const inode = ownInode(disk)
  return (
    inode !== undefined &&
    isUnchanged({ ...held, inodes: [...held.inodes, inode] }) &&
    lstatNow(`${disk.paths.lock(held.id)}.${inode}`) === undefined
  )
}

/** Deletes the names, the first lock first. A holder that stood still first tries to become its own successor. */
const release = (disk: Disk, held: Held): Effect.Effect<void> => {
  const unlinkAll = Effect.forEach(held.names, discard, { discard: true })
  return Effect.suspend(() => {
    const inode = isOverdue(held) ? tryOrNone(() => ownInode(disk)) : undefined
    if (inode === undefined) return unlinkAll
    const own = `${disk.paths.lock(held.id)}.${inode}`
    if (held.names.includes(own)) return unlinkAll
    return Effect.matchEffect(makeLink(disk, held.id, own), {
      // The successor deletes it.
      onFailure: () => Effect.void,
      onSuccess: (made) => (made ? Effect.zipRight(unlinkAll, discard(own)) : Effect.void)
    })
  })
}

const tryOrNone = <A>(step: () => A): A | undefined => {
  try {
    return step()
  } catch {
    return undefined
  }
}
