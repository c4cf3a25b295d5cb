/**
 * Garbage collection: a fiber that removes sessions that are over, in small batches, for as long as its scope lives.
 *
 * Expiry does not depend on it: a session that is over is never read, collected or not.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as SessionEvents from "./SessionEvents.js"
import { type Service, SessionStore, type SessionStoreError } from "./SessionStore.js"

const collected = Metric.counter("effect_session_collected", {
  description: "Sessions collected",
  incremental: true
})

const duration = Metric.timer("effect_session_collection_duration", "How long collections took")

const defaultBatch = 1000

/**
 * Collects everything that is over, now; succeeds with the number of sessions collected. Works in batches of 1000 with
 * 50 ms between them.
 *
 * @since 0.1.0
 * @category accessors
 */
export const collect: Effect.Effect<number, SessionStoreError, SessionStore> = Effect.flatMap(
  SessionStore,
  (store) => collectAll(store, defaultBatch)
)

/**
 * Provides the collecting fiber: first within ten seconds after the start, then every `interval` (default 5 minutes),
 * both jittered, in batches of `batchSize` (default 1000). A failing store is logged as a warning and tried again at
 * the next run. Safe on any number of servers at once; stops with its scope.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: {
    readonly interval?: Duration.DurationInput | undefined
    readonly batchSize?: number | undefined
  } = {}
): Layer.Layer<never, never, SessionStore> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const store = yield* SessionStore
      const interval = Duration.decode(options.interval ?? "5 minutes")
      const first = yield* Random.nextRange(1000, 10_000)
      const run = Effect.catchAllCause(
        collectAll(store, Math.max(1, options.batchSize ?? defaultBatch)),
        (cause) =>
          Cause.isInterruptedOnly(cause)
            ? Effect.failCause(cause as Cause.Cause<never>)
            : Effect.as(Effect.logWarning("The collection of sessions failed", cause), 0)
      )
      yield* run.pipe(
        Effect.repeat(Schedule.jitteredWith(Schedule.spaced(interval), { min: 0.9, max: 1.1 })),
        Effect.delay(Math.min(first, Duration.toMillis(interval))),
        Effect.interruptible,
        Effect.forkScoped
      )
    })
  )

/** Forks a collection with the probability `a / b`; one at a time per store. */
export const maybeCollect = (
  lottery: readonly [number, number] | undefined,
  store: Service
): Effect.Effect<void> =>
  lottery === undefined
    ? Effect.void
    : Effect.flatMap(Random.next, (drawn) => {
        if (drawn * lottery[1] >= lottery[0] || collecting.has(store)) return Effect.void
        collecting.add(store)
        const run = Effect.catchAllCause(collectAll(store, defaultBatch), (cause) =>
          Effect.logWarning("The collection of sessions failed", cause)
        )
        const end = Effect.sync(() => collecting.delete(store))
        return Effect.asVoid(Effect.forkDaemon(Effect.ensuring(run, end)))
      })

const collecting = new WeakSet<Service>()

const collectAll = (store: Service, batchSize: number): Effect.Effect<number, SessionStoreError> =>
  Effect.gen(function* () {
    let count = 0
    while (true) {
      const batch = yield* store.collect(batchSize)
      count += batch
      if (batch < batchSize) break
      yield* Effect.sleep("50 millis")
    }
    yield* Metric.incrementBy(collected, count)
    if (count > 0) {
      const atMillis = yield* Clock.currentTimeMillis
      yield* SessionEvents.publish({ _tag: "Expired", count, atMillis })
    }
    return count
  }).pipe(Metric.trackDuration(duration))
