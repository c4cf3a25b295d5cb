import { Statement } from "@effect/sql"
import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer, Option, Stream } from "effect"
import { expect, test } from "vitest"
import { LocalInstant, SessionStore } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { hourMillis, onEach, openStore, postgres } from "./servers.js"

const rows = 20_000

/** Fills the table beside the store, a tenth of it expired. */
const filling = `
  insert into sessions (id, namespace, user_id, payload, created_at, last_activity, expires_at, version,
    previous_id, previous_kind, previous_until, previous_token)
  select encode(substr(sha256(i::text::bytea), 1, 20), 'hex'), 'session',
    case when i % 3 > 0 then (i % 4000)::text end, repeat('x', 200), n, n,
    case when i % 10 = 0 then n - i * 1000 else n + (i % 7200) * 1000 + 60000 end, 1,
    case when i % 3 > 0 then encode(substr(sha256(('p' || i)::bytea), 1, 20), 'hex') end,
    case when i % 3 > 0 then 'quarantine' end, case when i % 3 > 0 then n end,
    case when i % 500 = 1 then 'sealed' end
  from generate_series(1, ${rows}) i, (select ${Date.now()}::bigint n) t`

onEach([postgres], (kind, aDatabase) => {
  test("every statement but the counting of all reads an index and never the whole table", async () => {
    const url = await aDatabase()
    const { run, dispose } = await openStore(kind, url)
    const sent: Array<readonly [text: string, parameters: ReadonlyArray<unknown>]> = []
    const recording = Statement.setTransformer((statement) =>
      Effect.sync(() => {
        sent.push(statement.compile(true))
        return statement
      })
    )
    const calls = Effect.gen(function* () {
      const store = yield* SessionStore
      const page = yield* Stream.runHead(store.entries({ namespace: "session", userId: "7" }))
      const { id } = Option.getOrThrow(page)
      const record = Option.getOrThrow(yield* store.find(id))
      const user = { namespace: "session", userId: "9" }
      yield* store.find("0".repeat(40))
      yield* store.update(record, 99)
      yield* store.move(id, { ...record, id: "1".repeat(40) }, 99)
      yield* store.touch(id, 99, 1, 1)
      yield* store.remove("2".repeat(40))
      yield* store.count(user)
      yield* store.revokeUser(user)
      yield* store.revokedWithin({ ...user, since: LocalInstant.now() })
      yield* store.collect(10)
      yield* Stream.runDrain(Stream.take(store.entries({}), 1))
    })
    const explained = Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql.unsafe(filling)
      yield* sql.unsafe("vacuum analyze sessions")
      yield* Effect.provide(calls, Layer.provide(SqlSessionStore.layer(), recording))
      return yield* Effect.forEach(
        sent.filter(([text]) => !text.includes("1 = 0")),
        ([text, parameters]) => sql.unsafe(`explain ${text}`, parameters)
      )
    })

    const plans = (await run(explained)).map((plan) => JSON.stringify(plan))

    expect(plans.length).toBeGreaterThan(15)
    expect(plans.filter((plan) => /Seq Scan on sessions[ "]/.test(plan))).toEqual([])
    await dispose()
  })

  test("at least 95 of 100 updates are HOT, under touches and writes of an hour", async () => {
    const { store, run, dispose } = await openStore(kind, await aDatabase())
    const base = Math.ceil(Date.now() / hourMillis) * hourMillis
    const statistics = Effect.flatMap(SqlClient, (sql) =>
      sql.unsafe<{ updates: string; hot: string }>(
        "select n_tup_upd as updates, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'sessions'"
      )
    )
    const ids = Array.from({ length: 50 }, (_, index) => index.toString(16).padStart(40, "0"))
    const at = (index: number, minute: number) => base + index * 72_000 + minute * 60_000

    await run(
      Effect.gen(function* () {
        for (const [index, id] of ids.entries()) {
          const times = { createdAtMillis: base, lastActivityMillis: base }
          const empty = {
            userId: String(index),
            ipAddress: null,
            userAgent: null,
            endedAtMillis: null
          }
          const expiresAtMillis = at(index, 0)
          yield* store.insert({
            id,
            namespace: "session",
            ...empty,
            ...times,
            expiresAtMillis,
            version: 1,
            previous: null,
            payload: "x".repeat(200)
          })
        }
        for (let minute = 1; minute <= 60; minute++) {
          for (const [index, id] of ids.entries()) {
            const record = Option.getOrThrow(yield* store.find(id))
            const expiresAtMillis = at(index, minute)
            const payload = "y".repeat(180 + ((index + minute) % 40))
            yield* (index + minute) % 3 === 0
              ? store.update(
                  { ...record, expiresAtMillis, payload, version: record.version + 1 },
                  record.version
                )
              : store.touch(id, record.version, base + minute, expiresAtMillis)
          }
        }
      })
    )
    const flushed = Effect.flatMap(SqlClient, (sql) =>
      sql.unsafe("select pg_stat_force_next_flush()")
    )
    const [counted] = await run(Effect.zipRight(flushed, Effect.delay(statistics, "1500 millis")))

    expect(Number(counted?.updates)).toBe(3000)
    expect(Number(counted?.hot) / Number(counted?.updates)).toBeGreaterThanOrEqual(0.95)
    await dispose()
  })
})
