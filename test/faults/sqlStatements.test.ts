/** Stores whose statements wait too long, are undone or find no table or another row: X18, X19, X21 and X27. */
import { SqlClient } from "@effect/sql/SqlClient"
import { Deferred, Effect, Fiber, Option } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { SessionConfigError } from "../../src/internal/errors/errors.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { eventually } from "../support/process.js"
import { clientOf } from "../support/sqlClients.js"
import {
  aMigratedDatabase,
  type DatabaseServer,
  type Kind,
  kinds,
  withStore
} from "./support/databases.js"
import { counted, refused, startServer } from "./support/server.js"
import { aRecord } from "./workers/spawn.js"

const id = "ab".padEnd(40, "0")
const record = aRecord(id)
const newer = { ...record, version: 2, payload: "newer" }

/**
 * Runs an effect while a transaction of another client keeps the row locked, by a statement that changes it. The
 * transaction ends when `until` says so, the statement with it.
 */
const whileLocked = <A, E, R>(
  url: string,
  statement: string,
  effect: Effect.Effect<A, E, R>,
  until: (fiber: Fiber.Fiber<A, E>) => Effect.Effect<unknown>
) =>
  Effect.gen(function* () {
    const locked = yield* Deferred.make<void>()
    const done = yield* Deferred.make<void>()
    const holder = yield* Effect.flatMap(SqlClient, (sql) =>
      sql.withTransaction(
        sql
          .unsafe(statement)
          .pipe(
            Effect.zipRight(Deferred.succeed(locked, undefined)),
            Effect.zipRight(Deferred.await(done))
          )
      )
    ).pipe(Effect.provide(clientOf(url)), Effect.fork)
    yield* Deferred.await(locked)
    const running = yield* Effect.fork(effect)
    yield* until(running)
    yield* Deferred.succeed(done, undefined)
    yield* Fiber.join(holder)
    return yield* Fiber.join(running)
  })

