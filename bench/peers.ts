/**
 * What a session costs here and in other libraries, in one interleaved run: the main table, `npm run bench`. Names of stores behind it
 * (`memory`, `files`, `postgres`, `redis`) choose; `--rounds` and `--seconds` say how long. `npm run bench:full -- peers` takes every
 * library instead of those of the main table.
 *
 * Every contestant is a server of its own (`bench/peers/servers.mjs`, `bench/effect4/servers.mjs`). All of a store are asked in turn in
 * every round, so that each sees the same machine. The figures are medians of the rounds. Each ratio is taken within its round and
 * compares with the first server of the same store, which is this library. Absolute figures depend on the machine.
 *
 * Prints the tables, and writes them with plots into docs/benchmark.md.
 */
import { parseArgs } from "node:util"
import * as Curve from "./curves/curve.js"
import { tables } from "./curves/peers.js"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "0.3" }
  }
})

const main = tables(
  "main",
  (one) => one.main === true && (positionals.length === 0 || positionals.includes(one.store))
)
const settings = { rounds: Number(values.rounds), seconds: Number(values.seconds), rows: 0 }

await Curve.run(main, settings, true)
