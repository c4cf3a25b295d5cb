/**
 * The conformance suite for authors of stores: every rule of the store's contract that a single process can observe, as
 * `vitest` tests.
 *
 * It does not test what needs a second process, a crash or a lost connection; the author tests those.
 *
 * This module is only at `effect-session/SessionStoreTest`, because nothing else of the library needs `vitest`.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { afterAll, beforeAll, describe, it } from "vitest"
import type { Test } from "./internal/conformance/harness.js"
import { runTest } from "./internal/conformance/harness.js"
import type { Topics } from "./internal/conformance/topics.js"
import { keepEndedTopics, topics } from "./internal/conformance/topics.js"
import type { SessionStore } from "./SessionStore.js"

/**
 * Settings of the suite.
 *
 * @since 0.1.0
 * @category testing
 */
export interface Options<E = never> {
  /**
   * The same store with `keepEnded: "7 days"`.
   *
   * Without it the suite does not test how the store keeps ended sessions.
   */
  readonly layerKeeping7Days?: Layer.Layer<SessionStore, E> | undefined
  /**
   * The clock that the store reads, `test` by default.
   *
   * - `test`: Effect's `Clock`, as the contract asks. The suite replaces it by a `TestClock`.
   * - `live`: some other clock. The tests that let time pass are skipped.
   */
  readonly clock?: "test" | "live" | undefined
  /** How long each test may take, and each building of a layer: milliseconds, 60,000 by default. */
  readonly timeoutMillis?: number | undefined
}

/**
 * Registers the conformance tests for a store, to be called at the top of a test file or in a `describe`.
 *
 * The layer is built once for all tests and released after them.
 *
 * Each test works in a namespace of its own, so the suite can run on a database that holds other sessions. Do not run it
 * on one that matters: `collect` covers all namespaces, so the suite collects what has expired in any of them. Nothing
 * else may use the database meanwhile.
 *
 * @example
 * ```ts
 * import { SessionStore } from "effect-session"
 * import * as SessionStoreTest from "effect-session/SessionStoreTest"
 *
 * SessionStoreTest.suite("memory", SessionStore.layerMemory, {
 *   layerKeeping7Days: SessionStore.layerMemoryWith({ keepEnded: "7 days" })
 * })
 * ```
 *
 * @since 0.1.0
 * @category testing
 */
export const suite = <E, E2 = never>(
  name: string,
  layer: Layer.Layer<SessionStore, E>,
  options: Options<E2> = {}
): void => {
  const { layerKeeping7Days } = options
  describe(`SessionStore: ${name}`, () => {
    describe("contract", () => register(topics, layer, options))
    if (layerKeeping7Days !== undefined) {
      describe("keepEnded", () => register(keepEndedTopics, layerKeeping7Days, options))
    }
  })
}

const register = <E>(
  topics: Topics,
  layer: Layer.Layer<SessionStore, E>,
  { clock = "test", timeoutMillis = 60_000 }: Options<unknown>
): void => {
  const run = builtOnce(clock === "live" ? layer : inTestTime(layer), timeoutMillis)
  for (const [topic, tests] of Object.entries(topics)) {
    describe(topic, () => {
      for (const test of tests) {
        const canRun = clock === "test" || !test.needsTestClock
        it.runIf(canRun)(test.name, { timeout: timeoutMillis }, ({ signal }) => run(test, signal))
      }
    })
  }
}

// The TestClock begins in 1970; a store may compare with a file's time or a database's clock, so it is set to the present.
const startOfTime = Layer.suspend(() =>
  Layer.effectDiscard(TestClock.setTime(Math.floor(Date.now() / 1000) * 1000))
)

const inTestTime = <E>(layer: Layer.Layer<SessionStore, E>) =>
  Layer.provideMerge(Layer.provide(layer, startOfTime), TestContext.TestContext)

// Not the `layer` of `@effect/vitest`: that one changes `it.effect` in the author's whole file.
const builtOnce = <E>(layer: Layer.Layer<SessionStore, E>, timeoutMillis: number) => {
  const runtime = ManagedRuntime.make(layer)
  beforeAll(() => runtime.runtime(), timeoutMillis)
  afterAll(() => runtime.dispose(), timeoutMillis)
  return async (test: Test, signal: AbortSignal): Promise<void> => {
    const exit = await runtime.runPromiseExit(runTest(test), { signal })
    // Vitest shows the failure itself, not the fiber's report of it.
    if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
  }
}
