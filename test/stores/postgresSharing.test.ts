/** What is special about PostgreSQL: concurrent requests share statements, and nobody notices but the database. */
import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Either, Fiber, Layer, Option } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { SessionRecord } from "../../src/core/record/record.js"
import { anId } from "../../src/internal/conformance/records.js"
import { SessionStore } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { type Observed, observedPostgres } from "../support/observedPostgres.js"
import { type PostgresServer, startPostgres } from "../support/postgres.js"
import { aRecord } from "../support/record.js"
import { questionsAbout } from "../support/revocations.js"

let server: PostgresServer
let url: string

beforeAll(async () => {
  server = await startPostgres()
  url = await server.aDatabase()
})

afterAll(() => server.close())

const next = (record: SessionRecord, given: Partial<SessionRecord> = {}): SessionRecord => ({
  ...record,
  version: record.version + 1,
  payload: `{"of":"${record.id}"}`,
  ...given
})

const concurrently = { concurrency: "unbounded" } as const

/** Runs a test with a store of its own on the one database. */
const withStore = <A, E>(
  test: Effect.Effect<A, E, SessionStore | SqlClient>,
  observed: Observed = observedPostgres(url)
): Promise<A> => {
  const layer = SqlSessionStore.layerMigrated.pipe(Layer.provideMerge(observed.layer))
  return Effect.runPromise(Effect.provide(test, layer))
}

const inserted = (count: number, given: Partial<SessionRecord> = {}) =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const records = Array.from({ length: count }, () => aRecord(given))
    yield* Effect.forEach(records, store.insert, concurrently)
    return records
  })

/** How many statements an effect sends. */
const counted = <A, E, R>(observed: Observed, effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const before = observed.statements.length
    return Effect.map(effect, (answer) => ({
      answer,
      statements: observed.statements.length - before
    }))
  })

describe("concurrent finds", () => {
  it("take two statements for sixty", async () => {
    const observed = observedPostgres(url)
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const records = yield* inserted(60)

      const { answer, statements } = yield* counted(
        observed,
        Effect.forEach(records, ({ id }) => store.find(id), concurrently)
      )

      expect(answer).toEqual(records.map(Option.some))
      expect(statements).toBe(2)
    })

    await withStore(test, observed)
  })

  it("look for previous ids together, too", async () => {
    const observed = observedPostgres(url)
    const untilMillis = Date.now() + 60_000
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const found = yield* inserted(10)
      const moved = Array.from({ length: 10 }, () =>
        aRecord({ previous: { id: anId(), kind: "alias", untilMillis, sealedToken: "sealed" } })
      )
      yield* Effect.forEach(moved, store.insert, concurrently)
      const ids = [...found, ...moved].map((record) => record.previous?.id ?? record.id)

      const { answer, statements } = yield* counted(
        observed,
        Effect.forEach([...ids, anId()], store.find, concurrently)
      )

      expect(answer).toEqual([...[...found, ...moved].map(Option.some), Option.none()])
      expect(statements).toBe(3)
    })

    await withStore(test, observed)
  })

  it("of one session are all answered", async () => {
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const [record] = yield* inserted(1)
      const ids = Array.from({ length: 20 }, () => record?.id ?? "")

      const found = yield* Effect.forEach(ids, store.find, concurrently)

      expect(found).toEqual(ids.map(() => Option.some(record)))
    })

    await withStore(test)
  })

  it("fail alone for a row that cannot be read", async () => {
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const records = yield* inserted(10)
      const bad = records[4]?.id ?? ""
      const spoil = `update sessions set previous_id = 'x', previous_kind = 'y' where id = '${bad}'`
      yield* Effect.promise(() => server.run(url, spoil))

      const found = yield* Effect.forEach(
        records,
        ({ id }) => Effect.either(store.find(id)),
        concurrently
      )

      expect(found.map(Either.isRight)).toEqual(records.map(({ id }) => id !== bad))
      const failure = found.find(Either.isLeft)?.left
      expect(failure?.reason).toBe("corrupt")
    })

    await withStore(test)
  })
})

