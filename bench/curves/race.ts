/** What survives of changes at once: `bench/peers/race.mjs`, whose table is the result. */
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Curve } from "./curve.js"

export const race: Curve<string> = {
  name: "race",
  keys: () => ["all"],
  measure: async () =>
    execFileSync(process.execPath, [fileURLToPath(new URL("../peers/race.mjs", import.meta.url))], {
      encoding: "utf8"
    }),
  show: async (points) => points.map(([, table]) => table.trim()).join("\n\n")
}
