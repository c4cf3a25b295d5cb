/**
 * The conformance suite for authors of stores: every rule of the store's contract that can be seen at the store, as
 * tests of `vitest`. It stands at `effect-session/SessionStoreTest` only, because nothing else needs `vitest`.
 *
 * What it cannot see is up to the author: other processes, crashes, the loss of a connection.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { afterAll, beforeAll, describe } from "vitest"
import type { RunWithStore, Suite } from "./internal/conformance/bench.js"
import { makeSuite } from "./internal/conformance/bench.js"
import { collecting, keepingEnded } from "./internal/conformance/collecting.js"
import { figuring, figuringKept } from "./internal/conformance/figuring.js"
import { inserting } from "./internal/conformance/inserting.js"
import { keepingText } from "./internal/conformance/keepingText.js"
import { listing } from "./internal/conformance/listing.js"
import { moving } from "./internal/conformance/moving.js"
import { removing } from "./internal/conformance/removing.js"
import { revoking } from "./internal/conformance/revoking.js"
import { touching } from "./internal/conformance/touching.js"
import { updating } from "./internal/conformance/updating.js"
import type { SessionStore } from "./SessionStore.js"

/**
 * What a store may need told about it.
 *
 * @since 0.1.0
 * @category testing
 */
export interface Options<E = never> {
  /** The same store with `keepEnded: "7 days"`; without it the rules about kept sessions are not tested. */
  readonly layerKeeping7Days?: Layer.Layer<SessionStore, E> | undefined
  /**
   * The clock the store reads. `test` (default): Effect's `Clock`, as the contract asks. `live`: some other clock; the
   * tests that let time pass are then reported as skipped.
   */
  readonly clock?: "test" | "live" | undefined
  /** How long one test, and the building of the layer, may take: milliseconds, 60,000 by default. */
  readonly timeoutMillis?: number | undefined
}

/**
 * Runs the conformance suite on a store.
 *
 * The layer is built once for all tests. Each test works in a namespace of its own, so an existing database will do; but
 * `collect` knows no namespaces, and what else is over in that database will be gone. The suite must be alone in it.
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
  const { layerKeeping7Days, clock = "test", timeoutMillis = 60_000 } = options
  const on = <E3>(store: Layer.Layer<SessionStore, E3>, parts: ReadonlyArray<Part>) => {
    const run = builtOnce(clock === "live" ? store : inTestTime(store), timeoutMillis)
    for (const [topic, part] of parts) {
      describe(topic, () => part(makeSuite(run, clock, timeoutMillis)))
    }
  }
  describe(`SessionStore: ${name}`, () => {
    describe("contract", () => on(layer, contract))
    if (layerKeeping7Days !== undefined) {
      describe("keeping ended sessions", () => on(layerKeeping7Days, contractOfKeeping))
    }
  })
}

type Part = readonly [topic: string, part: (suite: Suite) => void]

const contract: ReadonlyArray<Part> = [
  ["insert and find", inserting],
  ["update", updating],
  ["move and the previous id", moving],
  ["remove", removing],
  ["touch", touching],
  ["what a record holds", keepingText],
  ["entries and count", listing],
  ["revokeUser", revoking],
  ["addresses, hourly and usage", figuring],
  ["collect", collecting]
]

const contractOfKeeping: ReadonlyArray<Part> = [
  ["insert and find", inserting],
  ["update", updating],
  ["move and the previous id", moving],
  ["remove", removing],
  ["revokeUser", revoking],
  ["addresses, hourly and usage", figuring],
  ["figures of kept sessions", figuringKept],
  ["keepEnded", keepingEnded]
]

// The TestClock begins in 1970; a store may compare with a file's time or a database's clock, so it is set to the present.
const startOfTime = Layer.suspend(() =>
  Layer.effectDiscard(TestClock.setTime(Math.floor(Date.now() / 1000) * 1000))
)

const inTestTime = <E>(store: Layer.Layer<SessionStore, E>) =>
  Layer.provideMerge(Layer.provide(store, startOfTime), TestContext.TestContext)

// Not the `layer` of `@effect/vitest`: that one changes the `it.effect` of the author's whole file.
const builtOnce = <E>(layer: Layer.Layer<SessionStore, E>, timeoutMillis: number): RunWithStore => {
  const runtime = ManagedRuntime.make(layer)
  beforeAll(() => runtime.runtime(), timeoutMillis)
  afterAll(() => runtime.dispose(), timeoutMillis)
  return async (effect, signal) => {
    const exit = await runtime.runPromiseExit(effect, { signal })
    if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
  }
}