describe("concurrent updates", () => {
  it("take two statements for sixty, and are all stored", async () => {
    const observed = observedPostgres(url)
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const records = yield* inserted(60)
      const changed = records.map((record) =>
        next(record, { userId: `user of ${record.id}`, ipAddress: "::1", userAgent: '{"a",NULL}' })
      )

      const { answer, statements } = yield* counted(
        observed,
        Effect.forEach(changed, (record) => store.update(record, 1), concurrently)
      )

      expect(answer).toEqual(records.map(() => true))
      expect(statements).toBe(2)
      const stored = yield* Effect.forEach(changed, ({ id }) => store.find(id), concurrently)
      expect(stored).toEqual(changed.map(Option.some))
    })

    await withStore(test, observed)
  })

  it("of one session at one version: only one is stored", async () => {
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const [record] = yield* inserted(1)
      const others = yield* inserted(10)
      const rivals = Array.from({ length: 10 }, (_, n) =>
        next(record as SessionRecord, { payload: `"${n}"` })
      )

      const answers = yield* Effect.forEach(
        [...others.map((other) => next(other)), ...rivals],
        (changed) => store.update(changed, 1),
        concurrently
      )

      expect(answers.slice(0, 10)).toEqual(others.map(() => true))
      const winners = rivals.filter((_, n) => answers[10 + n])
      expect(winners.length).toBe(1)
      expect(yield* store.find(record?.id ?? "")).toEqual(Option.fromNullable(winners[0]))
    })

    await withStore(test)
  })

  it("miss where the version has moved on, and only there", async () => {
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const records = yield* inserted(20)
      const [stale = aRecord()] = records.slice(7)
      yield* store.update(next(stale), 1)

      const answers = yield* Effect.forEach(
        records,
        (record) => store.update(next(record), 1),
        concurrently
      )

      expect(answers).toEqual(records.map((record) => record !== stale))
    })

    await withStore(test)
  })

  it("fail alone for a row the database refuses", async () => {
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const records = yield* inserted(20)
      const bad = records[7]
      const changed = records.map((record) =>
        next(record, record === bad ? { ipAddress: "1".repeat(46) } : {})
      )

      const answers = yield* Effect.forEach(
        changed,
        (record) => Effect.either(store.update(record, 1)),
        concurrently
      )

      const good = answers.filter((_, n) => records[n] !== bad)
      expect(good).toEqual(good.map(() => Either.right(true)))
      expect(answers.find(Either.isLeft)?.left.reason).toBe("tooLarge")
    })

    await withStore(test)
  })

  it("are not held up by a row that somebody keeps locked", async () => {
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const sql = yield* SqlClient
      const records = yield* inserted(20)
      const [locked = aRecord()] = records.slice(7)
      const others = records.filter((record) => record !== locked)

      const waiting = yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`select id from sessions where id = ${locked.id} for update`
          const fibers = yield* Effect.forEach([...others, locked], (record) =>
            Effect.fork(store.update(next(record), 1))
          )
          const free = fibers.slice(0, -1)
          expect(yield* Effect.forEach(free, Fiber.join)).toEqual(others.map(() => true))
          return fibers[fibers.length - 1] as (typeof fibers)[number]
        })
      )

      expect(yield* Fiber.join(waiting)).toBe(true)
    })

    await withStore(test)
  })

  it("stay stored when the caller's transaction is rolled back", async () => {
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const sql = yield* SqlClient
      const records = yield* inserted(20)
      const update = Effect.forEach(
        records,
        (record) => store.update(next(record), 1),
        concurrently
      )

      yield* Effect.either(sql.withTransaction(Effect.zipRight(update, Effect.fail("undo"))))

      const found = yield* Effect.forEach(records, ({ id }) => store.find(id), concurrently)
      expect(found).toEqual(records.map((record) => Option.some(next(record))))
    })

    await withStore(test)
  })
})

