import { Chunk, Effect, Option, Stream } from "effect"
import { expect, test } from "vitest"
import type { Service, SessionStoreError } from "../../src/SessionStore.js"
import { LocalInstant } from "../../src/SessionStore.js"
import { aRecord } from "../support/record.js"
import { hourMillis, idOf, mysql, onEach, openStore, postgres, sqlite } from "./servers.js"

/** Finds and updates until it succeeds, as a commit does. */
const increment = (store: Service, id: string): Effect.Effect<void, SessionStoreError> =>
  Effect.gen(function* () {
    const record = Option.getOrThrow(yield* store.find(id))
    const payload = String(Number(record.payload) + 1)
    const next = { ...record, version: record.version + 1, payload }
    if (!(yield* store.update(next, record.version))) yield* increment(store, id)
  })

onEach([postgres, mysql, sqlite], (kind, aDatabase) => {
  const twoPools = async (options?: Parameters<typeof openStore>[2]) => {
    const url = await aDatabase()
    const one = await openStore(kind, url, options)
    const other = await openStore(kind, url, options)
    return {
      one: one.store,
      other: other.store,
      run: one.run,
      dispose: async () => {
        await Promise.all([one.dispose(), other.dispose()])
      }
    }
  }

  test("of 200 increments over two pools none is lost", async () => {
    const { one, other, run, dispose } = await twoPools()
    await run(one.insert(aRecord({ id: idOf(1), payload: "0" })))

    await run(
      Effect.all(
        [one, other].map((store) =>
          Effect.forEach(Array.from({ length: 100 }), () => increment(store, idOf(1)), {
            concurrency: 4
          })
        ),
        { concurrency: "unbounded" }
      )
    )

    expect(await run(other.find(idOf(1)))).toMatchObject({
      value: { payload: "200", version: 201 }
    })
    await dispose()
  })

  test("two pools that collect at once collect each session once, and no live one", async () => {
    const { one, other, run, dispose } = await twoPools()
    const expired = { expiresAtMillis: Date.now() - 1 }
    await run(
      Effect.forEach(
        Array.from({ length: 300 }, (_, index) => index),
        (index) => one.insert(aRecord({ id: idOf(index), ...(index % 3 > 0 ? expired : {}) })),
        { concurrency: 8 }
      )
    )
    const untilNone = (store: Service): Effect.Effect<number, SessionStoreError> =>
      Effect.flatMap(store.collect(20), (count) =>
        count === 0 ? Effect.succeed(0) : Effect.map(untilNone(store), (rest) => rest + count)
      )

    const counts = await run(
      Effect.all([untilNone(one), untilNone(other)], { concurrency: "unbounded" })
    )
    const late = await run(untilNone(one))

    expect(counts[0] + counts[1] + late).toBe(200)
    expect(await run(one.count({ state: "all" }))).toMatchObject({ sessions: 100 })
    await dispose()
  })

  test("a session that moves while it is listed is listed exactly once", async () => {
    const { one, other, run, dispose } = await twoPools()
    const ids = Array.from({ length: 1500 }, (_, index) => idOf(index * 2 + 100_000))
    await run(
      Effect.forEach(ids, (id) => one.insert(aRecord({ id, userId: id })), { concurrency: 8 })
    )
    // The first goes behind all others, the last before them.
    const move = (from: string, to: string) =>
      Effect.flatMap(other.find(from), (found) =>
        Option.isNone(found)
          ? Effect.succeed(false)
          : other.move(from, { ...found.value, id: to, version: 2 }, 1)
      )
    const first = ids[0] ?? ""
    const last = ids[ids.length - 1] ?? ""

    const summaries = await run(
      one.entries({}).pipe(
        Stream.mapChunksEffect((page) =>
          Effect.as(Effect.all([move(first, idOf(900_000)), move(last, idOf(1))]), page)
        ),
        Stream.runCollect
      )
    )

    const users = Chunk.toReadonlyArray(summaries).map(({ userId }) => userId)
    expect(users.sort()).toEqual(ids)
    await dispose()
  })

  test("a revocation by one pool is found by the other, by the age on the database's clock", async () => {
    const { one, other, run, dispose } = await twoPools()
    const user = { namespace: "session", userId: "7" }
    // As if this process's wall clock were ten years wrong.
    const since = { ...LocalInstant.now(), wallMillis: Date.now() + 87_600 * hourMillis }

    await run(one.revokeUser(user))

    expect(await run(other.revokedWithin({ ...user, since }))).toBe(true)
    await dispose()
  })

  test("a login that begins once a revocation has answered is not taken for one in flight", async () => {
    const { one, other, run, dispose } = await twoPools()
    const verdicts: Array<boolean> = []

    for (let round = 0; round < 20; round++) {
      const user = { namespace: "session", userId: `again ${round}` }
      await run(one.revokeUser(user))
      verdicts.push(await run(other.revokedWithin({ ...user, since: LocalInstant.now() })))
    }

    expect(verdicts).toEqual(verdicts.map(() => false))
    await dispose()
  })

  test("collect erases a sealed token when its grace is over, and nothing else of the session", async () => {
    const { one, run, dispose } = await twoPools()
    const previous = { id: idOf(9), kind: "alias", sealedToken: "sealed" } as const
    const over = aRecord({ id: idOf(1), previous: { ...previous, untilMillis: Date.now() - 1 } })
    const lasting = aRecord({
      id: idOf(2),
      previous: { ...previous, id: idOf(8), untilMillis: Date.now() + hourMillis }
    })
    await run(Effect.all([one.insert(over), one.insert(lasting)]))

    const collected = await run(one.collect(10))

    const found = await run(Effect.all([one.find(idOf(1)), one.find(idOf(2))]))
    expect(collected).toBe(0)
    expect(found).toEqual([
      Option.some({ ...over, previous: { ...over.previous, sealedToken: null } }),
      Option.some(lasting)
    ])
    await dispose()
  })
})
