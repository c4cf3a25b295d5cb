/**
 * What a request costs with the sessions in a database, over the bare Effect app: `tsx bench/sql.ts`, or with
 * `mariadb` or `sqlite` behind it.
 *
 * Starts a database and two servers of its own: one as the library is, one that sends each statement by itself. All
 * routes are measured in turn in every round; the figures are medians of the rounds. Absolute figures depend on the
 * machine, so the ratios are what to look at.
 */
import * as Database from "./support/database.js"
import * as Load from "./support/load.js"
import { type ServerProcess, startServer } from "./support/process.js"

const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
const seconds = Number(process.env.BENCH_SECONDS ?? 2)
const routes = ["/bare", "/read", "/write", "/login"]

interface Figures {
  readonly perSecond: number
  readonly cpuMicros: number
  readonly databaseMicros: number
  readonly statements: number
  readonly medianMillis: number
  readonly p99Millis: number
}

interface Contestant {
  readonly name: string
  readonly server: ServerProcess
}

const measure = async (
  database: Database.Database,
  { server }: Contestant,
  all: ReadonlyArray<Load.Visitor>,
  path: string,
  seconds: number
): Promise<Figures> => {
  const { statements } = await database.counts()
  const databaseMicros = database.cpuMicros()
  const cpu = await server.cpuMicros()
  const outcome = await Load.run(all, path, seconds)
  const per = (sum: number) => sum / outcome.requests
  if (outcome.failures > 0) console.error(`${path}: ${outcome.failures} requests failed`)
  return {
    perSecond: outcome.requests / outcome.seconds,
    cpuMicros: per((await server.cpuMicros()) - cpu),
    databaseMicros: per(database.cpuMicros() - databaseMicros),
    statements: per((await database.counts()).statements - statements),
    medianMillis: Load.quantile(outcome.latencies, 0.5),
    p99Millis: Load.quantile(outcome.latencies, 0.99)
  }
}

const medians = (rounds: ReadonlyArray<Figures>): Figures => {
  const of = (figure: keyof Figures) => Load.median(rounds.map((round) => round[figure]))
  return {
    perSecond: of("perSecond"),
    cpuMicros: of("cpuMicros"),
    databaseMicros: of("databaseMicros"),
    statements: of("statements"),
    medianMillis: of("medianMillis"),
    p99Millis: of("p99Millis")
  }
}

const compare = async (
  database: Database.Database,
  contestants: ReadonlyArray<Contestant>,
  connections: number
): Promise<void> => {
  // A single visitor shows differences of a few microseconds: many short turns, so that both see the same machine.
  const parts = connections === 1 ? 6 : 1
  const results = new Map<string, Array<Figures>>()
  const visitors = new Map<Contestant, ReadonlyArray<Load.Visitor>>()
  for (const one of contestants) {
    visitors.set(one, await Load.visitors(one.server.port, connections))
  }
  for (let round = 0; round <= rounds * parts; round++) {
    for (const path of routes) {
      for (const one of contestants) {
        const figures = await measure(database, one, visitors.get(one) ?? [], path, seconds / parts)
        const key = `${path} ${one.name}`
        // The first round warms up.
        if (round > 0) results.set(key, [...(results.get(key) ?? []), figures])
      }
    }
  }
  for (const all of visitors.values()) for (const one of all) one.close()
  print(connections, results)
  for (const path of routes) printRatio(path, results)
}

/** Shared against single, round by round. */
const printRatio = (path: string, results: Map<string, ReadonlyArray<Figures>>): void => {
  const single = results.get(`${path} single`) ?? []
  const ratio = (figure: keyof Figures) =>
    Load.median(
      (results.get(`${path} shared`) ?? []).map(
        (shared, round) => shared[figure] / (single[round]?.[figure] ?? Number.NaN)
      )
    ).toFixed(2)
  console.log(
    `${path}: shared to single ${ratio("medianMillis")} in latency, ${ratio("perSecond")} in requests, ` +
      `${ratio("cpuMicros")} in server CPU, ${ratio("databaseMicros")} in database CPU`
  )
}

const print = (connections: number, results: Map<string, ReadonlyArray<Figures>>): void => {
  console.log(`\n${connections} connections, medians of ${rounds} rounds of ${seconds} s`)
  console.table(
    Object.fromEntries(
      [...results].map(([key, rounds]) => {
        const figures = medians(rounds)
        return [
          key,
          {
            "requests/s": Math.round(figures.perSecond),
            "server CPU us": Math.round(figures.cpuMicros),
            "database CPU us": Math.round(figures.databaseMicros),
            "statements/request": Number(figures.statements.toFixed(3)),
            "median ms": Number(figures.medianMillis.toFixed(2)),
            "p99 ms": Number(figures.p99Millis.toFixed(2))
          }
        ]
      })
    )
  )
}

const main = async () => {
  const name = process.argv[2] ?? "postgres"
  if (name !== "postgres" && name !== "mariadb" && name !== "sqlite") {
    throw new Error("The databases are postgres, mariadb and sqlite.")
  }
  const database = await Database.start(name)
  const shared = { name: "shared", server: await startServer({ BENCH_URL: database.url }) }
  const single = {
    name: "single",
    server: await startServer({ BENCH_URL: database.url, BENCH_BATCHES: "off" })
  }
  try {
    for (const connections of [64, 1]) await compare(database, [shared, single], connections)
  } finally {
    await shared.server.stop()
    await single.server.stop()
    await database.stop()
  }
}

await main()
