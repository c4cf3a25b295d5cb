/** What the Redis store leaves in the server: keys that expire, indexes that are repaired, and how many commands a call is. */
import { Effect, Fiber, Layer, Logger, ManagedRuntime, Option, Stream } from "effect"
import { createClient } from "redis"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { moved, next } from "../../src/internal/conformance/records.js"
import * as Scripts from "../../src/internal/redis/scripts.js"
import * as RedisSessionStore from "../../src/RedisSessionStore.js"
import {
  type Service,
  type SessionFilter,
  type SessionRecord,
  SessionStore,
  type SessionStoreError
} from "../../src/SessionStore.js"
import { eventually, pause } from "../support/process.js"
import { aRecord } from "../support/record.js"
import { lacksRedis, type RedisServer, startRedis } from "../support/redis.js"

describe.skipIf(lacksRedis)("the keys of a Redis store", () => {
  let server: RedisServer

  beforeAll(async () => {
    server = await startRedis({ appendonly: "no" })
  })

  afterAll(() => server?.close())

  beforeEach(async () => {
    await server.run("FLUSHALL")
  })

  const withStore = <A>(
    body: (store: Service) => Effect.Effect<A, SessionStoreError>,
    options: Partial<Pick<RedisSessionStore.Options, "prefix" | "keepEnded">> = {}
  ): Promise<A> =>
    Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(RedisSessionStore.make({ url: server.url, ...options }), body)
      ) as Effect.Effect<A, SessionStoreError>
    )

  const key = (kind: string, name: string) => `{effect-session}:${kind}:${name}`
  const keys = async () => (await server.run("KEYS", "*")) as ReadonlyArray<string>
  const ids = (store: Service, filter: SessionFilter = {}) =>
    Effect.map(Stream.runCollect(store.entries({ state: "all", ...filter })), (all) =>
      Array.from(all, ({ id }) => id)
    )

  /** When the server deletes a key, by its own clock, which is this host's. */
  const expiryOf = async (name: string) => Date.now() + Number(await server.run("PTTL", name))

  it("expire no later than the record says, also after a touch and a move", async () => {
    const record = aRecord({ expiresAtMillis: Date.now() + 60_000 })
    const current = moved(record)
    await withStore((store) =>
      Effect.all([
        store.insert(record),
        store.touch(record.id, 1, record.lastActivityMillis, record.expiresAtMillis + 60_000),
        store.move(record.id, { ...current, expiresAtMillis: record.expiresAtMillis + 90_000 }, 1)
      ])
    )

    const expiries = [await expiryOf(key("s", current.id)), await expiryOf(key("p", record.id))]

    for (const expiry of expiries) {
      // Not a duration: both instants are given, and only the way to the server lies between them.
      expect(Math.abs(expiry - record.expiresAtMillis - 90_000)).toBeLessThan(5000)
    }
    expect(await server.run("EXISTS", key("s", record.id))).toBe(0)
  })

  it("keep an ended session as long as keepEnded says, without its payload", async () => {
    const record = aRecord({ payload: "secret" })
    await withStore((store) => Effect.zipRight(store.insert(record), store.remove(record.id)), {
      keepEnded: "7 days"
    })

    const text = String(await server.run("GET", key("s", record.id)))

    expect(text).not.toContain("secret")
    const kept = (await expiryOf(key("s", record.id))) - Date.now()
    expect(Math.round(kept / 86_400_000)).toBe(7)
  })

  it("lose the sealed token when its grace is over, by the server alone", async () => {
    const { current, found, previous } = await withStore((store) =>
      Effect.gen(function* () {
        const record = aRecord()
        yield* store.insert(record)
        const previous = {
          id: record.id,
          kind: "alias" as const,
          untilMillis: Date.now() + 3000,
          sealedToken: "sealed-text"
        }
        const current = moved(record, { previous })
        yield* store.move(record.id, current, 1)
        return { current, previous, found: yield* store.find(current.id) }
      })
    )

    expect(found).toEqual(Option.some(current))
    await eventually(async () => {
      const texts = await Promise.all(
        (await keys()).filter((name) => /:[st]:/.test(name)).map((name) => server.run("GET", name))
      )
      expect(texts.join()).not.toContain("sealed-text")
    })
    expect(await withStore((store) => store.find(current.id))).toEqual(
      Option.some({ ...current, previous: { ...previous, sealedToken: null } })
    )
  })

  it("of sessions that the server has deleted leave the indexes with the next collection", async () => {
    const living = aRecord({ userId: "7" })
    const expiring = await withStore((store) =>
      Effect.suspend(() => {
        // Not over yet when it reaches the server: what is over already waits for a collection.
        const record = aRecord({ userId: "7", expiresAtMillis: Date.now() + 2000 })
        return Effect.as(store.insertMany([record, living]), record)
      })
    )
    await eventually(async () => {
      expect(await server.run("EXISTS", key("s", expiring.id))).toBe(0)
    })

    const before = await server.run("ZCARD", key("x", "session"))
    const collected = await withStore((store) => store.collect(100))

    expect([before, collected]).toEqual([2, 1])
    for (const index of [
      key("x", "session"),
      key("l", "session"),
      key("a", "session"),
      key("u", "7:session:7")
    ]) {
      expect(await server.run("ZCARD", index)).toBe(1)
    }
  })

  it("of evicted sessions are in no listing, and leave its index at once", async () => {
    const [evicted, living] = [aRecord({ userId: "7" }), aRecord({ userId: "7" })]
    await withStore((store) => store.insertMany([evicted, living]))
    await server.run("DEL", key("s", evicted.id))

    const listed = await withStore((store) => ids(store))

    expect(listed).toEqual([living.id])
    expect(await server.run("ZCARD", key("l", "session"))).toBe(1)
  })

  it("are all gone when every session is removed and collected", async () => {
    const record = aRecord({ userId: "7" })
    const current = moved(record)
    await withStore((store) =>
      Effect.all([
        store.insert(record),
        store.move(record.id, current, 1),
        store.remove(record.id),
        store.collect(100)
      ])
    )

    expect((await keys()).filter((name) => !/:(proof|serial)$/.test(name))).toEqual([])
  })

  it("of another prefix are another store's", async () => {
    const record = aRecord()
    await withStore((store) => store.insert(record), { prefix: "shop" })

    expect(await withStore((store) => store.find(record.id))).toEqual(Option.none())
    expect(await withStore((store) => store.find(record.id), { prefix: "shop" })).toEqual(
      Option.some(record)
    )
  })

  it.each(["shop{1}", "", "a b", "x".repeat(65)])("have no prefix such as %j", async (prefix) => {
    await expect(withStore((store) => store.count({}), { prefix })).rejects.toThrow("prefix")
  })

  it("that hold something else fail find with corrupt, and remove deletes them", async () => {
    const record = aRecord()
    await withStore((store) => store.insert(record))
    await server.run("SET", key("s", record.id), "something else")
    const other = aRecord()
    await server.run("LPUSH", key("s", other.id), "1")

    const reasonOf = <A>(call: Effect.Effect<A, SessionStoreError>) =>
      Effect.match(call, { onSuccess: () => "none", onFailure: ({ reason }) => reason })
    const reasons = await withStore((store) =>
      Effect.all([
        reasonOf(store.find(record.id)),
        reasonOf(store.update(next(record), 1)),
        reasonOf(store.find(other.id))
      ])
    )
    await withStore((store) => store.remove(record.id))

    expect(reasons).toEqual(["corrupt", "corrupt", "corrupt"])
    expect(await server.run("EXISTS", key("s", record.id))).toBe(0)
  })

  it("are not lost to a listing while their sessions are moved", { timeout: 120_000 }, async () => {
    // All of one instant, so that only their ids order them, and a move would put them anywhere.
    const lastActivityMillis = Date.now()
    const records = Array.from({ length: 300 }, () => aRecord({ lastActivityMillis }))
    const moveOn = (
      store: Service,
      record: SessionRecord
    ): Effect.Effect<void, SessionStoreError> =>
      Effect.suspend(() => {
        const current = moved(record)
        return Effect.zipRight(
          store.move(record.id, current, record.version),
          moveOn(store, current)
        )
      })
    const listed = await withStore((store) =>
      Effect.gen(function* () {
        yield* store.insertMany(records)
        const moving = yield* Effect.forkAll(records.map((record) => moveOn(store, record)))
        const since = { activeSinceMillis: lastActivityMillis }
        const rounds = yield* Effect.forEach([{}, {}, since, since], (filter) => ids(store, filter))
        yield* Fiber.interrupt(moving)
        return rounds
      })
    )

    for (const round of listed) expect(round).toHaveLength(records.length)
  })

  it("of a session that ends are dropped where the memory is full, also with keepEnded", async () => {
    const record = aRecord()
    const found = await withStore(
      (store) =>
        Effect.gen(function* () {
          yield* store.insert(record)
          yield* Effect.promise(() => server.run("CONFIG", "SET", "maxmemory", "1"))
          yield* store.remove(record.id)
          yield* Effect.promise(() => server.run("CONFIG", "SET", "maxmemory", "0"))
          return yield* store.find(record.id)
        }),
      { keepEnded: "7 days" }
    )

    expect(found).toEqual(Option.none())
    expect(await server.run("EXISTS", key("s", record.id))).toBe(0)
  })

  it("are read and written by one command a call, and those of a turn go out together", async () => {
    const records = Array.from({ length: 50 }, () => aRecord())
    const runtime = ManagedRuntime.make(RedisSessionStoreLayer(server.url))
    const store = await runtime.runPromise(SessionStore)
    const all = <A>(
      call: (record: (typeof records)[number]) => Effect.Effect<A, SessionStoreError>
    ) => runtime.runPromise(Effect.forEach(records, call, { concurrency: "unbounded" }))
    await all((record) => store.insert(record))
    await store.find("0".repeat(40)).pipe(runtime.runPromise)
    const before = await countsOf(server)

    await all((record) => store.find(record.id))
    await all((record) => store.update(next(record), 1))

    const after = await countsOf(server)
    await runtime.dispose()
    // The question for the counts is a command and a read of its own, over a connection that says hello.
    expect(after.scripts - before.scripts).toBe(100)
    expect(after.reads - before.reads).toBeLessThan(30)
  })

  it("end with their user also where the memory is too full to remember the revocation", async () => {
    const record = aRecord({ userId: "ada" })

    const [revoked, left] = await withStore((store) =>
      Effect.gen(function* () {
        yield* store.insert(record)
        yield* Effect.promise(() => server.run("CONFIG", "SET", "maxmemory", "1"))
        const { namespace } = record
        const revoked = yield* Effect.orDie(
          Effect.flip(store.revokeUser({ namespace, userId: "ada" }))
        )
        yield* Effect.promise(() => server.run("CONFIG", "SET", "maxmemory", "0"))
        return [revoked, yield* store.find(record.id)] as const
      })
    )

    expect(revoked.reason).toBe("unavailable")
    expect(left).toEqual(Option.none())
  })

  it("that were collected count also where the rest of the collection fails", async () => {
    const client = createClient({ url: server.url, RESP: 2 })
    await client.connect()
    let collections = 0
    const send: RedisSessionStore.Send = async (args) => {
      if (args[1] === Scripts.collect.digest && ++collections === 2) throw new Error("cut off")
      return client.sendCommand(args)
    }
    const over = { expiresAtMillis: Date.now() - 1000 }
    const records = Array.from({ length: 60 }, () => aRecord(over))

    const collected = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const store = yield* RedisSessionStore.make({ send })
          yield* store.insertMany(records)
          const first = yield* store.collect(100)
          return [first, yield* store.collect(100)]
        })
      ).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
    )

    expect(collected).toEqual([50, 10])
    client.destroy()
  })

  it("are reached through a client of the app's own, which stays open", async () => {
    const client = createClient({ url: server.url, RESP: 2 })
    await client.connect()
    const record = aRecord()
    const found = await Effect.runPromise(
      Effect.flatMap(SessionStore, (store) =>
        Effect.zipRight(store.insert(record), store.find(record.id))
      ).pipe(Effect.provide(RedisSessionStore.layer({ send: (args) => client.sendCommand(args) })))
    )

    expect(found).toEqual(Option.some(record))
    expect(client.isReady).toBe(true)
    client.destroy()
  })

  it("are refused through a client that changes texts or does not send", async () => {
    const build = (send: RedisSessionStore.Send) =>
      Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(RedisSessionStore.layer({ send })))))

    const upper = await build(async () => "AA")
    const broken = await build(() => {
      throw new Error("no client")
    })

    expect(upper.message).toContain("send must give texts back as they were given")
    expect(broken).toMatchObject({ _tag: "SessionStoreError", reason: "unavailable" })
  })

  it("a call that is interrupted leaves the connection in order", async () => {
    const record = aRecord()
    const found = await withStore((store) =>
      Effect.gen(function* () {
        yield* store.insert(record)
        for (let round = 0; round < 20; round++) {
          const call = yield* Effect.fork(store.update(next(record), round + 1))
          yield* Effect.promise(() => pause(round % 3))
          yield* Fiber.interrupt(call)
        }
        return yield* store.find(record.id)
      })
    )

    expect(Option.map(found, ({ id }) => id)).toEqual(Option.some(record.id))
  })
})

const RedisSessionStoreLayer = (url: string) => Layer.orDie(RedisSessionStore.layer({ url }))

/** How many scripts the server has run, and how often it has read from a connection. */
const countsOf = async (server: RedisServer) => {
  const commands = String(await server.run("INFO", "commandstats"))
  const stats = String(await server.run("INFO", "stats"))
  const calls = [...commands.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)]
  return {
    scripts: calls.reduce((sum, [, count]) => sum + Number(count), 0),
    reads: Number(/total_reads_processed:(\d+)/.exec(stats)?.[1])
  }
}
