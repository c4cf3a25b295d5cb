/**
 * Garbage collection: a fiber that removes sessions that are over, in small batches, for as long as its scope lives.
 *
 * Expiry does not depend on it: a session that is over is never read, collected or not.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { SessionConfigError } from "./internal/errors/errors.js"
import { collectAll, defaultBatch, surviving } from "./internal/store/collection.js"
import { SessionStore, type SessionStoreError } from "./SessionStore.js"

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
 * What can be changed about the collection.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The time between two collections, from 1 millisecond to 22 days. Default 5 minutes. */
  readonly interval?: Duration.DurationInput | undefined
  /** How many sessions one call of the store collects. Default 1000. */
  readonly batchSize?: number | undefined
}

/**
 * Provides the collecting fiber: first within ten seconds after the start, then every `interval` (default 5 minutes, at
 * most 22 days), both jittered, in batches of `batchSize` (default 1000). A failing store is logged as a warning and
 * tried again at the next run. Safe on any number of servers at once; stops with its scope.
 *
 * The metrics `effect_session_collected` and `effect_session_collection_duration` tell how many and how long.
 *
 * Dies with `SessionConfigError` when `interval` is no such duration or `batchSize` no positive integer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<never, never, SessionStore> =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const { batchSize, intervalMillis } = yield* Effect.orDie(checked(options))
      const store = yield* SessionStore
      const first = yield* Random.nextRange(1000, 10_000)
      yield* surviving(collectAll(store, batchSize)).pipe(
        Effect.repeat(
          Schedule.jitteredWith(Schedule.spaced(intervalMillis), { min: 0.9, max: 1.1 })
        ),
        Effect.delay(Math.min(first, intervalMillis)),
        Effect.interruptible,
        Effect.forkScoped
      )
    })
  )

/**
 * Collects garbage every 5 minutes, as long as the layer lives: see `layerWith`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never, never, SessionStore> = layerWith({})

// A timer of JavaScript takes no more than 2^31 - 1 milliseconds; the jitter adds a tenth.
const longestIntervalMillis = Duration.toMillis("22 days")

const checked = (options: Options) => {
  const { batchSize = defaultBatch, interval = "5 minutes" } = options
  const decoded = Duration.decodeUnknown(interval)
  const intervalMillis = Option.getOrElse(Option.map(decoded, Duration.toMillis), () => 0)
  // Either would make the fiber call the store without end.
  if (!(intervalMillis >= 1 && intervalMillis <= longestIntervalMillis)) {
    const reason = "must be a duration from 1 millisecond to 22 days."
    return Effect.fail(new SessionConfigError({ field: "interval", reason }))
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    const reason = "must be a positive integer."
    return Effect.fail(new SessionConfigError({ field: "batchSize", reason }))
  }
  return Effect.succeed({ batchSize, intervalMillis })
}
