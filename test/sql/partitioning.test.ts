/** What docs/partitioning.md promises, on tables that the statements of that page made. */
import { readFileSync } from "node:fs"
import { Statement } from "@effect/sql"
import { SqlClient } from "@effect/sql/SqlClient"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, ManagedRuntime, Option, Redacted, TestClock, TestContext } from "effect"
import pg from "pg"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import * as Session from "../../src/Session.js"
import { drain, migrating, SessionStore } from "../../src/SessionStore.js"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { json, pages, withApp } from "../http/support.js"
import { observedPostgres } from "../support/observedPostgres.js"
import { type PostgresServer, startPostgres } from "../support/postgres.js"
import { eventually } from "../support/process.js"
import { aRecord } from "../support/record.js"
import { idOf, openStore, postgres } from "./servers.js"

const page = readFileSync(new URL("../../docs/partitioning.md", import.meta.url), "utf8")

const statements = (name: string): string => {
  const block = new RegExp(`<!-- sql: ${name} -->\n\`\`\`sql\n([^]*?)\`\`\``).exec(page)
  if (block?.[1] === undefined) throw new Error(`The page has no statements "${name}".`)
  return block[1]
}

type Layout = "hash" | "day"

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

const aDatabase = async (layout: Layout): Promise<string> => {
  const url = await server.aDatabase()
  await server.run(url, statements(layout))
  if (layout === "day") await server.run(url, statements("make days"))
  return url
}

const client = (url: string) => PgClient.layer({ url: Redacted.make(url), maxConnections: 8 })

const layer = (layout: Layout, options: SqlSessionStore.Options = {}) =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.promise(() => aDatabase(layout)),
      (url) => SqlSessionStore.layerMigratedWith(options).pipe(Layer.provide(client(url)))
    )
  )

for (const layout of ["hash", "day"] as const) {
  SessionStoreTest.suite(`postgres, partitioned by ${layout}`, layer(layout), {
    layerKeeping7Days: layer(layout, { keepEnded: "7 days" })
  })
}

/** The partitions that each statement of `calls` looks into, by PostgreSQL's plan. */
const partitionsOf = async (
  url: string,
  calls: (store: SessionStore["Type"]) => Effect.Effect<unknown, unknown>
): Promise<ReadonlyArray<ReadonlyArray<string>>> => {
  const { run, dispose } = await openStore(postgres, url)
  const sent: Array<readonly [text: string, parameters: ReadonlyArray<unknown>]> = []
  const recording = Statement.setTransformer((statement) =>
    Effect.sync(() => {
      sent.push(statement.compile(true))
      return statement
    })
  )
  await run(Effect.flatMap(SessionStore, calls).pipe(Effect.provide(recording)))
  const plans = await run(
    Effect.flatMap(SqlClient, (sql) =>
      Effect.forEach(sent, ([text, parameters]) =>
        sql.unsafe(`explain (format json) ${text}`, parameters)
      )
    )
  )
  await dispose()
  return plans.map(relationsOf)
}

const relationsOf = (plan: unknown): ReadonlyArray<string> => [
  ...new Set(
    Array.from(
      JSON.stringify(plan).matchAll(/"Relation Name":"(sessions_\w+)"/g),
      ([, name]) => name ?? ""
    )
  )
]

