/**
 * A lease, kept in the store, so that what it is for does not run twice at once over all processes: a route for one session,
 * a login of one user.
 *
 * A lease is a record of the library's own namespace, which no listing shows. Whoever may run writes itself into it by
 * compare-and-swap; a lease that was not given back, because its process was killed, lapses. The record is written
 * again and again instead of being removed, since a store that keeps ended records would block its id.
 *
 * Each day has a record of its own, and a lease is written into those of all days until it ends, by a clock that is ahead
 * too. So two leases that overlap meet in a record, and a record that has expired is not asked for any more.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { SessionRecord } from "../../core/record/record.js"
import { derivedId, makeEntryId } from "../../core/record/token.js"
import { pause } from "../effect/pause.js"
import { SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import { ownRecord } from "../store/libraryRecord.js"
import { namespaceOfMarks } from "../store/revocations.js"
import { guarded } from "./deadline.js"

/** How long to wait for a lease and how long to hold one, in milliseconds; more than a week of holding counts as a week. */
export interface LeaseOptions {
  readonly waitMillis: number
  readonly holdMillis: number
}

/** A lease that is held. */
export interface Lease {
  /** Gives it back; where the store fails, that is tried again in the background for some seconds. */
  readonly release: Effect.Effect<void>
}

/** What `Effect.uninterruptibleMask` gives. */
type Restore = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

/**
 * Takes the lease of a key, a session's id for one; none when another request holds it all the time.
 *
 * Nothing cuts in between the lease and the caller. Where waiting for it may be interrupted, the caller says so by
 * `restore`; a lease that arrives after that, or after the deadline, is given back.
 */
export const acquire = (
  store: Service,
  key: string,
  options: LeaseOptions,
  restore: Restore = (effect) => effect
): Effect.Effect<Option.Option<Lease>, SessionStoreError> => {
  const began = performance.now()
  const once = Effect.suspend(() => {
    const claim = new Claim(store)
    const trying = Effect.ensuring(tryOnce(claim, key, options.holdMillis), claim.end)
    return Effect.tapErrorCause(restore(guarded(store, operation, trying)), () => claim.abandon)
  })
  const attempt: Effect.Effect<Option.Option<Lease>, SessionStoreError> = Effect.flatMap(
    once,
    (lease) =>
      Option.isSome(lease) || performance.now() - began >= options.waitMillis
        ? Effect.succeed(lease)
        : Effect.zipRight(restore(spread), attempt)
  )
  return Effect.uninterruptible(attempt)
}

const operation = "serialize"

/** Keeps those who contend from asking all at once. */
const spread = pause(() => 10 + Math.random() * 30)

const secondMillis = 1000
const hourMillis = 60 * 60 * secondMillis
const dayMillis = 24 * hourMillis

/** How far the clocks of two servers may be apart. */
const skewMillis = 60 * secondMillis

/** No request runs for so long, and each day of a lease is a record. */
const longestHoldMillis = 7 * dayMillis

/** Ids of one day: dead records in the way are left by a clock that was ahead, or by somebody who cleared the store. */
const mostGenerations = 16

/** Writes the lease into the record of each day, the earliest first, where all of them are free or lapsed. */
const tryOnce = (
  claim: Claim,
  key: string,
  holdMillis: number
): Effect.Effect<Option.Option<Lease>, SessionStoreError> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const until = now + Math.min(holdMillis, longestHoldMillis)
    const lastDay = dayOf(until + skewMillis)
    for (let day = dayOf(now); day <= lastDay; day++) {
      if (yield* take(claim, { key, day, now, until, generation: 0 })) continue
      yield* claim.giveBackLater
      return Option.none()
    }
    return Option.some(claim)
  })

const dayOf = (millis: number): number => Math.floor(millis / dayMillis)

/** A record that is to be taken. */
interface Place {
  readonly key: string
  readonly day: number
  readonly now: number
  readonly until: number
  readonly generation: number
}

/**
 * Writes a lease that is free or lapsed. A dead record that stands in the way never comes back, so everybody goes on to
 * the next generation of the day.
 */
const take = (claim: Claim, place: Place): Effect.Effect<boolean, SessionStoreError> =>
  Effect.gen(function* () {
    const id = derivedId("lease", place.key, String(place.day), String(place.generation))
    const found = Option.getOrUndefined(yield* claim.store.find(id))
    if (found !== undefined && untilOf(found) > place.now) return false
    // Nobody waits for it any more.
    if (claim.isAbandoned) return false
    const record = leaseRecord(id, claim.owner, place, found)
    const taken = yield* claim.take({ record, replaced: found?.version })
    if (taken !== "dead") return taken === "ours"
    if (place.generation < mostGenerations) {
      return yield* take(claim, { ...place, generation: place.generation + 1 })
    }
    return yield* new SessionStoreError({ operation, reason: "unknown" })
  })

/**
 * The payload is the instant until which the lease is held, and by whom. The record outlives its day by more than clocks may
 * differ: whoever still asks for it finds it.
 */
const leaseRecord = (
  id: string,
  owner: string,
  { day, now, until }: Place,
  replaced: SessionRecord | undefined
): SessionRecord =>
  ownRecord({
    id,
    namespace: namespaceOfMarks,
    nowMillis: now,
    expiresAtMillis: (day + 1) * dayMillis + hourMillis,
    version: (replaced?.version ?? 0) + 1,
    payload: `${until} ${owner}`
  })

const free = "0"

/** The instant until which the lease is held. */
const untilOf = ({ payload }: SessionRecord): number => Number(payload.split(" ", 1)[0])

const isOf = (owner: string, { payload }: SessionRecord): boolean =>
  payload.split(" ", 2)[1] === owner

