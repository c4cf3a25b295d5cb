import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as SessionGc from "../src/SessionGc.js"
import * as SessionStore from "../src/SessionStore.js"
import { aRecord } from "./support/record.js"

type Collect = (run: number, limit: number) => Effect.Effect<number, SessionStore.SessionStoreError>

/** A memory store whose `collect` is given, and the limits it was called with. */
const storeWith = (collect: Collect) => {
  const limits: Array<number> = []
  const layer = Layer.effect(
    SessionStore.SessionStore,
    Effect.map(SessionStore.SessionStore, (store) => ({
      ...store,
      collect: (limit: number) => Effect.suspend(() => collect(limits.push(limit), limit))
    }))
  ).pipe(Layer.provide(SessionStore.layerMemory))
  return { layer, limits }
}

const nothing: Collect = () => Effect.succeed(0)

const running = (collect: Collect, options: SessionGc.Options = {}) =>
  Effect.gen(function* () {
    const { layer, limits } = storeWith(collect)
    const scope = yield* Scope.make()
    yield* Layer.buildWithScope(SessionGc.layerWith(options).pipe(Layer.provide(layer)), scope)
    return { limits, stop: Scope.close(scope, Exit.void) }
  })

const unavailable = new SessionStore.SessionStoreError({
  operation: "collect",
  reason: "unavailable"
})

describe("layer", () => {
  it.effect("does not collect at the very start", () =>
    Effect.gen(function* () {
      const { limits, stop } = yield* running(nothing)

      yield* TestClock.adjust("999 millis")

      expect(limits).toEqual([])
      yield* stop
    })
  )

  it.effect("collects within ten seconds after the start, in batches of 1000", () =>
    Effect.gen(function* () {
      const { limits, stop } = yield* running(nothing)

      yield* TestClock.adjust("10 seconds")

      expect(limits).toEqual([1000])
      yield* stop
    })
  )

  it.effect("repeats every interval", () =>
    Effect.gen(function* () {
      const { limits, stop } = yield* running(nothing, { interval: "1 minute", batchSize: 7 })

      yield* TestClock.adjust("10 seconds")
      yield* TestClock.adjust("66 seconds")
      yield* TestClock.adjust("66 seconds")

      expect(limits).toEqual([7, 7, 7])
      yield* stop
    })
  )

  it.effect("goes on after a failure of the store", () =>
    Effect.gen(function* () {
      const { limits, stop } = yield* running((run) =>
        run === 1 ? Effect.fail(unavailable) : Effect.succeed(0)
      )

      yield* TestClock.adjust("10 seconds")
      yield* TestClock.adjust("330 seconds")

      expect(limits).toHaveLength(2)
      yield* stop
    })
  )

  it.effect("goes on after a defect of the store", () =>
    Effect.gen(function* () {
      const { limits, stop } = yield* running((run) =>
        run === 1 ? Effect.die(new Error("boom")) : Effect.succeed(0)
      )

      yield* TestClock.adjust("10 seconds")
      yield* TestClock.adjust("330 seconds")

      expect(limits).toHaveLength(2)
      yield* stop
    })
  )

  it.effect("stops with its scope", () =>
    Effect.gen(function* () {
      const { limits, stop } = yield* running(nothing)
      yield* TestClock.adjust("10 seconds")

      yield* stop
      yield* TestClock.adjust("1 hour")

      expect(limits).toHaveLength(1)
    })
  )
})

describe("collect", () => {
  it.effect("drains full batches, with pauses between them", () =>
    Effect.gen(function* () {
      const { layer, limits } = storeWith((run, limit) => Effect.succeed(run < 3 ? limit : 5))
      const fiber = yield* Effect.fork(Effect.provide(SessionGc.collect, layer))
      yield* TestClock.adjust("49 millis")
      expect(limits).toHaveLength(1)

      yield* TestClock.adjust("51 millis")

      expect(yield* Fiber.join(fiber)).toBe(2005)
      expect(limits).toEqual([1000, 1000, 1000])
    })
  )

  it.effect("passes a failure of the store on", () =>
    Effect.gen(function* () {
      const { layer } = storeWith(() => Effect.fail(unavailable))

      expect(yield* Effect.flip(Effect.provide(SessionGc.collect, layer))).toBe(unavailable)
    })
  )

  it.effect("removes what is over and leaves what lives", () =>
    Effect.gen(function* () {
      const store = yield* SessionStore.SessionStore
      const record = (letter: string, expiresAtMillis: number) =>
        aRecord({ id: letter.repeat(40), nowMillis: 0, expiresAtMillis })
      yield* store.insert(record("a", 1000))
      yield* store.insert(record("b", 1001))
      yield* TestClock.adjust("1 seconds")

      expect(yield* SessionGc.collect).toBe(1)
      expect((yield* store.count({ state: "all" })).sessions).toBe(1)
    }).pipe(Effect.provide(SessionStore.layerMemory))
  )
})
