import { describe, expect, it, vi } from "@effect/vitest"
import * as fc from "fast-check"
import { type Action, atOnce, pending } from "./actions.js"
import { type Visit, World } from "./world.js"

// Properties run long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const action = fc.oneof(...pending)
const some = fc.array(action, { maxLength: 10 })

/** A request may also commit in its middle, or move the session to another id. */
const withMoves = fc.array(fc.oneof({ weight: 12, arbitrary: action }, ...atOnce), {
  maxLength: 10
})
const withCommits = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: action },
    fc.constantFrom<Action>({ kind: "commit" }, { kind: "invalidate" })
  ),
  { maxLength: 10 }
)

/** Two requests that go well, two that cannot both be kept, and two of which the first moves the session. */
const oneOfEachEnd: Array<[Array<Action>, Array<Action>, Array<Action>, boolean, boolean]> = [
  [
    [],
    [{ kind: "increment", path: ["a"], by: 1 }],
    [{ kind: "increment", path: ["a"], by: 1 }],
    true,
    true
  ],
  [
    [],
    [{ kind: "put", path: ["a"], value: "word" }],
    [{ kind: "increment", path: ["a"], by: 1 }],
    true,
    true
  ],
  [[], [{ kind: "invalidate" }], [{ kind: "put", path: ["a"], value: 1 }], true, true]
]

/** The second request wrote into a value while it lived; the first stored the session after it was over. */
const expiredMeanwhile: [Array<Action>, Array<Action>, Array<Action>] = [
  [
    { kind: "put", path: ["a"], value: 1 },
    { kind: "putUntil", name: "l", value: null, in: 1 }
  ],
  [
    { kind: "put", path: ["l", "word"], value: null },
    { kind: "wait", millis: 1 }
  ],
  []
]

/** A stored session, and two requests that have loaded it. */
const twoVisits = async (
  before: ReadonlyArray<Action>
): Promise<{ world: World; a: Visit; b: Visit }> => {
  const world = new World()
  const first = await world.begin()
  await first.actAll(before)
  // Whatever came before, there is something to store.
  await first.act({ kind: "put", path: ["stored"], value: true })
  await first.end()
  return { world, a: await world.begin(), b: await world.begin() }
}

/** What the next request finds. */
const next = async (world: World): Promise<void> => {
  const visit = await world.begin()
  visit.compare()
}

describe("two requests on one snapshot", () => {
  it("store what their recorded operations give one after the other, or refuse the second whole", async () => {
    const outcomes = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(
        some,
        withMoves,
        some,
        fc.boolean(),
        fc.boolean(),
        async (before, inA, inB, agesA, agesB) => {
          const { a, b, world } = await twoVisits(before)
          await a.actAll(inA)
          await b.actAll(inB)

          await a.end(agesA)
          const outcome = await b.end(agesB)

          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
          await next(world)
        }
      ),
      { numRuns: 200, examples: oneOfEachEnd }
    )
    // All three ends are reached.
    expect([...outcomes.keys()].sort()).toEqual(["conflict", "done", "gone"])
  })

  it("do so when both commit in their middle too, in turn", async () => {
    await fc.assert(
      fc.asyncProperty(withCommits, withCommits, some, async (inA, inB, late) => {
        const { a, b, world } = await twoVisits([])
        await a.actAll(inA.filter(({ kind }) => kind !== "invalidate"))
        const fits = inB.filter(({ kind }) => kind !== "commit")
        await b.actAll(fits)

        await a.end()
        await b.end()

        const third = await world.begin()
        await third.actAll(late)
        await third.end()
        await next(world)
      }),
      { numRuns: 100, examples: [expiredMeanwhile] }
    )
  })
})
