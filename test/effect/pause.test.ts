import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { pause } from "../../src/internal/effect/pause.js"

const timers = () =>
  process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length

describe("a pause", () => {
  it.effect("ends although the test's clock stands still, and asks anew how long it is", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const once = pause(() => asked.push(1))

      yield* once
      yield* once

      expect(asked).toEqual([1, 1])
    })
  )

  it.effect("leaves no timer behind when it is interrupted", () =>
    Effect.gen(function* () {
      const before = timers()
      const fiber = yield* Effect.fork(pause(() => 60_000))
      yield* Effect.yieldNow()
      const during = timers()

      yield* Fiber.interrupt(fiber)

      expect([during, timers()]).toEqual([before + 1, before])
    })
  )
})
