/** The plan of every statement the SQL store sends to PostgreSQL, with the parameters it sends. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Option, Stream } from "effect"
import Pg from "pg"
import { makeToken, tokenId } from "../../src/core/record/token.js"
import { SessionStore } from "../../src/index.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"

/** Runs every call of the store, some together, and gives the plans by the statements' texts. */
export const explainAll = async (url: string): Promise<ReadonlyMap<string, string>> => {
  const plans = new Map<string, string>()
  const explaining = new Pg.Pool({ connectionString: url, max: 1 })
  const pool = new Pg.Pool({ connectionString: url, max: 4 })
  pool.on("connect", (client) => {
    const query: unknown = client.query
    if (typeof query !== "function") return
    const explained = (...given: ReadonlyArray<unknown>): unknown => {
      const [text, parameters] = given
      if (typeof text === "string" && Array.isArray(parameters) && !plans.has(text)) {
        plans.set(text, "")
        explaining.query(`explain ${text}`, parameters).then(
          ({ rows }) => plans.set(text, rows.map((row) => row["QUERY PLAN"]).join("\n")),
          (error) => plans.set(text, `not explained: ${error}`)
        )
      }
      return Reflect.apply(query, client, given)
    }
    Object.defineProperty(client, "query", { value: explained })
  })
  const client = PgClient.layerFromPool({ acquire: Effect.succeed(pool) })
  const store = SqlSessionStore.layer.pipe(Layer.provide(client))
  await Effect.runPromise(Effect.provide(everyCall, store))
  await pool.end()
  await explaining.query("select 1")
  await explaining.end()
  return plans
}

const together = { concurrency: "unbounded" } as const
const namespace = "explained"
const userId = "somebody"

const aRecord = (): SessionStore.SessionRecord => ({
  id: tokenId(makeToken(), namespace),
  namespace,
  userId,
  ipAddress: "::1",
  userAgent: null,
  createdAtMillis: Date.now(),
  lastActivityMillis: Date.now(),
  expiresAtMillis: Date.now() + 3_600_000,
  endedAtMillis: null,
  version: 1,
  previous: null,
  payload: "{}"
})

const everyCall = Effect.gen(function* () {
  const store = yield* SessionStore.SessionStore
  const records = Array.from({ length: 30 }, aRecord)
  const ids = records.map(({ id }) => id)
  const touch = (id: string) => store.touch(id, 1, Date.now(), Date.now() + 3_600_000)
  const update = (record: SessionStore.SessionRecord) => store.update({ ...record, version: 2 }, 1)
  const move = (record: SessionStore.SessionRecord) =>
    store.move(record.id, { ...aRecord(), version: 3 }, 2)
  yield* Effect.forEach(records, store.insert, together)
  yield* Effect.forEach([...ids, tokenId(makeToken(), namespace)], store.find, together)
  yield* Effect.forEach(ids, touch, together)
  yield* Effect.forEach(records, update, together)
  yield* Effect.forEach(records, move, together)
  yield* store.count({ namespace, userId })
  yield* Stream.runDrain(store.entries({ namespace, userId }))
  yield* store.revokeUser({ namespace, userId })
  const since = SessionStore.LocalInstant.now()
  yield* store.revokedWithin({ namespace, userId, since })
  const [last = aRecord()] = records
  yield* store.insert({ ...last, id: tokenId(makeToken(), namespace) })
  yield* Effect.map(store.remove(last.id), Option.isSome)
  yield* store.collect(100)
})
