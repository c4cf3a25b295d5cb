import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import { maybeCollect } from "../src/internal/store/collectAll.js"
import { aStore } from "./support/collecting.js"

const quietly = Effect.provide(Logger.remove(Logger.defaultLogger))

describe("maybeCollect", () => {
  const drawing = (drawn: number) => Effect.withRandom(Random.fixed([drawn]))
  const settled = Effect.repeatN(Effect.yieldNow(), 10)

  it.effect("does nothing without a lottery", () =>
    Effect.gen(function* () {
      const { calls, store } = aStore()

      yield* drawing(0)(maybeCollect(undefined, store))
      yield* settled

      expect(calls).toEqual([])
    })
  )

  for (const [drawn, count] of [
    [0, 1],
    [0.019, 1],
    [0.02, 0],
    [0.99, 0]
  ] as const) {
    it.effect(`runs ${count} collections of [2, 100] where ${drawn} is drawn`, () =>
      Effect.gen(function* () {
        const { calls, store } = aStore()

        yield* drawing(drawn)(maybeCollect([2, 100], store))
        yield* settled

        expect(calls.length).toBe(count)
      })
    )
  }

  it.effect("does not wait for the collection", () =>
    Effect.gen(function* () {
      const { store } = aStore(Effect.never)

      const exit = yield* Effect.exit(maybeCollect([1, 1], store))

      expect(exit).toEqual(Exit.void)
    })
  )

  it.effect("runs one collection at a time for one store", () =>
    Effect.gen(function* () {
      const { calls, store } = aStore(Effect.never)

      yield* Effect.repeatN(maybeCollect([1, 1], store), 4)
      yield* settled

      expect(calls.length).toBe(1)
    })
  )

  it.effect("runs collections of two stores side by side", () =>
    Effect.gen(function* () {
      const [one, other] = [aStore(Effect.never), aStore(Effect.never)]

      yield* maybeCollect([1, 1], one.store)
      yield* maybeCollect([1, 1], other.store)
      yield* settled

      expect([one.calls.length, other.calls.length]).toEqual([1, 1])
    })
  )

  it.effect("collects again once a collection has ended", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<number>()
      const { calls, store } = aStore(Deferred.await(gate), Effect.succeed(0))
      yield* maybeCollect([1, 1], store)
      yield* settled

      yield* Deferred.succeed(gate, 0)
      yield* settled
      yield* maybeCollect([1, 1], store)
      yield* settled

      expect(calls.length).toBe(2)
    })
  )

  it.effect("collects again after a collection that died", () =>
    Effect.gen(function* () {
      const { calls, store } = aStore(Effect.die("boom"), Effect.succeed(0))
      yield* maybeCollect([1, 1], store)
      yield* settled

      yield* maybeCollect([1, 1], store)
      yield* settled

      expect(calls.length).toBe(2)
    }).pipe(quietly)
  )
})
