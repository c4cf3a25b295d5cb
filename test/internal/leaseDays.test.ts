/** Leases over days and midnights, and between servers whose clocks differ. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import { acquire } from "../../src/internal/commit/lease.js"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import type { SessionStore } from "../../src/SessionStore.js"
import { json, pages, withApp } from "../http/support.js"
import { keepEnded, waiting, withStore } from "../support/waitingStore.js"

const second = 1000
const day = 24 * 60 * 60 * second
const midnight = Date.UTC(2030, 0, 2)

const real = Clock.make()

const clockOf = (now: () => number): Clock.Clock => ({
  [Clock.ClockTypeId]: Clock.ClockTypeId,
  unsafeCurrentTimeMillis: now,
  currentTimeMillis: Effect.sync(now),
  unsafeCurrentTimeNanos: () => BigInt(now()) * 1_000_000n,
  currentTimeNanos: Effect.sync(() => BigInt(now()) * 1_000_000n),
  sleep: (duration) => real.sleep(duration)
})

/** Runs an effect on a server whose clock shows this. */
const at =
  (millis: number) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.withClock(
      effect,
      clockOf(() => millis)
    )

const atOnce = { waitMillis: 0, holdMillis: 30 * second }

const inFiles = async (
  test: (layer: Layer.Layer<SessionStore, unknown>) => Promise<void>
): Promise<void> => {
  const parent = await mkdtemp(join(tmpdir(), "effect-session-lease-"))
  const directory = join(parent, "sessions")
  try {
    await test(
      Layer.provide(FileSystemSessionStore.layer({ directory, keepEnded }), NodeContext.layer)
    )
  } finally {
    await rm(parent, { recursive: true, force: true })
  }
}

const stores: ReadonlyArray<readonly [string, typeof inFiles]> = [
  ["memory", (test) => test(waiting())],
  ["files", inFiles]
]

describe("a lease, day after day", () => {
  for (const [name, opened] of stores) {
    for (const collects of [false, true]) {
      it(`is had again for as long as the app lives (${name}${collects ? ", collected" : ""})`, () =>
        opened(async (layer) => {
          const taken = await withStore(layer, (store) =>
            Effect.forEach(
              Array.from({ length: 60 }, (_, index) => midnight + index * 1.4 * day),
              (now) =>
                Effect.gen(function* () {
                  if (collects) yield* store.collect(100)
                  return Option.isSome(yield* acquire(store, "a", atOnce))
                }).pipe(at(now))
            )
          )

          expect(taken).toEqual(taken.map(() => true))
        }))
    }
  }

  it("goes round a record that was ended in the middle of the day", async () => {
    const ids: Array<string> = []
    const layer = waiting(({ insert }) => ({
      insert: (record) => {
        ids.push(record.id)
        return insert(record)
      }
    }))
    const taken = await withStore(layer, (store) =>
      Effect.gen(function* () {
        yield* acquire(store, "a", atOnce)
        yield* Effect.forEach(ids.slice(), (id) => store.remove(id))
        return [yield* acquire(store, "a", atOnce), yield* acquire(store, "a", atOnce)]
      }).pipe(at(midnight + day / 2))
    )

    expect(taken.map(Option.isSome)).toEqual([true, false])
  })

  it("costs two store calls, and its return one", async () => {
    const calls: Array<string> = []
    const layer = waiting(({ find, insert, update }) => ({
      find: (id) => Effect.zipRight(note("find"), find(id)),
      insert: (record) => Effect.zipRight(note("insert"), insert(record)),
      update: (record, version) => Effect.zipRight(note("update"), update(record, version))
    }))
    const note = (call: string) => Effect.sync(() => void calls.push(call))
    await withStore(layer, (store) =>
      Effect.gen(function* () {
        const first = yield* acquire(store, "a", atOnce)
        if (Option.isSome(first)) yield* first.value.release
        const next = yield* acquire(store, "a", atOnce)
        if (Option.isSome(next)) yield* next.value.release
      }).pipe(at(midnight + day / 2))
    )

    expect(calls).toEqual(["find", "insert", "update", "find", "update", "update"])
  })
})

