/** The contract over real sockets, on one of the stores. */
import { afterAll, describe } from "vitest"
import { type Backing, lacks, openBacking } from "../support/backing.js"
import type { StoreName } from "../support/serverStores.js"
import { groups } from "./cases/index.js"
import { type Case, runCases } from "./harness.js"
import { known } from "./known.js"

/** Runs every case on a store, with two processes where they can share it; one that cannot be had is skipped. */
export const runOn = (
  store: StoreName,
  more: Readonly<Record<string, ReadonlyArray<Case>>> = {}
): void => {
  describe.skipIf(lacks(store))(store, () => {
    let backing: Backing | undefined
    // Hooks at the end run in reverse order: the processes stop before their database does.
    afterAll(() => backing?.close())
    runCases(
      async () => {
        backing = await openBacking(store)
        return { store, argument: backing.argument, nodes: store === "memory" ? 1 : 2 }
      },
      { ...groups, ...more },
      known
    )
  })
}
