import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { SessionConfigError } from "../src/SessionConfig.js"
import * as SessionEvents from "../src/SessionEvents.js"
import * as SessionGc from "../src/SessionGc.js"
import * as SessionStore from "../src/SessionStore.js"
import { aStore, type Collected } from "./support/collecting.js"
import * as Records from "./support/record.js"

const failure = new SessionStore.SessionStoreError({ operation: "collect", reason: "unavailable" })

type Options = SessionGc.Options

/** Starts collecting; `drawn` is what every draw gives: 0.5 makes the first run at 5.5 seconds and adds no jitter. */
const start = (store: SessionStore.Service, options: Options = {}, drawn = 0.5) =>
  Layer.build(SessionGc.layerWith(options)).pipe(
    Effect.provideService(SessionStore.SessionStore, store),
    Effect.withRandom(Random.fixed([drawn]))
  )

const quietly = Effect.provide(Logger.remove(Logger.defaultLogger))

/** The counts of the `Expired` events so far, from a subscription made before. */
const expiredCounts = (subscription: Queue.Dequeue<SessionEvents.SessionEvent>) =>
  Effect.map(subscription.takeAll, (events) =>
    Chunk.toReadonlyArray(events).flatMap((event) =>
      event._tag === "Expired" ? [event.count] : []
    )
  )

const subscribed = Effect.flatMap(SessionEvents.SessionEvents, PubSub.subscribe)

/** The count and the sum of a metric of the collection, by its name. */
const metric = (name: string) =>
  Effect.map(Metric.snapshot, (pairs) => {
    const state: unknown = pairs.find(({ metricKey }) => metricKey.name === name)?.metricState
    // A counter has a count, a timer both; before the first collection there is neither.
    const { count = 0, sum = 0 } = (state ?? {}) as {
      readonly count?: number
      readonly sum?: number
    }
    return { count, sum }
  })

const collected = metric("effect_session_collected")
const duration = metric("effect_session_collection_duration")

const aRecord = (number: number, expiresAtMillis: number) =>
  Records.aRecord({ id: String(number).padStart(40, "0"), nowMillis: 0, expiresAtMillis })

describe("layer", () => {
  for (const [drawn, firstMillis] of [
    [0, 1000],
    [0.5, 5500],
    [1, 10_000]
  ] as const) {
    it.scoped(`first collects after ${firstMillis} ms where the draw is ${drawn}`, () =>
      Effect.gen(function* () {
        const { calls, store } = aStore()
        yield* start(store, {}, drawn)

        yield* TestClock.adjust(firstMillis - 1)
        const before = calls.length
        yield* TestClock.adjust(1)

        expect([before, calls.length]).toEqual([0, 1])
      })
    )
  }

  it.scoped("first collects after the interval where that is shorter", () =>
    Effect.gen(function* () {
      const { calls, store } = aStore()
      yield* start(store, { interval: "200 millis" })

      yield* TestClock.adjust("200 millis")

      expect(calls.length).toBe(1)
    })
  )

  for (const [drawn, firstMillis, againMillis] of [
    [0, 1000, 270_000],
    [0.5, 5500, 300_000],
    [1, 10_000, 330_000]
  ] as const) {
    it.scoped(`collects again after ${againMillis} ms where the draw is ${drawn}`, () =>
      Effect.gen(function* () {
        const { calls, store } = aStore()
        yield* start(store, {}, drawn)
        yield* TestClock.adjust(firstMillis)

        yield* TestClock.adjust(againMillis - 1)
        const before = calls.length
        yield* TestClock.adjust(1)

        expect([before, calls.length]).toEqual([1, 2])
      })
    )
  }

  it.scoped("goes on collecting at the given interval", () =>
    Effect.gen(function* () {
      const { calls, store } = aStore()
      yield* start(store, { interval: "1 minute" })

      yield* TestClock.adjust("10 minutes")

      expect(calls.length).toBe(10)
    })
  )

  const troubles: ReadonlyArray<readonly [string, Collected]> = [
    ["a failure", Effect.fail(failure)],
    ["a defect", Effect.die(new Error("boom"))],
    ["an interruption", Effect.interrupt],
    ["a throw", Effect.suspend(() => JSON.parse("{"))]
  ]

  for (const [what, trouble] of troubles) {
    it.scoped(`survives ${what} of the store`, () =>
      Effect.gen(function* () {
        const { calls, store } = aStore(trouble, trouble, Effect.succeed(0))
        yield* start(store)

        yield* TestClock.adjust("11 minutes")

        expect(calls.length).toBe(3)
      }).pipe(quietly)
    )

    it.scoped(`logs ${what} of the store as one warning with its cause`, () =>
      Effect.gen(function* () {
        const { store } = aStore(trouble, Effect.succeed(0))
        const lines: Array<readonly [string, boolean]> = []
        const logger = Logger.make(({ cause, logLevel }) => {
          lines.push([logLevel.label, Cause.isEmpty(cause)])
        })

        yield* start(store).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
        yield* TestClock.adjust("11 minutes")

        expect(lines).toEqual([["WARN", false]])
      })
    )
  }

  it.effect("stops with its scope", () =>
    Effect.gen(function* () {
      const { calls, store } = aStore()
      const scope = yield* Scope.make()
      yield* Scope.extend(start(store), scope)
      yield* TestClock.adjust("6 seconds")

      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 hour")

      expect(calls.length).toBe(1)
    })
  )

  it.effect("stops with its scope though the store does not answer", () =>
    Effect.gen(function* () {
      const { calls, store } = aStore(Effect.never)
      const scope = yield* Scope.make()
      yield* Scope.extend(start(store), scope)
      yield* TestClock.adjust("6 seconds")

      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 hour")

      expect(calls.length).toBe(1)
    })
  )

  it.effect("logs nothing when its scope closes in the middle of a collection", () =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ message }) => {
        lines.push(message)
      })
      const { store } = aStore(Effect.never)
      const scope = yield* Scope.make()
      yield* Scope.extend(start(store), scope).pipe(
        Effect.provide(Logger.replace(Logger.defaultLogger, logger))
      )
      yield* TestClock.adjust("6 seconds")

      yield* Scope.close(scope, Exit.void)

      expect(lines).toEqual([])
    })
  )

  it.scoped("asks for batches of the given size until one comes back short", () =>
    Effect.gen(function* () {
      const full = Effect.succeed(10)
      const { calls, store } = aStore(full, full, Effect.succeed(9))
      yield* start(store, { batchSize: 10 })

      yield* TestClock.adjust("1 minute")

      expect(calls).toEqual([10, 10, 10])
    })
  )

  it.scoped("pauses for 50 ms between batches", () =>
    Effect.gen(function* () {
      const { calls, store } = aStore(Effect.succeed(10), Effect.succeed(0))
      yield* start(store, { batchSize: 10 })
      yield* TestClock.adjust(5500)

      yield* TestClock.adjust(49)
      const before = calls.length
      yield* TestClock.adjust(1)

      expect([before, calls.length]).toEqual([1, 2])
    })
  )

  const wrong: ReadonlyArray<readonly [string, Options, string]> = [
    ["an interval of nothing", { interval: 0 }, "interval"],
    ["a negative interval", { interval: -1 }, "interval"],
    ["an interval without end", { interval: Duration.infinity }, "interval"],
    ["an interval longer than a timer can wait", { interval: "23 days" }, "interval"],
    ["a batch of none", { batchSize: 0 }, "batchSize"],
    ["a batch of NaN", { batchSize: Number.NaN }, "batchSize"],
    ["half a session a batch", { batchSize: 0.5 }, "batchSize"]
  ]

  for (const [what, options, field] of wrong) {
    it.scoped(`dies with SessionConfigError for ${what}`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(start(aStore().store, options))

        const defect = Option.flatMap(Exit.causeOption(exit), Cause.dieOption)
        const error = Option.getOrUndefined(defect)
        expect(error).toBeInstanceOf(SessionConfigError)
        expect(error).toMatchObject({ field })
      })
    )
  }
})

