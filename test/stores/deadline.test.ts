import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { deadlineMillis, inTime } from "../../src/internal/store/deadline.js"
import { make } from "../../src/internal/store/make.js"
import { makeMemoryStore } from "../../src/internal/store/memory/store.js"

const id = "0".repeat(27)

const OfTheApp = Context.GenericTag<string>("OfTheApp")

describe("a store that keeps time by itself", () => {
  it("is used as it is", () => {
    const store = makeMemoryStore()

    expect(inTime(store)).toBe(store)
  })

  it("lends its calls to a copy, which keeps them as they are", () => {
    const store = makeMemoryStore()
    const copy = inTime({ ...store, remove: () => Effect.never })

    expect(copy.find).toBe(store.find)
    expect(copy.remove).not.toBe(store.remove)
  })
})

describe("any other store", () => {
  it.live("fails with `timeout` where a call does not end", () =>
    Effect.gen(function* () {
      const store = inTime({ ...makeMemoryStore(), find: () => Effect.never })
      const began = performance.now()

      const error = yield* Effect.flip(store.find(id))

      expect(error).toMatchObject({ operation: "find", reason: "timeout" })
      expect(performance.now() - began).toBeGreaterThan(deadlineMillis - 50)
    })
  )

  it.live("does so too where nothing may interrupt the caller", () =>
    Effect.gen(function* () {
      const store = inTime({
        ...makeMemoryStore(),
        remove: () => Effect.uninterruptible(Effect.never)
      })

      const error = yield* Effect.flip(Effect.uninterruptible(store.remove(id)))

      expect(error).toMatchObject({ operation: "remove", reason: "timeout" })
    })
  )

  it.effect("sees nothing of its caller's context", () =>
    Effect.gen(function* () {
      const asked = Effect.map(Effect.context<never>(), Context.getOption(OfTheApp))
      let seen: Option.Option<string> | undefined
      const store = inTime({
        ...makeMemoryStore(),
        find: () =>
          Effect.map(asked, (one) => {
            seen = one
            return Option.none()
          })
      })

      yield* Effect.provideService(store.find(id), OfTheApp, "a transaction")

      expect(seen).toEqual(Option.none())
    })
  )

  it.live("runs to its end where its caller is interrupted", () =>
    Effect.gen(function* () {
      let isDone = false
      const begun = yield* Deferred.make<void>()
      const store = inTime({
        ...makeMemoryStore(),
        remove: () =>
          Effect.zipRight(
            Deferred.succeed(begun, undefined),
            Effect.delay(
              Effect.sync(() => {
                isDone = true
                return Option.none()
              }),
              50
            )
          )
      })
      const fiber = yield* Effect.fork(Effect.zipRight(Effect.yieldNow(), store.remove(id)))
      yield* Deferred.await(begun)

      yield* Fiber.interrupt(fiber)
      expect(isDone).toBe(false)
      yield* Effect.sleep(100)

      expect(isDone).toBe(true)
    })
  )

  it.effect("dies of what a call throws at once", () =>
    Effect.gen(function* () {
      const { entries, find, insert, move, update } = makeMemoryStore()
      const remove = () => {
        throw new Error("broken")
      }
      const store = inTime(make({ entries, find, insert, move, remove, update }))

      const exit = yield* Effect.exit(store.remove(id))

      expect(Exit.isFailure(exit) && Cause.isDie(exit.cause)).toBe(true)
    })
  )
})
