/** Garbage collection: in batches with pauses, by a fiber of its own or forked off a request. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import type { SessionStoreError } from "../errors/errors.js"
import { publish } from "../events/hub.js"
import type { Service } from "./contract.js"

/** Draws a lot, and forks a collection off when the lottery is won. */
export const maybeCollect = (
  lottery: readonly [number, number] | undefined,
  store: Service
): Effect.Effect<void> =>
  lottery === undefined
    ? Effect.void
    : Effect.flatMap(Random.next, (drawn) =>
        // The middleware cannot be interrupted here. The collection can, so that the store's own timeouts work.
        drawn * lottery[1] < lottery[0]
          ? Effect.asVoid(Effect.forkDaemon(Effect.interruptible(collectAlone(store))))
          : Effect.void
      )

const collecting = new WeakSet<Service>()

/** Collects unless a collection of this store is running in this process. */
const collectAlone = (store: Service): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (collecting.has(store)) return Effect.void
    collecting.add(store)
    return Effect.ensuring(
      orWarn(collectAll(store, defaultBatch)),
      Effect.sync(() => collecting.delete(store))
    )
  })

/** How many sessions one call of the store collects by default. */
export const defaultBatch = 1000

/** Logs a failure or defect of the store and goes on. An interruption of the fiber itself still stops it. */
export const orWarn = <A>(run: Effect.Effect<A, SessionStoreError>): Effect.Effect<void> =>
  Effect.catchAllCause(Effect.asVoid(run), (cause) =>
    Effect.logWarning("The collection of sessions failed", cause)
  )

/** Collects batch by batch until nothing is left; succeeds with the number of sessions collected. */
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

/**
 * Adds up what the steps of a collection have collected. A step that failed is logged, since what others did counts; only
 * where nothing was collected, its failure is that of the whole.
 */
export const sumOf = <E>(
  steps: ReadonlyArray<Either.Either<number, E>>
): Effect.Effect<number, E> => {
  const count = steps.reduce((sum, step) => sum + Either.getOrElse(step, () => 0), 0)
  const failed = steps.find(Either.isLeft)
  if (failed === undefined) return Effect.succeed(count)
  return count === 0
    ? Effect.fail(failed.left)
    : Effect.as(
        Effect.logWarning("A part of the collection of sessions failed", failed.left),
        count
      )
}

/** Takes steps that each collect at most what the ones before have left of a limit. */
export const collectBySteps = <E>(
  limit: number,
  steps: ReadonlyArray<(limit: number) => Effect.Effect<number, E>>
): Effect.Effect<number, E> =>
  Effect.suspend(() => {
    let left = limit
    const take = (step: (limit: number) => Effect.Effect<number, E>) =>
      left <= 0
        ? Effect.succeed(Either.right(0))
        : Effect.either(Effect.tap(step(left), (count) => Effect.sync(() => (left -= count))))
    return Effect.flatMap(Effect.forEach(steps, take), sumOf)
  })

const report = (count: number): Effect.Effect<void> =>
  count === 0
    ? Effect.void
    : Effect.flatMap(DateTime.now, (at) =>
        Effect.zipRight(
          Metric.incrementBy(collected, count),
          publish({ _tag: "Expired", count, at })
        )
      )

const collected = Metric.counter("effect_session_collected", {
  description: "Sessions collected",
  incremental: true
})

const duration = Metric.timer("effect_session_collection_duration", "How long collections took")
