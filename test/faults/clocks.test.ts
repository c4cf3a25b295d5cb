/** Clocks that go back, and servers whose clocks differ: X13 and X25, on every store. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import type { Service } from "../../src/SessionStore.js"
import { eachStore, type Place } from "./support/stores.js"
import { aRecord } from "./workers/spawn.js"

const minute = 60_000
const hour = 60 * minute
const id = "ab".padEnd(40, "0")
const noon = Date.UTC(2030, 0, 1, 12)

/** The clock of one server: it shows what it is set to. */
interface Hand {
  millis: number
}

const real = Clock.make()

const clockOf = (hand: Hand): Clock.Clock => ({
  ...real,
  unsafeCurrentTimeMillis: () => hand.millis,
  currentTimeMillis: Effect.sync(() => hand.millis),
  unsafeCurrentTimeNanos: () => BigInt(hand.millis) * 1_000_000n,
  currentTimeNanos: Effect.sync(() => BigInt(hand.millis) * 1_000_000n),
  sleep: (duration) => real.sleep(duration)
})

/** A server whose store is called at instants of its own clock. */
interface Server {
  readonly at: <A, E>(
    millis: number,
    call: (store: Service) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E>
}

const aServer = (open: Effect.Effect<Service, unknown, Scope.Scope>) =>
  Effect.map(open, (store): Server => {
    const hand = { millis: noon }
    return {
      at: (millis, call) =>
        Effect.suspend(() => {
          hand.millis = millis
          return Effect.withClock(call(store), clockOf(hand))
        })
    }
  })

/** A session that was last active at an instant and expires two hours later. */
const activeAt = (millis: number, idleMillis = 2 * hour) =>
  aRecord(id, {
    createdAtMillis: millis,
    lastActivityMillis: millis,
    expiresAtMillis: millis + idleMillis
  })

/** Claims about one server; `place` gives an empty place for sessions, and what opens a store there. */
const oneServer = (place: Place): void => {
  const test = (name: string, body: (server: Server) => Effect.Effect<void, unknown>) =>
    it(name, () =>
      Effect.runPromise(Effect.scoped(Effect.flatMap(Effect.flatMap(place, aServer), body)))
    )

  test("X13 whose clock goes back an hour keeps every live session", ({ at }) =>
    Effect.gen(function* () {
      const record = activeAt(noon)
      yield* at(noon, (store) => store.insert(record))
      yield* at(noon + 1, (store) => store.find(id))

      expect(yield* at(noon - hour, (store) => store.find(id))).toEqual(Option.some(record))
      expect(yield* at(noon + hour, (store) => store.find(id))).toEqual(Option.some(record))
    }))

  test("X13 whose clock goes back finds no session again that it has seen expire", ({ at }) =>
    Effect.gen(function* () {
      const record = activeAt(noon)
      yield* at(noon, (store) => store.insert(record))
      const expired = yield* at(record.expiresAtMillis + minute, (store) => store.find(id))

      const after = yield* at(record.expiresAtMillis - 30 * minute, (store) => store.find(id))
      const later = yield* at(record.expiresAtMillis - minute, (store) => store.find(id))

      expect([expired, after, later]).toEqual([Option.none(), Option.none(), Option.none()])
    }))

  test("X13 whose clock goes back finds sessions that begin afterwards, however short they live", ({
    at
  }) =>
    Effect.gen(function* () {
      yield* at(noon, (store) => store.find(id))
      const record = activeAt(noon - hour + minute, 15 * minute)

      yield* at(noon - hour, (store) => store.find(id))
      yield* at(noon - hour + minute, (store) => store.insert(record))
      const found = yield* at(noon - hour + 10 * minute, (store) => store.find(id))
      const expired = yield* at(noon - hour + 16 * minute, (store) => store.find(id))

      expect(found).toEqual(Option.some(record))
      expect(expired).toEqual(Option.none())
    }))

  test("X13 whose clock goes back moves no last activity back", ({ at }) =>
    Effect.gen(function* () {
      const record = activeAt(noon)
      yield* at(noon, (store) => store.insert(record))

      yield* at(noon - hour, (store) => store.touch(id, 1, noon - hour, noon + hour))

      expect(yield* at(noon, (store) => store.find(id))).toEqual(Option.some(record))
    }))

  test("X13 whose clock was ahead for a moment finds the sessions that are used afterwards", ({
    at
  }) =>
    Effect.gen(function* () {
      const year = 365 * 24 * hour
      yield* at(noon + year, (store) => store.find(id))
      // The request began before its session was stored.
      yield* at(noon + 20, (store) => store.insert(activeAt(noon)))

      const found = yield* at(noon + minute, (store) => store.find(id))

      expect(found).toEqual(Option.some(activeAt(noon)))
    }))
}

/** Claims about two servers on one place, the first of which is ten minutes ahead of the second. */
const twoServers = (place: Place): void => {
  const skew = 10 * minute
  type Both = { readonly ahead: Server["at"]; readonly behind: Server["at"] }
  const test = (name: string, body: (both: Both) => Effect.Effect<void, unknown>) =>
    it(name, () =>
      Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const open = yield* place
            const [first, second] = [yield* aServer(open), yield* aServer(open)]
            yield* body({
              ahead: (millis, call) => first.at(millis + skew, call),
              behind: (millis, call) => second.at(millis, call)
            })
          })
        )
      )
    )

  test("X25 agree on an expiry up to the difference of their clocks", ({ ahead, behind }) =>
    Effect.gen(function* () {
      const record = activeAt(noon)
      const end = record.expiresAtMillis
      yield* behind(noon, (store) => store.insert(record))
      const seen = (millis: number) =>
        Effect.all([
          ahead(millis, (store) => store.find(id)),
          behind(millis, (store) => store.find(id))
        ])

      const before = yield* seen(end - skew - 1)
      const between = yield* seen(end - skew)
      const after = yield* seen(end)

      expect(before).toEqual([Option.some(record), Option.some(record)])
      expect(between).toEqual([Option.none(), Option.some(record)])
      expect(after).toEqual([Option.none(), Option.none()])
    }))

  test("X25 revive nothing that either of them has ended or collected", ({ ahead, behind }) =>
    Effect.gen(function* () {
      const record = activeAt(noon)
      const end = record.expiresAtMillis
      const other = { ...record, id: "cd".padEnd(40, "0") }
      yield* behind(noon, (store) => store.insert(record))
      yield* behind(noon, (store) => store.insert(other))
      yield* ahead(noon, (store) => store.remove(other.id))
      yield* ahead(end - skew, (store) => store.collect(10))

      const found = yield* behind(end - skew, (store) =>
        Effect.all([store.find(id), store.find(other.id)])
      )
      yield* behind(end - skew, (store) => store.touch(id, 1, end, end + hour))
      const written = yield* behind(end - skew, (store) =>
        store.update({ ...record, version: 2 }, 1)
      )

      expect(found).toEqual([Option.none(), Option.none()])
      expect(written).toBe(false)
      expect(yield* behind(end - skew, (store) => store.find(id))).toEqual(Option.none())
    }))

  test("X25 move no last activity back", ({ ahead, behind }) =>
    Effect.gen(function* () {
      yield* behind(noon, (store) => store.insert(activeAt(noon)))
      yield* ahead(noon, (store) => store.touch(id, 1, noon + skew, noon + skew + 2 * hour))

      yield* behind(noon + minute, (store) =>
        store.touch(id, 1, noon + minute, noon + minute + 2 * hour)
      )
      const found = yield* behind(noon + minute, (store) => store.find(id))

      expect(Option.getOrThrow(found)).toMatchObject({
        lastActivityMillis: noon + skew,
        expiresAtMillis: noon + skew + 2 * hour
      })
    }))
}

eachStore((name, place, isShared) => {
  describe(`a server with its sessions in ${name}`, () => oneServer(place))
  if (isShared) describe(`two servers with their sessions in ${name}`, () => twoServers(place))
})
