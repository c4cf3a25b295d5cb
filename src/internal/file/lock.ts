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
import {
  type Disk,
  discard,
  lstatExactlyNow,
  lstatNow,
  makeShard,
  trySync,
  writeNew
} from "./disk.js"
import { type Failure, isNotFound, isTaken, Problem } from "./failure.js"
import { type Holder, isDead, readHolder } from "./holder.js"

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
export const writeHolder = (disk: Disk): Effect.Effect<void, Failure> =>
  Effect.catchIf(
    writeNew(
      { ...disk, fsync: false },
      disk.paths.holder(disk.holder.nonce),
      Buffer.from(JSON.stringify(disk.holder))
    ),
    isTaken,
    () => Effect.void
  )

const acquire = (disk: Disk, id: string): Effect.Effect<Held, Failure> =>
  Effect.gen(function* () {
    const untilMillis = performance.now() + waitMillis
    for (let pauseMillis = 1; ; pauseMillis = Math.min(pauseMillis * 2, 16)) {
      const held = yield* tryAcquire(disk, id)
      if (held !== undefined) return held
      if (performance.now() >= untilMillis) {
        const message = `Another process keeps the session ${id} locked.`
        return yield* Effect.fail(new Problem("timeout", message))
      }
      // For a random time, so that waiting processes do not try all at once.
      const millis = pauseMillis * (0.5 + Math.random())
      yield* pause(() => millis)
    }
  })

const tryAcquire = (disk: Disk, id: string): Effect.Effect<Held | undefined, Failure> =>
  Effect.gen(function* () {
    const sinceMillis = performance.now()
    const root = disk.paths.lock(id)
    let own = root
    const names = [own]
    const stale: Array<Stale> = []
    while (!(yield* makeLink(disk, id, own))) {
      const name = own
      const lock = yield* trySync(() => staleLock(disk, name))
      if (lock === undefined || names.length >= longestChain) return undefined
      own = `${root}.${lock.inode}`
      if (names.includes(own)) return undefined
      names.push(own)
      stale.push(lock)
    }
    const held = { id, names, inodes: stale.map(({ inode }) => inode), sinceMillis }
    if (stale.length === 0) return held
    // If one that it succeeds is gone, an earlier successor has released that one meanwhile.
    if (!(yield* trySync(() => isUnchanged(held)))) return yield* Effect.as(discard(own), undefined)
    for (const name of names) sightings.delete(name)
    yield* Effect.forEach(stale, ({ holder }) => disarm(disk, id, holder))
    return held
  })

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
  Effect.suspend(() =>
    isOverdue(held)
      ? Effect.filterOrFail(
          trySync(() => isStillOurs(disk, held)),
          (ours) => ours,
          () => new Problem("timeout", "The lock was lost while this process stood still.")
        )
      : Effect.void
  )

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
  const releaseLate = Effect.gen(function* () {
    const inode = yield* Effect.orElseSucceed(
      trySync(() => ownInode(disk)),
      () => undefined
    )
    const own = `${disk.paths.lock(held.id)}.${inode}`
    if (inode === undefined || held.names.includes(own)) return yield* unlinkAll
    if (yield* makeLink(disk, held.id, own)) yield* Effect.zipRight(unlinkAll, discard(own))
  })
  // Where it has a successor, that one deletes it.
  return Effect.suspend(() => (isOverdue(held) ? Effect.ignore(releaseLate) : unlinkAll))
}
