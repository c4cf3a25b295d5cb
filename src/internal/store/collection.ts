/** How sessions that are over are collected: in batches with pauses, by a fiber of its own or after a request. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import type { SessionStoreError } from "../errors/errors.js"
import { publish } from "../events/hub.js"
import type { Service } from "./contract.js"

/** Forks a collection as often as the lottery says. */
export const maybeCollect = (
  lottery: readonly [number, number] | undefined,
  store: Service
): Effect.Effect<void> =>
  lottery === undefined
    ? Effect.void
    : Effect.flatMap(Random.next, (drawn) =>
        // The end of a request cannot be interrupted. The collection can, so that the timeouts of the store work.
        drawn * lottery[1] < lottery[0]
          ? Effect.asVoid(Effect.forkDaemon(Effect.interruptible(collectAlone(store))))
          : Effect.void
      )

const collecting = new WeakSet<Service>()

const collectAlone = (store: Service): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (collecting.has(store)) return Effect.void
    collecting.add(store)
    return Effect.ensuring(
      surviving(collectAll(store, defaultBatch)),
      Effect.sync(() => collecting.delete(store))
    )
  })

/** How many sessions one call of the store collects by default. */
export const defaultBatch = 1000

/** Logs the failure of a collection. If the fiber is interrupted it still stops. */
export const surviving = <A>(run: Effect.Effect<A, SessionStoreError>): Effect.Effect<void> =>
  Effect.catchAllCause(Effect.asVoid(run), (cause) =>
    Effect.logWarning("The collection of sessions failed", cause)
  )

/** Collects batch by batch until nothing is left, and gives how many sessions it collected. */
export const collectAll = (
  store: Service,
  batchSize: number
): Effect.Effect<number, SessionStoreError> =>
  Effect.suspend(() => {
    let count = 0
    return Effect.gen(function* () {
      while (true) {
        const batch = yield* store.collect(batchSize)
        count += batch
        if (batch < batchSize) return count
        yield* Effect.sleep("50 millis")
      }
    }).pipe(
      Metric.trackDuration(duration),
      // What was collected before a failure counts too.
      Effect.ensuring(Effect.suspend(() => report(count)))
    )
  })

const report = (count: number): Effect.Effect<void> =>
  count === 0
    ? Effect.void
    : Effect.flatMap(Clock.currentTimeMillis, (atMillis) =>
        Effect.zipRight(
          Metric.incrementBy(collected, count),
          publish({ _tag: "Expired", count, atMillis })
        )
      )

const collected = Metric.counter("effect_session_collected", {
  description: "Sessions collected",
  incremental: true
})

const duration = Metric.timer("effect_session_collection_duration", "How long collections took")
