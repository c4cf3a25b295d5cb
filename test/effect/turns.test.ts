import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { inTurn, keysInUse } from "../../src/internal/effect/turns.js"

/** An owner, a log of who ran, and a turn that ends when it is told to. */
const makeLine = () => {
  const owner = {}
  const ran: Array<string> = []
  const held = Effect.runSync(Deferred.make<void>())
  const holding = inTurn(owner, "key", Deferred.await(held))
  const turn = (name: string) =>
    inTurn(
      owner,
      "key",
      Effect.sync(() => void ran.push(name))
    )
  return { owner, ran, holding, turn, letGo: Deferred.succeed(held, undefined) }
}

/** Lets every fiber run until it waits. */
const settled = Effect.yieldNow().pipe(Effect.repeatN(20))

describe("a queue", () => {
  it.effect("runs its waiters in the order they came", () =>
    Effect.gen(function* () {
      const { holding, letGo, ran, turn } = makeLine()
      const first = yield* Effect.fork(holding)
      yield* settled
      const others = yield* Effect.forEach(["a", "b", "c"], (name) => Effect.fork(turn(name)))
      yield* settled
      yield* letGo

      yield* Fiber.join(first)
      yield* Fiber.joinAll(others)

      expect(ran).toEqual(["a", "b", "c"])
    })
  )

  it.effect("does not make another key wait", () =>
    Effect.gen(function* () {
      const { holding, letGo, owner } = makeLine()
      yield* Effect.fork(holding)
      yield* settled

      expect(yield* inTurn(owner, "other", Effect.succeed("ran"))).toBe("ran")
      yield* letGo
    })
  )

  it.effect("goes on after a turn that failed", () =>
    Effect.gen(function* () {
      const owner = {}
      yield* Effect.ignore(inTurn(owner, "key", Effect.fail("no")))

      expect(yield* inTurn(owner, "key", Effect.succeed("ran"))).toBe("ran")
    })
  )

  it.effect("lets a turn that is interrupted come to its end, then goes on", () =>
    Effect.gen(function* () {
      const { holding, letGo, ran, turn } = makeLine()
      const first = yield* Effect.fork(holding)
      yield* settled
      const second = yield* Effect.fork(turn("second"))
      yield* settled
      const interrupted = yield* Effect.fork(Fiber.interrupt(first))
      yield* settled
      expect(ran).toEqual([])
      yield* letGo

      yield* Fiber.join(interrupted)
      yield* Fiber.join(second)

      expect(ran).toEqual(["second"])
    })
  )

  it.effect("passes over a waiter that was interrupted", () =>
    Effect.gen(function* () {
      const { holding, letGo, ran, turn } = makeLine()
      yield* Effect.fork(holding)
      yield* settled
      const gone = yield* Effect.fork(turn("gone"))
      const next = yield* Effect.fork(turn("next"))
      yield* settled
      yield* Fiber.interrupt(gone)
      yield* letGo

      yield* Fiber.join(next)

      expect(ran).toEqual(["next"])
    })
  )

  it.effect("passes on the turn of a waiter that was interrupted when it was called", () =>
    Effect.gen(function* () {
      const { holding, letGo, ran, turn } = makeLine()
      const first = yield* Effect.fork(holding)
      yield* settled
      const called = yield* Effect.fork(turn("called"))
      const next = yield* Effect.fork(turn("next"))
      yield* settled
      // Both happen before the called waiter runs again.
      yield* letGo
      first.addObserver(() => called.unsafeInterruptAsFork(first.id()))
      yield* Fiber.await(called)

      yield* Fiber.join(next)

      expect(ran).toContain("next")
    })
  )

  it.live("fails who has no more patience, and nobody else", () =>
    Effect.gen(function* () {
      const { holding, letGo, owner, ran, turn } = makeLine()
      const first = yield* Effect.fork(holding)
      yield* settled
      const patient = yield* Effect.fork(turn("patient"))
      yield* settled
      const patience = { stalledMillis: 1, longestMillis: 1, onImpatience: () => "impatient" }
      const impatient = yield* Effect.flip(inTurn(owner, "key", turn("never"), patience))

      expect([impatient, ran]).toEqual(["impatient", []])

      yield* letGo
      yield* Fiber.joinAll([first, patient])
      yield* settled

      expect([ran, keysInUse(owner)]).toEqual([["patient"], 0])
    })
  )

  it.effect("leaves no key behind", () =>
    Effect.gen(function* () {
      const { holding, letGo, owner, turn } = makeLine()
      yield* Effect.fork(holding)
      yield* settled
      const gone = yield* Effect.fork(turn("gone"))
      const next = yield* Effect.fork(turn("next"))
      yield* settled
      yield* Fiber.interrupt(gone)
      yield* letGo
      yield* Fiber.join(next)
      yield* settled

      expect(keysInUse(owner)).toBe(0)
    })
  )
})
