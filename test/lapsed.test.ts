import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { isSynchronous } from "../src/internal/store/synchronous.js"
import { layerMemory, SessionStore } from "../src/SessionStore.js"

it.effect("a memory store that watches the clock never waits for it", () =>
  Effect.gen(function* () {
    const store = yield* SessionStore

    expect(isSynchronous(store)).toBe(true)
  }).pipe(Effect.provide(layerMemory))
)
