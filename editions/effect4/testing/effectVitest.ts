/**
 * What the tests use of `@effect/vitest`, for Effect 4 and the vitest that runs on Node 20: the package for Effect 4 wants a
 * newer vitest.
 */
import type { Scope } from "effect"
import { Effect, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import * as Vitest from "vitest"

export * from "vitest"

type Body<Args extends ReadonlyArray<unknown>> = (
  ...args: [...Args, Vitest.TestContext]
) => Effect.Effect<unknown, unknown, Scope.Scope>

/** Runs an effect as a test; it ends when the test is given up. */
type Run = (
  effect: Effect.Effect<unknown, unknown, Scope.Scope>,
  context: Vitest.TestContext
) => Promise<unknown>

const live: Run = (effect, { signal }) => Effect.runPromise(Effect.scoped(effect), { signal })

const surroundings = Layer.merge(TestClock.layer(), Logger.layer([]))

/** A clock that stands still, and no log. */
const simulated: Run = (effect, context) => live(Effect.provide(effect, surroundings), context)

type Options = number | Vitest.TestOptions

const register = (run: Run, it: Vitest.TestAPI | ReturnType<Vitest.TestAPI["runIf"]>) => {
  const wrapped = (body: Body<[]>) => async (context: Vitest.TestContext) => {
    await run(body(context), context)
  }
  return (name: string, body: Body<[]>, options?: Options): void =>
    it(name, typeof options === "number" ? { timeout: options } : (options ?? {}), wrapped(body))
}

const tester = (run: Run) =>
  Object.assign(register(run, Vitest.it), {
    only: register(run, Vitest.it.only),
    skipIf: (condition: unknown) => register(run, Vitest.it.skipIf(condition)),
    runIf: (condition: unknown) => register(run, Vitest.it.runIf(condition)),
    each:
      <T>(cases: ReadonlyArray<T>) =>
      (name: string, body: Body<[T]>, options: Vitest.TestOptions = {}): void =>
        Vitest.it.for(cases)(name, options, async (one, context) => {
          await run(body(one, context), context)
        })
  })

/** The `it` of vitest, with tests that are effects. */
export const it = Object.assign(Vitest.it.extend({}), {
  effect: tester(simulated),
  scoped: tester(simulated),
  live: tester(live),
  scopedLive: tester(live)
})