describe("concurrent moves", () => {
  it("take two statements for sixty, and are all stored", async () => {
    const observed = observedPostgres(url)
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const records = yield* inserted(60)
      const moved = records.map((record) => next(record, { id: anId(), userId: "somebody" }))

      const { answer, statements } = yield* counted(
        observed,
        Effect.forEach(moved, (to, n) => store.move(records[n]?.id ?? "", to, 1), concurrently)
      )

      expect(answer).toEqual(records.map(() => true))
      expect(statements).toBe(2)
      const found = yield* Effect.forEach(moved, ({ id }) => store.find(id), concurrently)
      expect(found).toEqual(moved.map(Option.some))
    })

    await withStore(test, observed)
  })

  it("to an id that is taken miss alone", async () => {
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const records = yield* inserted(20)
      const [taken = aRecord()] = yield* inserted(1)

      const answers = yield* Effect.forEach(
        records,
        ({ id }, n) => store.move(id, aRecord({ id: n === 7 ? taken.id : anId(), version: 2 }), 1),
        concurrently
      )

      expect(answers).toEqual(records.map((_, n) => n !== 7))
    })

    await withStore(test)
  })
})

describe("concurrent touches", () => {
  it("take two statements for sixty, and never go backwards", async () => {
    const observed = observedPostgres(url)
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const records = yield* inserted(60)

      const { statements } = yield* counted(
        observed,
        Effect.forEach(
          records,
          ({ id, lastActivityMillis, expiresAtMillis }) =>
            store.touch(id, 1, lastActivityMillis + 5, expiresAtMillis - 5),
          concurrently
        )
      )

      expect(statements).toBe(2)
      const found = yield* Effect.forEach(records, ({ id }) => store.find(id), concurrently)
      expect(found).toEqual(
        records.map((record) =>
          Option.some({ ...record, lastActivityMillis: record.lastActivityMillis + 5 })
        )
      )
    })

    await withStore(test, observed)
  })
})

describe("concurrent questions about revocations", () => {
  it("take two statements for sixty, and each hears of its own user, session and time", async () => {
    const observed = observedPostgres(url)
    const test = Effect.gen(function* () {
      const store = yield* SessionStore
      const users = Array.from({ length: 10 }, (_, n) => ({
        namespace: "session",
        userId: `revoked ${n}`
      }))
      const spared = anId()
      yield* Effect.forEach(users, (user) => store.revokeUser({ ...user, except: spared }))

      const { answer, statements } = yield* counted(
        observed,
        Effect.forEach(
          users.flatMap((user) => questionsAbout(user, spared)),
          ({ asked, revoked }) =>
            Effect.map(store.revokedWithin(asked), (found) => ({ asked, revoked, found })),
          concurrently
        )
      )

      expect(answer.filter(({ found, revoked }) => found !== revoked)).toEqual([])
      expect(answer.length).toBe(60)
      expect(statements).toBe(2)
    })

    await withStore(test, observed)
  })
})

describe("two servers that write the same sessions", () => {
  it("never wait for each other in a circle", async () => {
    const both = [observedPostgres(url), observedPostgres(url)]
    const records = await withStore(inserted(60))
    // Among many rows, so that the rows of a batch are looked up in its own order.
    await server.run(
      url,
      `insert into sessions (id, namespace, payload, created_at, last_activity, expires_at, version)
       select md5(n::text), 'other', '', 0, 0, 0, 1 from generate_series(1, 20000) n;
       analyze sessions`
    )
    const touchAll = Effect.gen(function* () {
      const store = yield* SessionStore
      const shuffled = [...records].sort(() => Math.random() - 0.5)
      yield* Effect.forEach(
        shuffled,
        ({ id, expiresAtMillis }) => store.touch(id, 1, Date.now(), expiresAtMillis),
        concurrently
      )
    })

    await Promise.all(both.map((observed) => withStore(Effect.repeatN(touchAll, 60), observed)))

    expect(both.flatMap(({ failures }) => failures)).toEqual([])
  })
})
