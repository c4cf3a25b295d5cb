import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Exit } from "effect"
import { expect, test } from "vitest"
import { apart } from "../../src/internal/effect/apart.js"
import type { Service } from "../../src/SessionStore.js"
import { aRecord } from "../support/record.js"
import { idOf, mysql, onEach, openStore, postgres, sqlite } from "./servers.js"

const rolledBack = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.exit(sql.withTransaction(Effect.zipRight(effect, Effect.fail("roll back" as const))))
  )

onEach([postgres, mysql], (kind, aDatabase) => {
  test("what was stored inside a transaction that is rolled back stays stored", async () => {
    const { store, run, dispose } = await openStore(kind, await aDatabase())
    const record = aRecord({ id: idOf(1) })
    await run(store.insert(record))

    await run(
      rolledBack(
        Effect.all([
          store.insert(aRecord({ id: idOf(2) })),
          store.update({ ...record, version: 2, payload: "updated" }, 1),
          store.touch(record.id, 2, record.lastActivityMillis + 1, record.expiresAtMillis + 1)
        ])
      )
    )

    const found = await run(Effect.all([store.find(idOf(1)), store.find(idOf(2))]))
    expect(found.map((one) => one._tag)).toEqual(["Some", "Some"])
    expect(found[0]).toMatchObject({ value: { version: 2, payload: "updated" } })
    expect(found[0]).toMatchObject({ value: { expiresAtMillis: record.expiresAtMillis + 1 } })
    await dispose()
  })

  test("what was removed inside a transaction that is rolled back stays removed", async () => {
    const { store, run, dispose } = await openStore(kind, await aDatabase())
    await run(store.insert(aRecord({ id: idOf(1) })))
    await run(store.insert(aRecord({ id: idOf(2), userId: "7" })))

    await run(
      rolledBack(
        Effect.all([store.remove(idOf(1)), store.revokeUser({ namespace: "session", userId: "7" })])
      )
    )

    expect(await run(store.count({ state: "all" }))).toEqual({ sessions: 0, users: 0 })
    await dispose()
  })

  test("a listing inside a transaction works, and sees what others stored", async () => {
    const { store, run, dispose } = await openStore(kind, await aDatabase())
    const listed = store.insert(aRecord({ id: idOf(1) })).pipe(Effect.zipRight(store.count({})))

    const exit = await run(
      Effect.flatMap(SqlClient, (sql) => Effect.exit(sql.withTransaction(listed)))
    )

    expect(exit).toEqual(Exit.succeed({ sessions: 1, users: 0 }))
    await dispose()
  })
})

onEach([postgres, mysql, sqlite], (kind, aDatabase) => {
  test("a transaction of another client neither takes a session nor gives one", async () => {
    const one = await openStore(kind, await aDatabase())
    const other = await openStore(kind, await aDatabase())

    await one.run(rolledBack(other.store.insert(aRecord({ id: idOf(1) }))))

    const inOther = await other.run(other.store.count({}))
    const inOne = await one.run(one.store.count({ state: "all" }))
    expect([inOther.sessions, inOne.sessions]).toEqual([1, 0])
    await Promise.all([one.dispose(), other.dispose()])
  })
})

onEach([sqlite], (kind, aDatabase) => {
  const limits = { millis: 2000, onTimeout: () => "too late", onInterrupt: "leave" } as const
  const callers = {
    "a call": (store: Service) => store.find(idOf(1)),
    "a call that is made apart": (store: Service) => apart(store.find(idOf(1)), limits)
  }

  for (const [name, call] of Object.entries(callers)) {
    test(`${name} inside a transaction of its own client fails at once, as unavailable`, async () => {
      const { store, run, dispose } = await openStore(kind, await aDatabase())

      const exit = await run(rolledBack(call(store)))

      expect(exit).toMatchObject(
        Exit.fail({ _tag: "SessionStoreError", operation: "find", reason: "unavailable" })
      )
      expect(await run(store.count({}))).toEqual({ sessions: 0, users: 0 })
      await dispose()
    })
  }
})
