/** The contract on a database: two processes with a pool each. */
import { afterAll, describe } from "vitest"
import type { Kind, Server } from "../sql/servers.js"
import { groups } from "./cases/index.js"
import { runCases } from "./harness.js"
import { known } from "./known.js"

/** Runs every case on a database of this kind; one that cannot be had is reported as skipped. */
export const runOn = (kind: Kind): void => {
  describe.skipIf(kind.isMissing)(kind.name, () => {
    let server: Server | undefined
    // Hooks at the end run in reverse order: the processes stop before their database does.
    afterAll(() => server?.close())
    runCases(
      async () => {
        server = await kind.start()
        return { store: kind.name, argument: await server.aDatabase(), nodes: 2 }
      },
      groups,
      known
    )
  })
}