const faults = (kind: Kind): void => {
  let database: DatabaseServer

  beforeAll(async () => {
    database = await kind.start()
  })

  afterAll(() => database.close())

  /** Waits until so many statements wait; one that timed out is soon given up by the server too. */
  const waiting = (url: string, count: number) =>
    eventually(async () => {
      const [row] = await database.run(url, kind.waiting)
      if (Number(row?.n) !== count) throw new Error("Other statements wait for a lock.")
    })

  for (const [what, limit] of kind.limits) {
    it(`X18 that waits for a row longer than ${what} fails with timeout and writes nothing`, async () => {
      const url = await aMigratedDatabase(database)
      const limited = await limit(database, url)

      await withStore(limited, (store) =>
        Effect.gen(function* () {
          yield* store.insert(record)

          const failure = yield* whileLocked(
            url,
            "update sessions set payload = payload",
            Effect.flip(store.update(newer, 1)),
            (running) =>
              Effect.zipRight(
                Fiber.await(running),
                Effect.promise(() => waiting(url, 0))
              )
          )

          expect([failure.operation, failure.reason]).toEqual(["update", "timeout"])
          expect(yield* store.find(id)).toEqual(Option.some(record))
          expect(yield* store.update(newer, 1)).toBe(true)
        })
      )
    })
  }

  for (const [what, fault] of kind.undoings) {
    it(`X19 that is undone by ${what} is repeated, and done once`, async () => {
      const url = await aMigratedDatabase(database)
      await withStore(url, (store) =>
        Effect.gen(function* () {
          yield* store.insert(record)
          yield* Effect.promise(() => kind.undoUpdates(database, url, fault, 3))

          const updated = yield* store.update(newer, 1)

          expect(updated).toBe(true)
          expect(yield* Effect.promise(() => kind.attempts(database, url))).toBe(4)
          expect(yield* store.find(id)).toEqual(Option.some(newer))
        })
      )
    })

    it(`X19 that is undone by ${what} every time fails, typed, after a few attempts`, async () => {
      const url = await aMigratedDatabase(database)
      await withStore(url, (store) =>
        Effect.gen(function* () {
          yield* store.insert(record)
          yield* Effect.promise(() => kind.undoUpdates(database, url, fault, 1_000_000))

          const failure = yield* Effect.flip(store.update(newer, 1))

          expect([failure.operation, failure.reason]).toEqual(["update", "unavailable"])
          expect(yield* Effect.promise(() => kind.attempts(database, url))).toBe(5)
          expect(yield* store.find(id)).toEqual(Option.some(record))
        })
      )
    })
  }

  it("X19 whose transactions are serializable loses no increment of two servers on one session", async () => {
    const url = await aMigratedDatabase(database)
    await kind.setSerializable(database, url)
    const servers = await Promise.all([1, 2].map(() => startServer({ url })))
    const first = servers[0]?.client()
    expect(await first?.send("/increment")).toMatchObject(counted(1))
    const clients = servers.flatMap((server) => [1, 2, 3].map(() => server.client(first)))

    const answers = await Promise.all(
      clients.map(async (client) => {
        const statuses: Array<number> = []
        for (let nth = 0; nth < 20; nth++) statuses.push((await client.send("/increment")).status)
        return statuses
      })
    )

    const statuses = answers.flat()
    const isStored = statuses.filter((status) => status === 200).length
    expect(statuses.filter((status) => ![200, 409, 503].includes(status))).toEqual([])
    expect(isStored).toBeGreaterThan(60)
    expect(await first?.send("/read")).toMatchObject({
      body: { count: expect.toSatisfy((count) => count > isStored && count <= 121) }
    })
  })

  it("X27 that collects a session which is touched at that moment leaves it alone", async () => {
    const url = await aMigratedDatabase(database)
    const live = { ...record, expiresAtMillis: Date.now() + 3_600_000 }
    await withStore(url, (store) =>
      Effect.gen(function* () {
        yield* store.insert({ ...live, expiresAtMillis: Date.now() - 1 })

        const collected = yield* whileLocked(
          url,
          `update sessions set expires_at = ${live.expiresAtMillis}`,
          store.collect(10),
          // Either it waits for the row, or it passes over it.
          (running) =>
            Effect.race(
              Fiber.await(running),
              Effect.promise(() => waiting(url, 1))
            )
        )

        expect(collected).toBe(0)
        expect(yield* store.find(id)).toEqual(Option.some(live))
      })
    )
  })

  it("X21 without its table is not opened: the error names the migration", async () => {
    const url = await aMigratedDatabase(database)
    await database.run(url, "drop table sessions")

    const failure = await Effect.runPromise(
      Effect.flip(Effect.provide(SqlSessionStore.make, clientOf(url)))
    )

    expect(failure).toBeInstanceOf(SessionConfigError)
    expect(String(failure)).toContain("0001_create_sessions")
  })

  it("X21 whose table lacks a column is not opened, and no migration drops what is there", async () => {
    const url = await aMigratedDatabase(database)
    await withStore(url, (store) => store.insert(record))
    await database.run(url, "alter table sessions drop column user_agent")

    const failures = await Promise.all(
      [SqlSessionStore.make, SqlSessionStore.migrate].map((opening) =>
        Effect.runPromise(
          Effect.flip(
            Effect.provide(Effect.asVoid<unknown, unknown, SqlClient>(opening), clientOf(url))
          )
        )
      )
    )

    expect(failures.map(String)).toEqual([1, 2].map(() => expect.stringContaining("0001_create")))
    expect(await database.run(url, "select id from sessions")).toHaveLength(1)
  })

  it("X21 that loses its table while the server runs refuses requests with 503", async () => {
    const url = await aMigratedDatabase(database)
    const server = await startServer({ url })
    const client = server.client()
    expect(await client.send("/increment")).toMatchObject(counted(1))
    await database.run(url, "alter table sessions rename to elsewhere")

    const gone = await client.send("/increment")
    await database.run(url, "alter table elsewhere rename to sessions")

    expect(gone).toMatchObject(refused)
    expect(await client.send("/increment")).toMatchObject(counted(2))
  })
}

for (const kind of kinds) {
  describe.skipIf(kind.isLacking)(`a store in ${kind.name}`, () => faults(kind))
}
