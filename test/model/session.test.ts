import { describe, it, vi } from "@effect/vitest"
import * as fc from "fast-check"
import { atOnce, pending } from "./actions.js"
import { World } from "./world.js"

// Properties run long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const actions = fc.oneof(...pending, ...atOnce)

/** Requests one after the other, each with what it does and whether it ages flash. */
const requests = fc.array(
  fc.record({ actions: fc.array(actions, { maxLength: 12 }), ages: fc.boolean() }),
  { minLength: 1, maxLength: 5 }
)

describe("a session", () => {
  it("shows what the naive model shows after every operation of every request", async () => {
    await fc.assert(
      fc.asyncProperty(requests, async (given) => {
        const world = new World()
        for (const { actions, ages } of given) {
          const visit = await world.begin()
          visit.compare()
          await visit.actAll(actions)
          await visit.end(ages)
        }
      }),
      { numRuns: 200 }
    )
  })
})