describe("a lease at the end of a day", () => {
  it("excludes until it is over, beyond midnight", async () => {
    const taken = await withStore(waiting(), (store) =>
      Effect.forEach([-10, 5, 19, 21], (seconds) =>
        acquire(store, "a", atOnce).pipe(at(midnight + seconds * second))
      )
    )

    expect(taken.map(Option.isSome)).toEqual([true, false, false, true])
  })

  it("excludes for days where it is held for days", async () => {
    const options = { waitMillis: 0, holdMillis: 3 * day }
    const taken = await withStore(waiting(), (store) =>
      Effect.forEach([-0.5, 0.1, 1.5, 2.4, 2.6], (days) =>
        acquire(store, "a", days === -0.5 ? options : atOnce).pipe(at(midnight + days * day))
      )
    )

    expect(taken.map(Option.isSome)).toEqual([true, false, false, false, true])
  })

  it("is free again for everybody once it was given back", async () => {
    for (const seconds of [-5, 5]) {
      const taken = await withStore(waiting(), (store) =>
        Effect.gen(function* () {
          const first = yield* acquire(store, "a", atOnce).pipe(at(midnight - second))
          if (Option.isSome(first)) yield* first.value.release
          return yield* acquire(store, "a", atOnce).pipe(at(midnight + seconds * second))
        })
      )

      expect(taken._tag).toBe("Some")
    }
  })

  it("is given back in the one day when it cannot be had in the next", async () => {
    const taken = await withStore(waiting(), (store) =>
      Effect.gen(function* () {
        const ahead = yield* acquire(store, "a", atOnce).pipe(at(midnight + 30 * second))
        const behind = yield* acquire(store, "a", atOnce).pipe(at(midnight - 25 * second))
        const before = yield* acquire(store, "a", { waitMillis: 2000, holdMillis: second }).pipe(
          at(midnight - 70 * second)
        )
        return [ahead, behind, before]
      })
    )

    expect(taken.map(Option.isSome)).toEqual([true, false, true])
  })

  // Where a clock stands when the lease is asked for, seen from midnight.
  const places = [-120, -61, -59, -31, -1, 0, 1, 31, 59, 61, 120]
  const apart = places.flatMap((one) =>
    places.filter((other) => Math.abs(one - other) <= 60).map((other) => [one, other] as const)
  )

  it("is had by one of two servers whose clocks differ by up to a minute", async () => {
    for (const holdMillis of [90 * second, 10 * second]) {
      for (const [one, other] of apart) {
        const taken = await withStore(waiting(), (store) =>
          Effect.forEach([one, other], (seconds) =>
            acquire(store, "a", { waitMillis: 0, holdMillis }).pipe(at(midnight + seconds * second))
          )
        )

        const hasLapsed = other >= one + holdMillis / second
        expect([one, other, taken.map(Option.isSome)]).toEqual([one, other, [true, hasLapsed]])
      }
    }
  })

  it("is never had by two of them that ask at once", async () => {
    for (const [one, other] of apart) {
      for (const headStart of [0, 1, 2, 3, 4, 5]) {
        const taken = await withStore(waiting(), (store) =>
          Effect.forEach(
            [one, other],
            (seconds, index) =>
              Effect.repeatN(Effect.yieldNow(), index * headStart).pipe(
                Effect.zipRight(acquire(store, "a", { waitMillis: 0, holdMillis: 90 * second })),
                at(midnight + seconds * second)
              ),
            { concurrency: "unbounded" }
          )
        )

        const winners = taken.filter(Option.isSome).length
        expect([one, other, headStart, winners]).toEqual([one, other, headStart, 1])
      }
    }
  })
})

describe("the turn of a login", () => {
  it("is had each other day for months, where the store keeps what has ended", () =>
    inFiles(async (layer) => {
      let now = midnight
      const login = pages({ "/login": json(Session.login("ann")) })
      const config = Layer.merge(
        SessionConfig.layer({ maxSessionsPerUser: { max: 3, onLimit: "evictOldest" } }),
        Layer.setClock(clockOf(() => now))
      )
      const statuses: Array<number> = []
      await withApp(
        login,
        async (server) => {
          for (let count = 0; count < 30; count++) {
            statuses.push((await server.client().send("/login")).status)
            now += 2 * day
          }
        },
        { config, store: Layer.orDie(layer) }
      )

      expect(statuses).toEqual(statuses.map(() => 200))
    }))
})
