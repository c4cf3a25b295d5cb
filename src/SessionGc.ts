/**
 * Garbage collection: removes sessions that are over from the store, in small batches.
 *
 * Expiry does not depend on it. A session that is over is never read, whether it was collected or not.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { serviceOf } from "./internal/effect/fiber.js"
import { oncePer } from "./internal/effect/oncePer.js"
import { settingMillis } from "./internal/errors/durations.js"
import { SessionConfigError } from "./internal/errors/errors.js"
import { collectAll, defaultBatch, orWarn } from "./internal/store/collectAll.js"
import { SessionStore, type SessionStoreError } from "./SessionStore.js"

/**
 * Collects everything that is over, now, and succeeds with the number of sessions collected. It works in batches of 1000
 * with pauses of 50 milliseconds.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { SessionGc } from "effect-session"
 *
 * export const nightly = Effect.flatMap(SessionGc.collect, (count) =>
 *   Effect.logInfo(`Collected ${count} sessions`)
 * )
 * ```
 *
 * @since 0.1.0
 * @category accessors
 */
export const collect: Effect.Effect<number, SessionStoreError, SessionStore> = Effect.flatMap(
  SessionStore,
  (store) => collectAll(store, defaultBatch)
)

/**
 * The options of the collection.
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

const perStore = (layer: Layer.Layer<never, never, SessionStore>) =>
  oncePer((fiber) => serviceOf(fiber, SessionStore), layer)

/**
 * Provides a fiber that collects garbage every 5 minutes, for as long as the layer lives.
 *
 * The first collection runs within ten seconds after the start. Each wait is up to a tenth shorter or longer, so that
 * servers do not collect in step. Any number of servers may collect at once. Provided in several places of an app, it is
 * one fiber for each store.
 *
 * When the store fails, the fiber logs a warning and tries again at the next collection. The metrics
 * `effect_session_collected` and `effect_session_collection_duration` tell how many sessions it collected and how long
 * that took.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Layer } from "effect"
 * import { SessionGc, SessionMiddleware, SessionStore } from "effect-session"
 *
 * const home = HttpLayerRouter.add("GET", "/", HttpServerResponse.text("hello"))
 *
 * export const server = HttpLayerRouter.serve(Layer.provide(home, SessionMiddleware.layer)).pipe(
 *   Layer.provide(SessionGc.layer),
 *   Layer.provide(SessionStore.layerMemory)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never, never, SessionStore> = perStore(
  Layer.suspend(() => layerWith({}))
)

/**
 * As `layer`, with another interval or batch size.
 *
 * Dies with a `SessionConfigError` when `interval` is not a duration from 1 millisecond to 22 days or `batchSize` is not a
 * positive integer.
 *
 * @example
 * ```ts
 * import { SessionGc } from "effect-session"
 *
 * export const collection = SessionGc.layerWith({ interval: "1 minute", batchSize: 200 })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<never, never, SessionStore> =>
  perStore(
    Layer.scopedDiscard(
      Effect.gen(function* () {
        const { batchSize, intervalMillis } = checked(options)
        const store = yield* SessionStore
        const first = yield* Random.nextRange(1000, 10_000)
        yield* orWarn(collectAll(store, batchSize)).pipe(
          Effect.repeat(
            Schedule.jitteredWith(Schedule.spaced(intervalMillis), { min: 0.9, max: 1.1 })
          ),
          Effect.delay(Math.min(first, intervalMillis)),
          Effect.interruptible,
          Effect.forkScoped
        )
      })
    )
  )

// A timer of JavaScript takes no more than 2^31 - 1 milliseconds; the jitter adds a tenth.
const longestIntervalMillis = Duration.toMillis("22 days")

const checked = ({ batchSize = defaultBatch, interval = "5 minutes" }: Options) => {
  // What is shorter or longer would make the fiber call the store without end.
  const intervalMillis = settingMillis("interval", interval, {
    least: 1,
    most: longestIntervalMillis,
    reason: "must be a duration from 1 millisecond to 22 days."
  })
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new SessionConfigError({ field: "batchSize", reason: "must be a positive integer." })
  }
  return { batchSize, intervalMillis }
}
