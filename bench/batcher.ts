/**
 * What the batcher itself costs: CPU for each call, compared with the same call made directly. Its "statement" only waits for
 * the next turn of the event loop. Medians of the rounds.
 */
import { Effect } from "effect"
import * as Batcher from "../src/internal/sql/batcher.js"

const rounds = 7
const calls = 40_000

const statement = Effect.async<number>((resume) => {
  setImmediate(() => resume(Effect.succeed(1)))
})

type Run = (call: string) => Effect.Effect<number>

const measure = async (run: Run, concurrency: number): Promise<number> => {
  const worker = async (first: number) => {
    for (let index = first; index < calls; index += concurrency) {
      await Effect.runPromise(run(`id-${index}`))
    }
  }
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: concurrency }, (_, first) => worker(first)))
  const { system, user } = process.cpuUsage(before)
  return (user + system) / calls
}

const median = (values: ReadonlyArray<number>): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const main = async () => {
  let statements = 0
  const counted: Effect.Effect<number> = Effect.suspend(() => {
    statements++
    return statement
  })
  const direct: Run = () => statement
  const batched: Run = await Effect.runPromise(
    Batcher.make({
      single: (_: string) => counted,
      batch: (calls) => Effect.map(counted, (answer) => calls.map(() => answer)),
      key: (call) => call,
      allowsSameKey: false,
      inFlight: 1,
      retriesSingly: () => true
    })
  )
  for (const concurrency of [1, 10, 64]) {
    const figures = { direct: [] as Array<number>, batched: [] as Array<number> }
    for (let round = 0; round <= rounds; round++) {
      const one = await measure(direct, concurrency)
      statements = 0
      const other = await measure(batched, concurrency)
      if (round === 0) continue
      figures.direct.push(one)
      figures.batched.push(other)
    }
    console.log(
      `concurrency ${concurrency}: direct ${median(figures.direct).toFixed(2)} us, ` +
        `batched ${median(figures.batched).toFixed(2)} us a call, ` +
        `${(statements / calls).toFixed(3)} statements a call`
    )
  }
}

await main()
