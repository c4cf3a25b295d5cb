/** Copying into and out of a database: many sessions by few statements, each session as it was. */
import { Effect, Layer } from "effect"
import { expect, test } from "vitest"
import { copy, SessionStore } from "../../src/SessionStore.js"
import { aRecord } from "../support/record.js"
import { idOf, mysql, onEach, openStore, postgres, sqlite } from "./servers.js"

onEach([postgres, mysql, sqlite], (kind, aDatabase) => {
  test("insertMany stores what is new, changes nothing else, and never tells of one that it stored it twice", async () => {
    const { store, run, dispose } = await openStore(kind, await aDatabase())
    const records = Array.from({ length: 100 }, (_, number) =>
      aRecord({ id: idOf(number), userId: "ада 🗝", payload: `{"number":${number}}` })
    )
    const [first, ...others] = records
    if (first === undefined) throw new Error("There is one.")
    await run(store.insert(first))

    const fresh = await run(store.insertMany(others))
    const again = await run(store.insertMany(records))
    const mixed = await run(store.insertMany([first, aRecord({ id: idOf(100) })]))

    expect(fresh).toEqual(others.map(() => true))
    expect(again).toEqual(records.map(() => false))
    // A database that cannot pass over one of them may have refused both.
    expect(mixed[0]).toBe(false)
    const found = await run(Effect.forEach(records, ({ id }) => store.find(id)))
    expect(found.flatMap((one) => (one._tag === "Some" ? [one.value] : []))).toEqual(records)
    await dispose()
  })

  test("a copy into another table and back changes no session", async () => {
    const url = await aDatabase()
    const old = await openStore(kind, url)
    const other = await openStore(kind, url, { table: "others" })
    const records = Array.from({ length: 450 }, (_, number) =>
      aRecord({
        id: idOf(number),
        userId: number % 3 === 0 ? null : String(number),
        version: 1 + (number % 5),
        previous:
          number % 7 === 0
            ? {
                id: idOf(1000 + number),
                kind: "alias",
                untilMillis: Date.now() + 60_000,
                sealedToken: "s"
              }
            : null
      })
    )
    await old.run(old.store.insertMany(records))
    const layerOf = ({ store }: typeof old) => Layer.succeed(SessionStore, store)

    const there = await old.run(copy({ from: layerOf(old), to: layerOf(other) }))
    await old.run(old.store.removeWhere({}))
    // One is there already, so some statements meet a taken key.
    const taken = records[200]
    if (taken !== undefined) await old.run(old.store.insert({ ...taken, id: idOf(5000) }))
    const back = await old.run(copy({ from: layerOf(other), to: layerOf(old) }))

    expect([there.copied, back.copied]).toEqual([450, 450])
    const found = await old.run(Effect.forEach(records, ({ id }) => old.store.find(id)))
    expect(found.flatMap((one) => (one._tag === "Some" ? [one.value] : []))).toEqual(records)
    await other.dispose()
    await old.dispose()
  })
})
