/** One seed: the program is run, the faults fire, the history is judged. */
import { check, tell } from "./check.js"
import type { Cluster } from "./cluster.js"
import { makeProgram } from "./program.js"
import { type Entry, recordHistory } from "./record.js"

/** How many seeds a test runs, from which on: `EFFECT_SESSION_TEST_SEED=7` runs that one alone. */
const one = process.env.EFFECT_SESSION_TEST_SEED
export const firstSeed = Number(one ?? 1)
export const seedCount = (usual: number): number =>
  one === undefined ? Number(process.env.EFFECT_SESSION_TEST_SEEDS ?? usual) : 1

export interface Verdict {
  readonly seed: number
  readonly history: ReadonlyArray<Entry>
  /** What must not have happened, as sentences. */
  readonly violations: ReadonlyArray<string>
}

export const runSeed = async (
  seed: number,
  cluster: Pick<Cluster, "of" | "faults" | "suffer" | "rows">
): Promise<Verdict> => {
  const program = makeProgram(seed, {
    faults: cluster.faults,
    aborts: cluster.faults.length === 0 ? 0.1 : 0.04
  })
  const [history] = await Promise.all([
    recordHistory(program, cluster),
    cluster.suffer(program.fault)
  ])
  const violations = check(history, await cluster.rows())
  return { seed, history, violations }
}

/** A report that names the seed and shows what happened to the first session that went wrong. */
export const reportOf = ({ history, seed, violations }: Verdict): string => {
  const lineage = violations[0]?.split(":", 1)[0] ?? ""
  return [
    `Seed ${seed} (EFFECT_SESSION_TEST_SEED=${seed} runs it alone; the order of events may differ):`,
    ...violations.slice(0, 20),
    tell(history, lineage)
  ].join("\n")
}
