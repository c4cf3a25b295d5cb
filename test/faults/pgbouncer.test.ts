/** Servers that reach PostgreSQL through PgBouncer in transaction mode: X24. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { type PostgresServer, startOwnPostgres } from "../support/postgres.js"
import { pause } from "../support/process.js"
import { clientOf } from "../support/sqlClients.js"
import { startLoad } from "./support/load.js"
import { has } from "./support/machine.js"
import { type Pooler, poolSize, startPooler } from "./support/pgbouncer.js"
import { type Client, counted, refused, startServer } from "./support/server.js"

describe.skipIf(!has("pgbouncer"))("PostgreSQL behind PgBouncer", () => {
  let postgres: PostgresServer
  let pooler: Pooler

  beforeAll(async () => {
    postgres = await startOwnPostgres()
    pooler = await startPooler(new URL(await postgres.aDatabase()))
  })

  afterAll(async () => {
    await pooler?.close()
    await postgres?.close()
  })

  /** Two servers on one database, whose tables were made through the pooler too. */
  const twoServers = async () => {
    const database = await postgres.aDatabase()
    const url = pooler.through(database)
    await Promise.all(
      [1, 2, 3].map(() => Effect.runPromise(Effect.provide(SqlSessionStore.migrate, clientOf(url))))
    )
    const [first, second] = await Promise.all([startServer({ url }), startServer({ url })])
    return { database, first, second }
  }

  /** Clients with a session each, and then clients that share one, on both servers. */
  const manyClients = async ({ first, second }: Awaited<ReturnType<typeof twoServers>>) => {
    const both = [first, second]
    const alone = both.flatMap((server) => Array.from({ length: 12 }, () => server.client()))
    const shared = first.client()
    expect(await shared.send("/increment")).toMatchObject(counted(1))
    const together = both.flatMap((server) => [1, 2, 3].map(() => server.client(shared)))
    return { alone, together }
  }

  const countOf = async (client: Client) => (await client.send("/read")).body

  it("X24 that gives each statement another connection loses no increment, shared statement or login", async () => {
    const servers = await twoServers()
    const { alone, together } = await manyClients(servers)
    const [own, common] = [startLoad(alone), startLoad(together)]

    await pause(1500)
    const connections = await postgres.run(
      servers.database,
      "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    await Promise.all([own.stop(), common.stop()])
    const statements = await pooler.statements(servers.database)
    const logins = await Promise.all(
      alone.map((client, nth) => client.send(`/login?given=user-${nth}`))
    )

    const tallies = [...own.tallies, ...common.tallies]
    const acknowledged = tallies.map((tally) => tally.acknowledged)
    const inCommon = common.tallies.reduce((sum, tally) => sum + tally.acknowledged, 1)
    expect(tallies.flatMap(({ refusals }) => refusals)).toEqual([])
    expect(Math.min(...acknowledged)).toBeGreaterThan(0)
    // Each request reads and writes: with less than two statements they were shared.
    expect(statements).toBeLessThan(2 * acknowledged.reduce((sum, one) => sum + one, 0))
    expect(connections).toHaveLength(poolSize)
    expect(await Promise.all(together.map(countOf))).toEqual(
      together.map(() => ({ count: inCommon }))
    )
    expect(logins).toMatchObject(own.tallies.map((tally) => counted(tally.acknowledged)))
    expect(await Promise.all(alone.map(countOf))).toEqual(
      own.tallies.map((tally) => ({ count: tally.acknowledged }))
    )
    const users = await postgres.run(servers.database, "select distinct user_id from sessions")
    expect(users).toHaveLength(alone.length + 1)
  })

  it("X24 that is killed and started again under load loses nothing that was acknowledged", async () => {
    const servers = await twoServers()
    const { alone } = await manyClients(servers)
    const load = startLoad(alone)

    for (let times = 0; times < 2; times++) {
      await load.acknowledgedAgain()
      await pooler.kill()
      await pause(300)
      await pooler.start()
    }
    await load.acknowledgedAgain()
    await load.stop()

    const refusals = load.tallies.flatMap((tally) => tally.refusals)
    expect([servers.first.child.exitCode, servers.second.child.exitCode]).toEqual([null, null])
    expect(refusals.length).toBeGreaterThan(0)
    expect(refusals).toEqual(refusals.map(() => expect.objectContaining(refused)))
    await load.check()
  })

  // The rest of a store: X24 for every operation.
  SessionStoreTest.suite(
    "PgBouncer",
    Layer.unwrapEffect(
      Effect.map(
        Effect.promise(() => postgres.aDatabase()),
        (url) =>
          Layer.provide(
            SqlSessionStore.layerMigrated,
            PgClient.layer({ url: Redacted.make(pooler.through(url)), maxConnections: 8 })
          )
      )
    )
  )
})