/** A write of a record, as a new one or in place of the version that was found. */
interface Write {
  readonly record: SessionRecord
  readonly replaced: number | undefined
}

/**
 * One attempt at a lease, and the lease when it went well. It knows what it has written and what it may have written, so
 * that all of it is given back, and nothing else.
 */
class Claim implements Lease {
  readonly owner = makeEntryId()
  isAbandoned = false
  private hasEnded = false
  private readonly held = new Map<string, SessionRecord>()
  /** A write without an answer: it may have happened, or happen yet. */
  private doubtful: Write | undefined

  constructor(readonly store: Service) {}

  /** Writes a record. `dead`: what is in its place never comes back. */
  take(write: Write): Effect.Effect<"ours" | "theirs" | "dead", SessionStoreError> {
    return Effect.gen(this, function* () {
      this.doubtful = write
      const written = yield* Effect.either(this.write(write))
      if (Either.isRight(written) && written.right) return this.hold(write.record)
      // Ours all the same where the answer was lost, or the store has asked twice.
      const found = yield* this.find(write.record.id)
      if (found !== undefined && isOf(this.owner, found)) return this.hold(found)
      if (Either.isLeft(written)) return yield* Effect.fail(written.left)
      this.doubtful = undefined
      return found === undefined && write.replaced === undefined ? "dead" : "theirs"
    })
  }

  /** The attempt is over. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    this.hasEnded = true
    return this.isAbandoned ? this.giveBackLater : Effect.void
  })

  /** Nobody waits for the attempt any more: what it gets is given back once it is over. */
  readonly abandon: Effect.Effect<void> = Effect.suspend(() => {
    this.isAbandoned = true
    return this.hasEnded ? this.giveBackLater : Effect.void
  })

  get release(): Effect.Effect<void> {
    return Effect.catchAll(guarded(this.store, operation, this.giveBack), () => this.giveBackLater)
  }

  /** Gives back in a fiber of its own, and tries again where the store fails; in the end the lease lapses. */
  get giveBackLater(): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.held.size === 0 && this.doubtful === undefined
        ? Effect.void
        : Effect.asVoid(Effect.forkDaemon(Effect.ignoreLogged(persistently(this.giveBack))))
    )
  }

  private get giveBack(): Effect.Effect<void, SessionStoreError> {
    return Effect.gen(this, function* () {
      if (this.doubtful !== undefined) yield* this.settle(this.doubtful)
      for (const record of this.held.values()) yield* this.setFree(record)
    })
  }

  /** Writes a free record in place of a write without an answer, which cannot happen then any more. */
  private settle({ record, replaced }: Write): Effect.Effect<void, SessionStoreError> {
    return Effect.gen(this, function* () {
      if (!(yield* this.write({ record: { ...record, payload: free }, replaced }))) {
        const found = yield* this.find(record.id)
        // The version alone does not tell whose it is: somebody else may have been faster.
        if (found !== undefined && isOf(this.owner, found)) this.hold(found)
      }
      this.doubtful = undefined
    })
  }

  /** One that lapsed and was taken by somebody else has another version by now. */
  private setFree(record: SessionRecord): Effect.Effect<void, SessionStoreError> {
    const freed = { ...record, version: record.version + 1, payload: free }
    return Effect.map(this.write({ record: freed, replaced: record.version }), () => {
      this.held.delete(record.id)
    })
  }

  private hold(record: SessionRecord): "ours" {
    this.held.set(record.id, record)
    this.doubtful = undefined
    return "ours"
  }

  private write({ record, replaced }: Write): Effect.Effect<boolean, SessionStoreError> {
    return replaced === undefined ? this.store.insert(record) : this.store.update(record, replaced)
  }

  private find(id: string): Effect.Effect<SessionRecord | undefined, SessionStoreError> {
    return Effect.map(this.store.find(id), Option.getOrUndefined)
  }
}

/** Six times, with pauses that add up to three seconds. */
const persistently = <A, E>(effect: Effect.Effect<A, E>, pauseMillis = 100): Effect.Effect<A, E> =>
  pauseMillis > 1600
    ? effect
    : Effect.catchAll(effect, () =>
        Effect.zipRight(
          pause(() => pauseMillis),
          persistently(effect, pauseMillis * 2)
        )
      )

/** The lease that the end of the request in this fiber gives back: lost wherever that end is lost, by a deadline. */
const ahead = FiberRef.unsafeMake<Lease | undefined>(undefined)

/**
 * Sees to it that a lease is given back when the request is over, in case its end does not come to that: a deadline
 * outside the middleware answers for itself, and the commit point is lost with the fiber that knew it. What it gives is
 * given back once.
 */
export const heldByRequest = (lease: Lease): Effect.Effect<Lease> =>
  Effect.withFiberRuntime<Lease>((fiber) => {
    let left: Lease | undefined = lease
    const release = Effect.suspend(() => {
      const last = left
      left = undefined
      return last === undefined ? Effect.void : last.release
    })
    const held: Lease = { release }
    const lastly = Effect.withFiberRuntime((closing) => {
      // A scope of the app's own may close before the commit.
      if (left === undefined || closing.getFiberRef(ahead) === held) return Effect.void
      return fiber === closing || fiber.unsafePoll() !== null
        ? release
        : // A handler that was left behind still runs: nobody may run beside it.
          Effect.forkDaemon(Effect.zipRight(Fiber.await(fiber), release))
    })
    const scope = Context.getOption(fiber.currentContext, Scope.Scope)
    const marked = Effect.as(FiberRef.set(ahead, held), held)
    return Option.isNone(scope)
      ? marked
      : Effect.zipRight(Scope.addFinalizer(scope.value, lastly), marked)
  })