describe("two layers on one store", () => {
  it.scoped("collect every expired session once and no live one", () =>
    Effect.gen(function* () {
      const events = yield* subscribed
      const store = yield* SessionStore.SessionStore
      yield* Effect.forEach(
        Array.from({ length: 40 }, (_, number) => aRecord(number, number < 25 ? 1000 : 3_600_000)),
        store.insert
      )
      yield* start(store, { batchSize: 4 })
      yield* start(store, { batchSize: 4 })

      yield* TestClock.adjust("1 minute")

      const counts = yield* expiredCounts(events)
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(25)
      expect(yield* store.count({ state: "all" })).toMatchObject({ sessions: 15 })
    }).pipe(Effect.provide(Layer.merge(SessionStore.layerMemory, SessionEvents.layer)))
  )
})

describe("collect", () => {
  const collectFrom = (store: SessionStore.Service) =>
    Effect.provideService(SessionGc.collect, SessionStore.SessionStore, store)

  it.effect("collects in several batches where there is much", () =>
    Effect.gen(function* () {
      const { store } = aStore(Effect.succeed(1000), Effect.succeed(1000), Effect.succeed(5))
      const running = yield* Effect.fork(collectFrom(store))

      yield* TestClock.adjust("100 millis")

      expect(yield* running.await).toEqual(Exit.succeed(2005))
    })
  )

  it.scoped("publishes how many expired, and when", () =>
    Effect.gen(function* () {
      const events = yield* subscribed
      yield* TestClock.adjust("7 seconds")

      yield* collectFrom(aStore(Effect.succeed(3)).store)

      expect(Chunk.toReadonlyArray(yield* events.takeAll)).toEqual([
        { _tag: "Expired", count: 3, at: DateTime.unsafeMake(7000) }
      ])
    }).pipe(Effect.provide(SessionEvents.layer))
  )

  it.scoped("publishes nothing where nothing expired", () =>
    Effect.gen(function* () {
      const events = yield* subscribed

      yield* collectFrom(aStore().store)

      expect(yield* expiredCounts(events)).toEqual([])
    }).pipe(Effect.provide(SessionEvents.layer))
  )

  it.scoped("publishes what was collected before the store failed", () =>
    Effect.gen(function* () {
      const events = yield* subscribed
      const { store } = aStore(Effect.succeed(1000), Effect.fail(failure))
      const running = yield* Effect.fork(collectFrom(store))

      yield* TestClock.adjust("50 millis")
      yield* running.await

      expect(yield* expiredCounts(events)).toEqual([1000])
    }).pipe(Effect.provide(SessionEvents.layer))
  )

  it.effect("counts the sessions collected as a metric", () =>
    Effect.gen(function* () {
      const before = yield* collected

      yield* collectFrom(aStore(Effect.succeed(7)).store)

      expect((yield* collected).count - before.count).toBe(7)
    })
  )

  it.effect("measures how long collections took as a metric", () =>
    Effect.gen(function* () {
      const before = yield* duration
      const { store } = aStore(Effect.succeed(1000), Effect.succeed(0))
      const running = yield* Effect.fork(collectFrom(store))

      yield* TestClock.adjust("50 millis")
      yield* running.await

      const after = yield* duration
      expect([after.count - before.count, after.sum - before.sum]).toEqual([1, 50])
    })
  )
})
