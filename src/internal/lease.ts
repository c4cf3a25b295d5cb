/**
 * A lease, kept in the store, so that what it is for does not run twice at once over all processes: a route for one session,
 * a login of one user.
 *
 * A lease is a record of the library's own namespace, which no listing shows. Whoever may run writes itself into it by
 * compare-and-swap; a lease that was not given back, because its process was killed, lapses. The record is written
 * again and again instead of being removed, since a store that keeps ended records would block its id.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { SessionRecord } from "../core/record.js"
import { derivedId } from "../core/token.js"
import type { Service } from "../SessionStore.js"
import { SessionStoreError } from "./errors.js"
import { guarded } from "./guarded.js"
import { ownRecord } from "./ownRecord.js"
import { pause } from "./pause.js"
import { namespaceOfMarks } from "./revocations.js"

/** How long to wait for a lease and how long to hold one, in milliseconds. */
export interface LeaseOptions {
  readonly waitMillis: number
  readonly holdMillis: number
}

/** A lease that is held. */
export interface Lease {
  /** Gives it back; where the store fails it lapses. */
  readonly release: Effect.Effect<void>
}

const dayMillis = 24 * 60 * 60 * 1000
const mostGenerations = 16

/** Takes the lease of a key, a session's id for one; none when another request holds it all the time. */
export const acquire = (
  store: Service,
  key: string,
  options: LeaseOptions
): Effect.Effect<Option.Option<Lease>, SessionStoreError> => {
  const began = performance.now()
  const attempt: Effect.Effect<Option.Option<Lease>, SessionStoreError> = Effect.flatMap(
    guarded(store, "serialize", tryOnce(store, key, options.holdMillis, 0)),
    (lease) =>
      Option.isSome(lease) || performance.now() - began >= options.waitMillis
        ? Effect.succeed(lease)
        : Effect.zipRight(spread, attempt)
  )
  return attempt
}

/** Keeps those who contend from asking all at once. */
const spread = pause(() => 10 + Math.random() * 30)

/**
 * Writes a lease that is free or lapsed. An expired or ended record that still stands in the way never comes back, so
 * everybody goes on to the next generation.
 */
const tryOnce = (
  store: Service,
  key: string,
  holdMillis: number,
  generation: number
): Effect.Effect<Option.Option<Lease>, SessionStoreError> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const id = derivedId("lease", key, String(generation))
    const found = yield* store.find(id)
    if (Option.isSome(found)) {
      const { payload, version } = found.value
      if (Number(payload) > now) return Option.none()
      const held = leaseRecord(id, version + 1, now, now + holdMillis)
      return (yield* store.update(held, version))
        ? Option.some(leaseOf(store, held))
        : Option.none()
    }
    const held = leaseRecord(id, 1, now, now + holdMillis)
    if (yield* store.insert(held)) return Option.some(leaseOf(store, held))
    // Somebody was faster, or a dead record blocks the id.
    if (Option.isSome(yield* store.find(id))) return Option.none()
    if (generation < mostGenerations) {
      return yield* tryOnce(store, key, holdMillis, generation + 1)
    }
    return yield* new SessionStoreError({ operation: "serialize", reason: "unknown" })
  })

/** The payload is the instant until which the lease is held; 0 is free. */
const leaseRecord = (
  id: string,
  version: number,
  nowMillis: number,
  untilMillis: number
): SessionRecord =>
  ownRecord({
    id,
    namespace: namespaceOfMarks,
    nowMillis,
    expiresAtMillis: Math.max(nowMillis, untilMillis) + dayMillis,
    version,
    payload: String(untilMillis)
  })

const leaseOf = (store: Service, held: SessionRecord): Lease => {
  const free = { ...held, version: held.version + 1, payload: "0" }
  return {
    // One that lapsed and was taken by somebody else has another version by now.
    release: Effect.ignoreLogged(guarded(store, "serialize", store.update(free, held.version)))
  }
}

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
