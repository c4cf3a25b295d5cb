/**
 * What the size of the table costs on PostgreSQL: `tsx bench/tableSize.ts`, with the number of rows behind it if it shall
 * not be a million. Compares a table of 1,000 rows with the large one, request by request; shows how many updates stayed
 * HOT, and the plan of every statement that reads a whole table; then collects a tenth of the rows under load.
 *
 * Medians of the rounds; the ratios are what to look at.
 */

import { Effect, Layer } from "effect"
import Pg from "pg"
import { makeToken, tokenId } from "../src/core/record/token.js"
import { SessionGc } from "../src/index.js"
import * as Database from "./support/database.js"
import { explainAll } from "./support/explain.js"
import * as Load from "./support/load.js"
import { type ServerProcess, startServer } from "./support/process.js"
import { storeLayer } from "./support/store.js"

const large = Number(process.argv[2] ?? 1_000_000)
const small = 1000
const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
const seconds = Number(process.env.BENCH_SECONDS ?? 2)
const connections = 64

interface Table {
  readonly rows: number
  readonly url: string
  readonly server: ServerProcess
  readonly visitors: ReadonlyArray<Load.Visitor>
  readonly cookies: ReadonlyArray<string>
}

const query = async (url: string, text: string, parameters: ReadonlyArray<unknown> = []) => {
  const client = new Pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text, [...parameters])).rows
  } finally {
    await client.end()
  }
}

const columns = "id, namespace, user_id, payload, created_at, last_activity, expires_at, version"

/** Copies a row the server wrote, under other ids: some whose cookies we know, the rest by number. */
const fill = async (url: string, rows: number): Promise<ReadonlyArray<string>> => {
  const tokens = Array.from({ length: Math.min(rows, 20_000) }, makeToken)
  const copy = (ids: string) =>
    `insert into sessions (${columns})
     select given.id, namespace, null, payload, created_at, last_activity,
       expires_at, version
     from (select * from sessions limit 1) as template, ${ids} as given(id)`
  await query(url, copy("unnest($1::text[])"), [tokens.map((token) => tokenId(token, "session"))])
  const numbered = `(select substr(encode(sha256(n::text::bytea), 'hex'), 1, 40)
    from generate_series(1, ${rows - tokens.length}) n)`
  await query(url, copy(numbered))
  await query(url, "vacuum analyze sessions")
  return tokens.map((token) => `__Host-session=${token}`)
}

const open = async (database: Database.Database, rows: number): Promise<Table> => {
  await query(database.url, `create database rows_${rows}`)
  const url = database.url.replace(/[^/]*$/, `rows_${rows}`)
  const server = await startServer({ BENCH_URL: url })
  const visitors = await Load.visitors(server.port, connections)
  return { rows, url, server, visitors, cookies: await fill(url, rows) }
}

const costOf = async (database: Database.Database, table: Table, path: string) => {
  const { server, visitors, cookies } = table
  const before = (await server.cpuMicros()) + database.cpuMicros()
  const { requests, latencies, failures } = await Load.run(visitors, path, seconds, cookies)
  if (failures > 0) console.error(`${path}: ${failures} requests failed`)
  const after = (await server.cpuMicros()) + database.cpuMicros()
  return { cpu: (after - before) / requests, p99: Load.quantile(latencies, 0.99) }
}

const compareCosts = async (database: Database.Database, tables: ReadonlyArray<Table>) => {
  for (const path of ["/read", "/write"]) {
    const ratios: Array<number> = []
    const costs: Array<ReadonlyArray<number>> = []
    for (let round = 0; round <= rounds; round++) {
      const cost: Array<number> = []
      for (const table of tables) cost.push((await costOf(database, table, path)).cpu)
      if (round === 0) continue
      costs.push(cost)
      ratios.push((cost[1] ?? 0) / (cost[0] ?? 0))
    }
    tables.forEach((table, index) => {
      const micros = Load.median(costs.map((cost) => cost[index] ?? 0)).toFixed(0)
      console.log(`${path} at ${table.rows} rows: ${micros} us CPU a request, server and database`)
    })
    console.log(`${path}: ratio ${Load.median(ratios).toFixed(2)} (goal: at most 1.2)`)
  }
}

const p99WithAndWithout = async (database: Database.Database, table: Table): Promise<void> => {
  const due = Math.round(table.rows / 10)
  const layer = storeLayer(table.url, true)
  const ratios: Array<number> = []
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    await query(
      table.url,
      `insert into sessions (${columns})
       select substr(encode(sha256((n + ${round})::text::bytea || 'due'), 'hex'), 1, 40), namespace, null, payload,
         created_at, last_activity, (extract(epoch from now()) * 1000)::bigint - 1 - (random() * 7200000)::int, version
       from (select * from sessions limit 1) as template, generate_series(1, ${due}) n
       on conflict do nothing`
    )
    await query(table.url, "vacuum analyze sessions")
    const without = await costOf(database, table, "/write")
    const began = performance.now()
    const collecting = Effect.runPromise(
      Effect.provide(SessionGc.collect, Layer.orDie(layer))
    ).then((count) => ({ count, seconds: (performance.now() - began) / 1000 }))
    const during = await costOf(database, table, "/write")
    const { count, seconds } = await collecting
    console.log(
      `collected ${count} of ${table.rows + due} in ${seconds.toFixed(1)} s; p99 of writes ` +
        `${without.p99.toFixed(1)} ms without, ${during.p99.toFixed(1)} ms beside it`
    )
    ratios.push(during.p99 / without.p99)
  }
  console.log(`p99: ratio ${Load.median(ratios).toFixed(2)} (goal: at most 2)`)
}

const showPlans = async (table: Table): Promise<void> => {
  const plans = await explainAll(table.url)
  const whole = [...plans].filter(([, plan]) => /^$|Seq Scan on|not explained/.test(plan))
  console.log(`${plans.size} statements explained; ${whole.length} read a whole table`)
  for (const [text, plan] of whole) console.log(`\n${text}\n${plan}`)
}

const showHot = async ({ url, rows }: Table): Promise<void> => {
  const [stats] = await query(
    url,
    `select n_tup_upd::int as updates, n_tup_hot_upd::int as hot
     from pg_stat_user_tables where relname = 'sessions'`
  )
  const share = (100 * stats.hot) / stats.updates
  console.log(`${rows} rows: ${share.toFixed(1)} % of ${stats.updates} updates HOT (goal: 95 %)`)
}

const main = async () => {
  const database = await Database.start("postgres")
  const tables: Array<Table> = []
  try {
    for (const rows of [small, large]) tables.push(await open(database, rows))
    console.log("The tables are filled.")
    await compareCosts(database, tables)
    for (const table of tables.slice(1)) await p99WithAndWithout(database, table)
    for (const table of tables.slice(1)) await showPlans(table)
  } finally {
    for (const { server, visitors } of tables) {
      for (const visitor of visitors) visitor.close()
      await server.stop()
    }
  }
  // A connection that ends reports its statistics.
  for (const table of tables) await showHot(table)
  await database.stop()
}

await main()
