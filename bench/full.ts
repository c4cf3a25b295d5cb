/**
 * The whole benchmark, `npm run bench:full`, or the curves that are named behind it: `npm run bench:full -- payload rows`.
 *
 * Each point is kept in `bench/results` once it is measured, and not measured again under the same `--rounds` and `--seconds`. So a run
 * can be stopped and goes on later; `--fresh` begins anew. `--rows 10000000` goes on to ten million rows. Writes docs/benchmark.md
 * and docs/scaling.md.
 */
import { parseArgs } from "node:util"
import { collection } from "./curves/collection.js"
import { connections } from "./curves/connections.js"
import * as Curve from "./curves/curve.js"
import { payload } from "./curves/payload.js"
import { peers } from "./curves/peers.js"
import { processes } from "./curves/processes.js"
import { race } from "./curves/race.js"
import { rows } from "./curves/rows.js"
import { sharing } from "./curves/sharing.js"
import { writeSizing } from "./curves/sizing.js"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    fresh: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
    rows: { type: "string", default: "1000000" }
  }
})
const settings: Curve.Settings = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  rows: Number(values.rows)
}

const run =
  <A>(curve: Curve.Curve<A>) =>
  () =>
    Curve.run(curve, settings, values.fresh)

const curves: Readonly<Record<string, () => Promise<void>>> = {
  peers: () => run(peers())(),
  race: run(race),
  payload: run(payload),
  connections: run(connections),
  processes: run(processes),
  sharing: run(sharing),
  rows: run(rows),
  collection: run(collection)
}

const unknown = positionals.filter((name) => !(name in curves))
if (unknown.length > 0) {
  throw new Error(`There is no curve ${unknown}: there are ${Object.keys(curves).join(", ")}.`)
}
for (const name of positionals.length > 0 ? positionals : Object.keys(curves)) {
  await curves[name]?.()
}
writeSizing()
