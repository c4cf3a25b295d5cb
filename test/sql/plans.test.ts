import { Statement } from "@effect/sql"
import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer, Option, Stream } from "effect"
import { expect, test } from "vitest"
import { tokenId } from "../../src/core/record/token.js"
import { dialectOf } from "../../src/internal/sql/database.js"
import { LocalInstant, SessionStore } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { hourMillis, mysql, onEach, openStore, postgres, sqlite } from "./servers.js"

/** More take longer: `EFFECT_SESSION_TEST_ROWS=1000000 npx vitest run test/sql/plans.test.ts`. */
const rows = Number(process.env.EFFECT_SESSION_TEST_ROWS ?? 20_000)
const timeout = 120_000 + rows
const minute = 60_000
const day = 24 * hourMillis

/**
 * Rows of a table that keeps what ended: of a hundred 3 are live, 1 has expired and waits to be collected, and the others
 * ended over 30 days. Sessions live for up to 8 days.
 */
const rowOf = (n: number, now: number): ReadonlyArray<string | number | null> => {
  const isEnded = n % 100 > 3
  const isDue = n % 100 === 0
  const hasPrevious = !isEnded && n % 3 > 0
  const lastActivity = isEnded ? now - day - ((n * 7919) % (29 * day)) : now - (n % 7000) * 1000
  const expiresAt = isDue
    ? now - minute
    : isEnded
      ? lastActivity + minute
      : now + minute + (7200 - (n % 7200)) * 96_000
  return [
    tokenId(`row ${n}`, "session"),
    "session",
    n % 3 > 0 ? `${n % 4000}` : null,
    `192.0.2.${n % 200}`,
    isEnded ? "" : "x".repeat(200),
    lastActivity - minute,
    Math.min(lastActivity, expiresAt),
    expiresAt,
    isEnded ? expiresAt : null,
    1,
    hasPrevious ? tokenId(`before ${n}`, "session") : null,
    hasPrevious ? "quarantine" : null,
    hasPrevious ? lastActivity : null,
    n % 500 === 1 ? "sealed" : null
  ]
}

const filledColumns =
  "id, namespace, user_id, ip_address, payload, created_at, last_activity, expires_at, ended_at, version, previous_id, previous_kind, previous_until, previous_token"

const fill = Effect.gen(function* () {
  const sql = yield* SqlClient
  const now = Date.now()
  const atOnce = 500
  const marks = filledColumns.split(",").map(() => "?")
  const values = Array.from({ length: atOnce }, () => `(${marks.join(",")})`).join(",")
  const text = nativeOf(sql)(`insert into sessions (${filledColumns}) values ${values}`)
  for (let first = 0; first < rows; first += atOnce) {
    const some = Array.from({ length: atOnce }, (_, index) => rowOf(first + index, now))
    yield* sql.unsafe(text, some.flat())
  }
  yield* sql.unsafe(
    sql.onDialectOrElse({
      pg: () => "vacuum analyze sessions",
      mysql: () => "analyze table sessions",
      orElse: () => "analyze"
    })
  )
})

const nativeOf = (sql: SqlClient): ((text: string) => string) =>
  Effect.runSync(dialectOf(sql)).native

/** Every call of the store that sends statements, with what an app would ask for. */
const calls = Effect.gen(function* () {
  const store = yield* SessionStore
  const now = Date.now()
  const page = yield* Stream.runHead(store.entries({ namespace: "session", userId: "7" }))
  const live = yield* Stream.runHead(store.entries({ namespace: "session" }))
  const { id } = Option.getOrThrow(live)
  const record = Option.getOrThrow(yield* store.find(id))
  const user = { namespace: "session", userId: "9" }
  const recently = { namespace: "session", activeSinceMillis: now - 15 * minute }
  const thisHour = Math.floor(now / hourMillis) * hourMillis
  yield* store.find("0".repeat(40))
  yield* store.update(record, 99)
  yield* store.move(id, { ...record, id: "1".repeat(40) }, 99)
  yield* store.touch(id, 99, 1, 1)
  yield* store.remove("2".repeat(40))
  yield* store.count(user)
  yield* store.count({ namespace: "session" })
  yield* store.count({})
  yield* store.count({ state: "over" })
  yield* store.count(recently)
  yield* store.addresses(recently)
  yield* store.addresses({ ...recently, userId: "9" })
  yield* store.hourly({
    namespace: "session",
    fromMillis: thisHour - 5 * hourMillis,
    untilMillis: thisHour + hourMillis
  })
  yield* store.usage(recently)
  yield* store.usage(user)
  yield* store.revokeUser(user)
  yield* store.revokedWithin({ ...user, since: LocalInstant.now() })
  yield* store.collect(10)
  yield* store.removeWhere({ namespace: "nobody's" })
  yield* Stream.runDrain(Stream.take(store.entries({}), 1))
  yield* Stream.runDrain(Stream.take(store.entries(recently), 1))
  return page
})

/** Whether a plan reads the whole table of sessions, as each database says it. */
const readsAll = {
  postgres: (plan: string) => /Seq Scan on sessions[ "]/.test(plan),
  mysql: (plan: string) =>
    /"type":"ALL"[^}]*"table":"sessions"|"table":"sessions"[^}]*"type":"ALL"/.test(plan),
  sqlite: (plan: string) => /SCAN sessions(?! USING)/.test(plan)
}

onEach([postgres, mysql, sqlite], (kind, aDatabase) => {
  test("every statement reads an index and never the whole table", {
    timeout
  }, async () => {
    const { run, dispose } = await openStore(kind, await aDatabase(), { keepEnded: "30 days" })
    const sent: Array<readonly [text: string, parameters: ReadonlyArray<unknown>]> = []
    const recording = Statement.setTransformer((statement) =>
      Effect.sync(() => {
        sent.push(statement.compile(true))
        return statement
      })
    )
    const layer = SqlSessionStore.layerWith({ keepEnded: "30 days" })
    const explain = kind.name === "sqlite" ? "explain query plan" : "explain"
    const explained = Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* fill
      yield* Effect.provide(calls, Layer.provide(layer, recording))
      return yield* Effect.forEach(
        sent.filter(([text]) => /sessions/.test(text) && !text.includes("1 = 0")),
        ([text, parameters]) =>
          Effect.map(sql.unsafe(`${explain} ${text}`, parameters), (plan) => ({
            text,
            plan: JSON.stringify(plan)
          }))
      )
    })

    const plans = await run(explained)

    expect(plans.length).toBeGreaterThan(30)
    expect(plans.filter(({ plan }) => readsAll[kind.name](plan))).toEqual([])
    await dispose()
  })
})

onEach([postgres], (kind, aDatabase) => {
  test("at least 95 of 100 updates are HOT, under touches and writes of an hour", {
    timeout: 120_000
  }, async () => {
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