describe("partitioned by hash", () => {
  test("a find, an update, a touch and a move of a session look into one partition each", async () => {
    const url = await aDatabase("hash")
    const record = aRecord({ id: idOf(1) })

    const partitions = await partitionsOf(url, (store) =>
      Effect.gen(function* () {
        yield* store.insert(record)
        yield* store.find(record.id)
        yield* store.update({ ...record, version: 2 }, 1)
        yield* store.touch(record.id, 2, record.lastActivityMillis, record.expiresAtMillis)
        yield* store.move(record.id, { ...record, id: idOf(2), version: 3 }, 2)
      })
    )

    const [inserted, ...others] = partitions
    expect(inserted).toEqual([])
    expect(others.map((names) => names.length)).toEqual([1, 1, 1, 1])
  })

  test("a find that misses looks into one partition by the id and into all by the last id", async () => {
    const partitions = await partitionsOf(await aDatabase("hash"), (store) => store.find(idOf(1)))

    expect(partitions.map((names) => names.length)).toEqual([1, 8])
  })

  // Each waits for a move that has not committed yet; then its row lies in another partition.
  const record = aRecord({ id: idOf(1) })
  const overtaken = [
    ["an update", false, (store) => store.update({ ...record, version: 2 }, 1)],
    ["a move", false, (store) => store.move(record.id, { ...record, id: idOf(3), version: 2 }, 1)],
    ["a remove by the old id", true, (store) => Effect.map(store.remove(record.id), Option.isSome)]
  ] satisfies ReadonlyArray<
    [string, boolean, (store: SessionStore["Type"]) => Effect.Effect<boolean, unknown>]
  >
  for (const [what, answer, call] of overtaken) {
    test(`${what} that a move across partitions overtakes is repeated and answers ${answer}`, async () => {
      const url = await aDatabase("hash")
      const observed = observedPostgres(url)
      const runtime = ManagedRuntime.make(
        SqlSessionStore.layerMigrated.pipe(Layer.provide(observed.layer))
      )
      const store = await runtime.runPromise(SessionStore)
      await runtime.runPromise(store.insert(record))
      const other = new pg.Client({ connectionString: url })
      await other.connect()
      await other.query("begin")
      await other.query(
        `update sessions set id = '${idOf(2)}', previous_id = '${record.id}', previous_kind = 'alias', previous_until = 9e15, version = 2`
      )

      const answered = runtime.runPromise(call(store))
      await eventually(() => isWaiting(url))
      await other.query("commit")

      expect(await answered).toBe(answer)
      expect(observed.failures).toContain("40001")
      await other.end()
      await runtime.dispose()
    })
  }

  const isWaiting = async (url: string): Promise<void> => {
    const waiting = await server.run(
      url,
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    if (waiting.length === 0) throw new Error("Nobody waits.")
  }

  test("two servers lose no increment while the session keeps changing its id", async () => {
    const url = await aDatabase("hash")
    const store = SqlSessionStore.layerMigrated.pipe(Layer.provide(client(url)), Layer.orDie)
    const app = pages({
      "/increment": json(Session.increment("count")),
      "/migrate": json(Session.migrate()),
      "/count": json(Session.get("count"))
    })
    const rounds = 10
    const parallel = 8

    await withApp(
      app,
      (one) =>
        withApp(
          app,
          async (two) => {
            const visitor = one.client()
            await visitor.send("/increment")
            for (let round = 0; round < rounds; round++) {
              const { cookie } = visitor
              const others = Array.from({ length: parallel }, (_, index) =>
                (index % 2 === 0 ? one : two).client(cookie).send("/increment")
              )
              await visitor.send("/migrate")
              for (const { status } of await Promise.all(others)) expect(status).toBe(200)
            }

            const answer = await visitor.send("/count")

            expect(JSON.parse(answer.text)).toMatchObject({ value: rounds * parallel + 1 })
          },
          { store }
        ),
      { store }
    )
  })

  test("a batch of the collection is as large as asked for, although partitions share row addresses", async () => {
    const url = await aDatabase("hash")
    const { store, run, dispose } = await openStore(postgres, url)
    await server.run(url, filling({ expired: 400, live: 100 }))

    const first = await run(store.collect(50))
    const together = await run(
      Effect.all([store.collect(50), store.collect(50)], { concurrency: "unbounded" })
    )
    const rest = await run(store.collect(1000))

    expect(first).toBe(50)
    expect(Math.max(...together)).toBeLessThanOrEqual(50)
    expect(first + together.reduce((sum, one) => sum + one, 0) + rest).toBe(400)
    expect(await run(store.count({ state: "all" }))).toEqual({ sessions: 100, users: 0 })
    await dispose()
  })

  const filling = ({ expired, live }: { readonly expired: number; readonly live: number }) => `
    insert into sessions (id, namespace, payload, created_at, last_activity, expires_at, version)
    select encode(substr(sha256(i::text::bytea), 1, 20), 'hex'), 'session', '{}', 0, 0,
      case when i <= ${expired} then 1000 else 9e15 end, 1
    from generate_series(1, ${expired + live}) i`

  test("a table in use gives its sessions to a partitioned one", async () => {
    const url = await server.aDatabase()
    const plain = SqlSessionStore.layerMigrated
    await server.run(
      url,
      statements("hash").replaceAll(/\bsessions\b|sessions(?=_%s)/g, "sessions_hashed")
    )
    const runtime = ManagedRuntime.make(
      migrating({
        from: plain,
        to: SqlSessionStore.layerMigratedWith({ table: "sessions_hashed" })
      }).pipe(Layer.provideMerge(client(url)))
    )
    const record = aRecord({ id: idOf(1), userId: "7" })
    const into = Effect.flatMap(SessionStore, (store) => store.insert(record))
    await runtime.runPromise(Effect.provide(into, plain))

    await runtime.runPromise(drain)

    const found = await runtime.runPromise(
      Effect.flatMap(SessionStore, (store) => store.find(record.id)).pipe(
        Effect.provide(SqlSessionStore.layerWith({ table: "sessions_hashed" }))
      )
    )
    expect(found).toEqual(Option.some(record))
    await runtime.dispose()
  })
})

describe("partitioned by day", () => {
  test("a find, an update, a touch and a move look into the live sessions only", async () => {
    const url = await aDatabase("day")
    const id = idOf(1)

    const partitions = await partitionsOf(url, (store) =>
      Effect.gen(function* () {
        yield* store.find(id)
        yield* store.update(aRecord({ id, version: 2 }), 1)
        yield* store.touch(id, 1, 1, 1)
        yield* store.move(id, aRecord({ id: idOf(2), version: 2 }), 1)
      })
    )

    expect(partitions).toEqual(Array.from({ length: 5 }, () => ["sessions_live"]))
  })

  test("updates that share a statement look into the live sessions only", async () => {
    const url = await aDatabase("day")
    const observed = observedPostgres(url)
    const runtime = ManagedRuntime.make(
      SqlSessionStore.layerMigrated.pipe(Layer.provide(observed.layer))
    )
    const store = await runtime.runPromise(SessionStore)
    const updates = [1, 2, 3, 4].map((number) =>
      store.update(aRecord({ id: idOf(number), version: 2 }), 1)
    )

    await runtime.runPromise(Effect.all(updates, { concurrency: "unbounded" }))

    const shared = observed.statements.find((text) => text.includes("unnest("))
    const plan = await server.run(url, `explain (generic_plan, format json) ${shared}`)
    expect(relationsOf(plan)).toEqual(["sessions_live"])
    await runtime.dispose()
  })

  const tomorrow = Math.floor(Date.now() / 86_400_000 + 1) * 86_400_000

  test("a session that ended lies in the partition of its day", async () => {
    const url = await aDatabase("day")
    const store = SqlSessionStore.layerMigratedWith({ keepEnded: "7 days" })
    const ending = Effect.gen(function* () {
      yield* TestClock.setTime(tomorrow + 1)
      const { insert, remove } = yield* SessionStore
      yield* insert(aRecord({ id: idOf(1), expiresAtMillis: tomorrow + 1000 }))
      yield* remove(idOf(1))
    })

    await Effect.runPromise(
      ending.pipe(
        Effect.provide(
          store.pipe(Layer.provide(client(url)), Layer.provideMerge(TestContext.TestContext))
        )
      )
    )

    const [row] = await server.run(url, "select tableoid::regclass as part from sessions")
    const day = new Date(tomorrow).toISOString().slice(0, 10).replaceAll("-", "")
    expect(row?.part).toBe(`sessions_ended_${day}`)
  })

  test("the days that are over are dropped, the others and the live sessions stay", async () => {
    const url = await aDatabase("day")
    const partition = "create table sessions_ended_20200101 partition of sessions_ended"
    await server.run(url, `${partition} for values from (1577836800000) to (1577923200000)`)
    const names = async () => {
      const rows = await server.run(url, "select relname from pg_class where relkind in ('r', 'p')")
      return rows.map(({ relname }) => String(relname)).filter((name) => /^sessions/.test(name))
    }
    const before = await names()

    await server.run(url, statements("drop days"))

    expect(before).toContain("sessions_ended_20200101")
    expect((await names()).sort()).toEqual(
      before.filter((name) => name !== "sessions_ended_20200101").sort()
    )
  })

  test("making the days once more changes nothing", async () => {
    const url = await aDatabase("day")

    const again = server.run(url, statements("make days"))

    await expect(again).resolves.toBeDefined()
  })
})
