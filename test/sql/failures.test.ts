import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, type Exit, Fiber, Option } from "effect"
import { expect, test } from "vitest"
import type { SessionStoreError } from "../../src/SessionStore.js"
import { aRecord } from "../support/record.js"
import { failureIn, idOf, mysql, onEach, openStore, postgres, sqlite } from "./servers.js"

const secret = "the-secret-of-the-payload"

const failureOf = <A>(exit: Exit.Exit<A, SessionStoreError>): SessionStoreError => {
  const failure = failureIn(exit)
  if (Option.isSome(failure)) return failure.value
  throw new Error(`No failure: ${exit}`)
}

/** Everything that a log could print of an error. */
const printed = (error: SessionStoreError): string =>
  [
    error.message,
    JSON.stringify(error),
    String(error.cause),
    JSON.stringify(error.cause),
    error.stack
  ].join()

const heldRow = {
  postgres: "select id from sessions for update",
  mysql: "select id from sessions for update",
  sqlite: ""
}

onEach([postgres, mysql], (kind, aDatabase) => {
  test("a row that another transaction holds longer than two seconds is a timeout", async () => {
    const { store, run, dispose } = await openStore(kind, await aDatabase())
    const record = aRecord({ id: idOf(1) })
    await run(store.insert(record))
    const updated = store.update({ ...record, version: 2, payload: secret }, 1)

    const exit = await run(
      Effect.flatMap(SqlClient, (sql) =>
        sql.withTransaction(Effect.zipRight(sql.unsafe(heldRow[kind.name]), Effect.exit(updated)))
      )
    )

    expect(failureOf(exit)).toMatchObject({ operation: "update", reason: "timeout" })
    await dispose()
  })

  test("a caller that goes away cancels no statement", async () => {
    const { store, run, dispose } = await openStore(kind, await aDatabase())
    const record = aRecord({ id: idOf(1) })
    await run(store.insert(record))
    const updated = store.update({ ...record, version: 2 }, 1)
    const versionNow = Effect.map(
      store.find(record.id),
      (found) => Option.getOrThrow(found).version
    )

    await run(
      Effect.flatMap(SqlClient, (sql) =>
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql.unsafe(heldRow[kind.name])
            const caller = yield* Effect.fork(updated)
            yield* Effect.sleep(300)
            yield* Fiber.interrupt(caller)
            yield* Effect.sleep(300)
          })
        )
      )
    )

    // It goes on when it has got the row.
    const version = await run(
      Effect.repeat(Effect.delay(versionNow, 50), { until: (version) => version === 2, times: 40 })
    )
    expect(version).toBe(2)
    await dispose()
  })

  const limit = {
    postgres: (url: string) => `${url}?options=-c%20lock_timeout%3D200`,
    mysql: (url: string) => url,
    sqlite: (url: string) => url
  }

  test.skipIf(kind.name === "mysql")("the database's own lock timeout is a timeout", async () => {
    const url = await aDatabase()
    const { store, run, dispose } = await openStore(kind, limit[kind.name](url))
    await run(store.insert(aRecord({ id: idOf(1) })))

    const exit = await run(
      Effect.flatMap(SqlClient, (sql) =>
        sql.withTransaction(
          Effect.zipRight(
            sql.unsafe(heldRow[kind.name]),
            Effect.exit(store.touch(idOf(1), 1, Date.now(), Date.now() + 7_200_000))
          )
        )
      )
    )

    const error = failureOf(exit)
    expect(error).toMatchObject({ operation: "touch", reason: "timeout" })
    expect(error.cause).toMatchObject({ code: "55P03" })
    await dispose()
  })
})

const constraint = {
  postgres: "alter table sessions add check (version < 5)",
  mysql: "alter table sessions add check (version < 5)",
  sqlite: `create trigger no before insert on sessions when new.version >= 5 begin select raise(abort, 'refused'); end`
}

onEach([postgres, mysql, sqlite], (kind, aDatabase) => {
  test("what the database says of a row stands in no error", async () => {
    const { store, run, dispose } = await openStore(kind, await aDatabase())
    await run(Effect.flatMap(SqlClient, (sql) => sql.unsafe(constraint[kind.name])))
    const bad = aRecord({ id: idOf(1), version: 5, payload: `"${secret}"`, userId: secret })

    const error = failureOf(await run(Effect.exit(store.insert(bad))))

    expect(error).toMatchObject({ operation: "insert", reason: "unknown" })
    expect(error.cause).toBeInstanceOf(Error)
    expect(printed(error)).not.toContain(secret)
    await dispose()
  })

  test("a row that no store wrote is corrupt", async () => {
    const { store, run, dispose } = await openStore(kind, await aDatabase())
    const previous = {
      id: idOf(2),
      kind: "alias",
      untilMillis: Date.now(),
      sealedToken: null
    } as const
    await run(store.insert(aRecord({ id: idOf(1), previous })))
    await run(
      Effect.flatMap(SqlClient, (sql) => sql.unsafe("update sessions set previous_kind = 'x'"))
    )

    const error = failureOf(await run(Effect.exit(store.find(idOf(1)))))

    expect(error).toMatchObject({ operation: "find", reason: "corrupt" })
    await dispose()
  })

  test("a table that is dropped under the store is a typed failure", async () => {
    const { store, run, dispose } = await openStore(kind, await aDatabase())
    await run(Effect.flatMap(SqlClient, (sql) => sql.unsafe("drop table sessions")))

    const error = failureOf(await run(Effect.exit(store.find(idOf(1)))))

    expect(error).toMatchObject({ operation: "find", reason: "unknown" })
    await dispose()
  })
})
