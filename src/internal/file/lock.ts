/**
 * The lock of a session between processes: a name in its shard that is a hard link of the holder's file.
 *
 * A lock whose holder is gone is not deleted but succeeded: whoever first makes the name `<lock>.<inode of the lock>` is
 * its one successor, and only a successor may delete the lock it succeeds. So no taker ever deletes the lock of a live
 * one. A holder that is alive, or that this process cannot judge, is succeeded only when this process has seen it hold
 * the same lock, and take or release no other, for three seconds of its own monotonic clock: it was stopped. Such a
 * holder finds out before it writes (`assertHeld`), since it asks whenever more than half that time has passed.
 */
import * as Effect from "effect/Effect"
import { pause } from "../effect/pause.js"
import type { Disk } from "./disk.js"
import { attempt, discard, look, lookExactly, makeShard, writeNew } from "./disk.js"
import type { Failure } from "./failure.js"
import { isNotFound, isTaken, Problem } from "./failure.js"
import type { Holder } from "./holder.js"
import { isDead, readHolder } from "./holder.js"

/** A lock that is held: its names, the first lock and those of its successors, the last of which is our own. */
export interface Held {
  readonly id: string
  readonly names: ReadonlyArray<string>
  /** What was found at each name, in the same order. */
  readonly inodes: ReadonlyArray<bigint>
  readonly sinceMillis: number
}

/** How long a lock is waited for, how long a holder must have stood still to be succeeded, and when it must ask. */
const waitMillis = 2000
const stoppedMillis = 3000
const askMillis = 1500
const longestChain = 8
const mostSightings = 10_000

/** Runs `body` with the lock of `id`, given what to call right before it changes anything. */
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

/** Writes the file that all locks of this store are links of. */
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
    const again = (held: Held | undefined, pauseMillis: number): Effect.Effect<Held, Failure> => {
      if (held !== undefined) return Effect.succeed(held)
      if (performance.now() >= untilMillis) {
        return Effect.fail(
          new Problem("timeout", `Another process keeps the session ${id} locked.`)
        )
      }
      return spread(pauseMillis).pipe(
        Effect.zipRight(tryAcquire(disk, id)),
        Effect.flatMap((next) => again(next, Math.min(pauseMillis * 2, 16)))
      )
    }
    return Effect.flatMap(tryAcquire(disk, id), (held) => again(held, 1))
  })

/** Keeps the processes that contend from asking all at once. */
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
        return inodes.length === 0 ? Effect.succeed(held) : confirm(held)
      }
      return Effect.flatMap(
        attempt(() => succeedable(disk, name)),
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

/** Takes from a holder that was succeeded what it was about to rename, before the state it was to replace is read. */
const disarm = (disk: Disk, id: string, holder: Holder | undefined): Effect.Effect<void> =>
  holder === undefined || holder.nonce === disk.holder.nonce
    ? Effect.void
    : discard(disk.paths.temporary(id, holder.nonce))

/** Makes the link; false when the name is taken. What is missing for it, the shard or our own file, is made first. */
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

/** A successor is one only if all it succeeded is still there: its predecessors' successor may just have been done. */
const confirm = (held: Held): Effect.Effect<Held | undefined, Failure> =>
  Effect.flatMap(
    attempt(() => isUnchanged(held)),
    (unchanged) => {
      if (unchanged) {
        for (const name of held.names) sightings.delete(name)
        return Effect.succeed(held)
      }
      return Effect.as(discard(held.names[held.names.length - 1] ?? ""), undefined)
    }
  )

const isUnchanged = ({ names, inodes }: Held): boolean =>
  inodes.every((inode, index) => lookExactly(names[index] ?? "")?.ino === inode)

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

/** What is known of a lock whose holder may be succeeded; `undefined` when it may not, or is gone. */
const succeedable = (disk: Disk, name: string): Stale | undefined => {
  const found = lookExactly(name)
  if (found === undefined) {
    sightings.delete(name)
    return undefined
  }
  const holder = readHolder(name)
  const stale = { inode: found.ino, holder }
  // Our own: a release that failed. Nobody in this process has it, since the turn for this id is ours.
  if (holder?.nonce === disk.holder.nonce) return stale
  if (holder !== undefined && isDead(holder, disk.holder)) return stale
  return hasStoodStill(name, found.ino, found.ctimeNs) ? stale : undefined
}

// The change time of a holder's file is that of the last lock it took or released, so a busy holder never stands still.
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
  lookExactly(disk.paths.holder(disk.holder.nonce))?.ino

/** Fails when the lock may have been succeeded. Costs a comparison of two numbers unless it was held for long. */
const assertHeld = (disk: Disk, held: Held): Effect.Effect<void, Failure> =>
  Effect.suspend(() => {
    if (!isOverdue(held)) return Effect.void
    return Effect.flatMap(
      attempt(() => isStillOurs(disk, held)),
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
    look(`${disk.paths.lock(held.id)}.${inode}`) === undefined
  )
}

/** Deletes the names, the first lock first. A holder that stood still asks by becoming its own successor. */
const release = (disk: Disk, held: Held): Effect.Effect<void> => {
  const unlinkAll = Effect.forEach(held.names, discard, { discard: true })
  return Effect.suspend(() => {
    const inode = isOverdue(held) ? attemptSync(() => ownInode(disk)) : undefined
    if (inode === undefined) return unlinkAll
    const own = `${disk.paths.lock(held.id)}.${inode}`
    if (held.names.includes(own)) return unlinkAll
    return Effect.matchEffect(makeLink(disk, held.id, own), {
      // Whoever succeeded this lock deletes it.
      onFailure: () => Effect.void,
      onSuccess: (made) => (made ? Effect.zipRight(unlinkAll, discard(own)) : Effect.void)
    })
  })
}

const attemptSync = <A>(step: () => A): A | undefined => {
  try {
    return step()
  } catch {
    return undefined
  }
}
