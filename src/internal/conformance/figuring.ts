/**
 * Conformance of `addresses`, `hourly` and `usage`: the rules by examples, and on many sessions that an override tells
 * exactly what is derived from `entries`.
 */

import * as Effect from "effect/Effect"
import { expect } from "vitest"
import type { HourFigures, UserAddresses } from "../store/contract.js"
import * as Derived from "../store/derivedAnalytics.js"
import type { Bench, Suite } from "./bench.js"
import { day, hour, minute, moved, pass, second } from "./bench.js"

export const figuring = (suite: Suite): void => {
  findingAddresses(suite)
  countingHours(suite)
  addingUp(suite)
  agreeing(suite)
}

const inOrder = (users: ReadonlyArray<UserAddresses>): ReadonlyArray<UserAddresses> =>
  users
    .map((user) => ({ ...user, addresses: [...user.addresses].sort() }))
    .sort((a, b) => (a.userId < b.userId ? -1 : 1))

const findingAddresses = ({ test }: Suite): void => {
  test("addresses of a namespace without sessions are none", ({ store, namespace }) =>
    Effect.gen(function* () {
      expect(yield* store.addresses({ namespace })).toEqual([])
    }))

  test("addresses tell who was seen from more than one, each once", ({
    store,
    stored,
    namespace
  }) =>
    Effect.gen(function* () {
      yield* stored({ userId: "7", ipAddress: "192.0.2.1" })
      yield* stored({ userId: "7", ipAddress: "192.0.2.1" })
      yield* stored({ userId: "7", ipAddress: "2001:db8::1" })
      yield* stored({ userId: "8", ipAddress: "192.0.2.1" })
      yield* stored({ userId: "8", ipAddress: "192.0.2.1" })

      const users = inOrder(yield* store.addresses({ namespace }))

      expect(users).toEqual([{ userId: "7", addresses: ["192.0.2.1", "2001:db8::1"], sessions: 3 }])
    }))

  test("addresses leave out sessions without a user or an address", ({
    store,
    stored,
    namespace
  }) =>
    Effect.gen(function* () {
      yield* stored({ userId: null, ipAddress: "192.0.2.1" })
      yield* stored({ userId: null, ipAddress: "192.0.2.2" })
      yield* stored({ userId: "7", ipAddress: "192.0.2.1" })
      yield* stored({ userId: "7", ipAddress: null })

      expect(yield* store.addresses({ namespace })).toEqual([])
    }))

  test("addresses keep users apart byte by byte", ({ store, stored, namespace }) =>
    Effect.gen(function* () {
      const users = ["a", "A", "á", "a "]
      yield* Effect.forEach(users, (userId, index) =>
        stored({ userId, ipAddress: `192.0.2.${index}` })
      )

      expect(yield* store.addresses({ namespace })).toEqual([])
    }))

  test("addresses follow the filter", ({ store, stored, namespace, now }) =>
    Effect.gen(function* () {
      for (const userId of ["7", "8"]) {
        yield* stored({ userId, ipAddress: "192.0.2.1" })
        yield* stored({ userId, ipAddress: "192.0.2.2" })
        yield* stored({ userId, ipAddress: "192.0.2.3", lastActivityMillis: now - hour })
        yield* stored({ userId, ipAddress: "192.0.2.4", namespace: `${namespace}2` })
      }

      const activeSinceMillis = now - minute
      const users = inOrder(yield* store.addresses({ namespace, userId: "8", activeSinceMillis }))

      expect(users).toEqual([{ userId: "8", addresses: ["192.0.2.1", "192.0.2.2"], sessions: 2 }])
    }))
}

/** The last four hours before the one that contains `now`, and that one. */
const fiveHours = ({ namespace, now }: Pick<Bench, "namespace" | "now">) => {
  const untilMillis = (Math.floor(now / hour) + 1) * hour
  return { namespace, fromMillis: untilMillis - 5 * hour, untilMillis }
}

const counts = (hours: ReadonlyArray<HourFigures>) =>
  hours.map(({ sessions, users }) => [sessions, users])

const countingHours = ({ test }: Suite): void => {
  test("hourly shows every hour of the range in order, an empty one with 0", (bench) =>
    Effect.gen(function* () {
      const range = fiveHours(bench)

      const hours = yield* bench.store.hourly(range)

      expect(hours).toEqual(
        [0, 1, 2, 3, 4].map((index) => ({
          startMillis: range.fromMillis + index * hour,
          sessions: 0,
          users: 0
        }))
      )
    }))

  test("hourly of an empty range is empty", (bench) =>
    Effect.gen(function* () {
      const { namespace, fromMillis } = fiveHours(bench)
      const empty = { namespace, fromMillis, untilMillis: fromMillis }

      expect(yield* bench.store.hourly(empty)).toEqual([])
    }))

  test("hourly counts a session in each hour from its creation to its last activity", (bench) =>
    Effect.gen(function* () {
      const range = fiveHours(bench)
      const stay = (from: number, to: number) =>
        bench.stored({
          createdAtMillis: range.fromMillis + from,
          lastActivityMillis: range.fromMillis + to
        })
      yield* stay(0, 0)
      yield* stay(hour - 1, hour)
      yield* stay(2 * hour - 1, 3 * hour - 1)

      const hours = yield* bench.store.hourly(range)

      expect(counts(hours).map(([sessions]) => sessions)).toEqual([2, 2, 1, 0, 0])
    }))

  test("hourly counts of a longer session the hours in the range", (bench) =>
    Effect.gen(function* () {
      const range = fiveHours(bench)
      const middle = { fromMillis: range.fromMillis + hour, untilMillis: range.untilMillis - hour }
      yield* bench.stored({
        createdAtMillis: range.fromMillis - day,
        lastActivityMillis: range.untilMillis - 1
      })
      yield* bench.stored({
        createdAtMillis: range.fromMillis,
        lastActivityMillis: range.fromMillis + hour - 1
      })

      const hours = yield* bench.store.hourly({ ...range, ...middle })

      expect(counts(hours)).toEqual([
        [1, 0],
        [1, 0],
        [1, 0]
      ])
    }))

  test("hourly tells of 2000 hours, and of a session as long as those", (bench) =>
    Effect.gen(function* () {
      const { untilMillis, namespace } = fiveHours(bench)
      const fromMillis = untilMillis - 2000 * hour
      const record = { userId: "7", lastActivityMillis: untilMillis - 1 }
      yield* bench.stored({ ...record, createdAtMillis: fromMillis - day })
      yield* bench.stored({ ...record, createdAtMillis: untilMillis - 1000 * hour })

      const hours = yield* bench.store.hourly({ namespace, fromMillis, untilMillis })

      expect(counts(hours)).toEqual(
        Array.from({ length: 2000 }, (_, index) => [index < 1000 ? 1 : 2, 1])
      )
    }))

  test("hourly counts a user once an hour, and anonymous sessions as sessions only", (bench) =>
    Effect.gen(function* () {
      const range = fiveHours(bench)
      const inTheLast = { createdAtMillis: bench.now, lastActivityMillis: bench.now }
      yield* bench.stored({ ...inTheLast, userId: "7" })
      yield* bench.stored({ ...inTheLast, userId: "7", createdAtMillis: bench.now - hour })
      yield* bench.stored({ ...inTheLast, userId: "A" })
      yield* bench.stored({ ...inTheLast, userId: "a" })
      yield* bench.stored(inTheLast)
      yield* bench.stored({ ...inTheLast, namespace: `${bench.namespace}2` })

      const hours = yield* bench.store.hourly(range)

      expect(counts(hours).slice(-2)).toEqual([
        [1, 1],
        [5, 3]
      ])
    }))
}

const addingUp = ({ test }: Suite): void => {
  test("usage of a namespace without sessions is nothing", ({ store, namespace }) =>
    Effect.gen(function* () {
      const nothing = { live: 0, over: 0, payloadBytes: 0, activeMillis: 0 }

      expect(yield* store.usage({ namespace })).toEqual(nothing)
    }))

  test("usage adds up bytes of UTF-8 and the time from creation to last activity", ({
    store,
    stored,
    namespace,
    now
  }) =>
    Effect.gen(function* () {
      yield* stored({ payload: '"é漢👍"', createdAtMillis: now - hour, userId: "7" })
      yield* stored({
        payload: "",
        createdAtMillis: now - 3 * hour,
        lastActivityMillis: now - hour
      })
      yield* stored({ namespace: `${namespace}2` })

      const sums = yield* store.usage({ namespace })

      expect(sums).toEqual({ live: 2, over: 0, payloadBytes: 11, activeMillis: 3 * hour })
    }))

  test("usage counts a session that expired and was not collected apart", ({
    store,
    stored,
    aRecord,
    namespace
  }) =>
    Effect.gen(function* () {
      yield* stored({ payload: "1234" })
      yield* store.insert(aRecord({ payload: "12", expiresIn: -second }))

      const { live, over, payloadBytes } = yield* store.usage({ namespace })

      expect({ live, over, payloadBytes }).toEqual({ live: 1, over: 1, payloadBytes: 6 })
    }))

  test("usage follows the filter", ({ store, stored, namespace, now }) =>
    Effect.gen(function* () {
      yield* stored({ userId: "7", payload: "1" })
      yield* stored({ userId: "7", payload: "12", lastActivityMillis: now - hour })
      yield* stored({ userId: "8", payload: "123" })

      const ofUser = yield* store.usage({ namespace, userId: "7" })
      const active = yield* store.usage({ namespace, activeSinceMillis: now - minute })

      expect([ofUser.payloadBytes, active.payloadBytes]).toEqual([3, 4])
    }))

  test("what a revocation leaves behind is in no figure", (bench) =>
    Effect.gen(function* () {
      const { store, namespace } = bench
      yield* store.revokeUser({ namespace, userId: "7" })
      const marks = "effect-session/revocations"

      const sums = [yield* store.usage({ namespace }), yield* store.usage({ namespace: marks })]
      const hours = yield* store.hourly({ ...fiveHours(bench), namespace: marks })

      expect(sums.map(({ live, over }) => live + over)).toEqual([0, 0])
      expect(hours.every(({ sessions }) => sessions === 0)).toBe(true)
    }))
}

/** Sessions of all kinds, spread over two days; the same ones at each run. */
const manyKinds = ({ aRecord, now }: Pick<Bench, "aRecord" | "now">) => {
  let state = 12345
  const below = (bound: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * bound)
  }
  return Array.from({ length: 200 }, () => {
    const createdAtMillis = now - hour - below(2 * day)
    const expiresIn = below(5) === 0 ? -below(hour) : 1 + below(hour)
    const latest = now + Math.min(0, expiresIn)
    return aRecord({
      createdAtMillis,
      lastActivityMillis: createdAtMillis + below(latest - createdAtMillis + 1),
      userId: below(4) === 0 ? null : `user ${below(20)}`,
      ipAddress: below(6) === 0 ? null : `192.0.2.${below(4)}`,
      payload: "é".repeat(below(20)),
      expiresIn
    })
  })
}

const agreeing = ({ test }: Suite): void => {
  test("figures of an active time hold a session that expired in the instant of its last activity", ({
    store,
    stored,
    namespace,
    now
  }) =>
    Effect.gen(function* () {
      const atMillis = Math.floor(now / hour) * hour - 2 * hour
      const ended = (ipAddress: string, lastActivityMillis: number) => ({
        userId: "7",
        ipAddress,
        createdAtMillis: atMillis - hour,
        lastActivityMillis,
        expiresAtMillis: atMillis
      })
      yield* stored(ended("192.0.2.1", atMillis))
      yield* stored(ended("192.0.2.2", atMillis - 1))
      yield* stored({ ...ended("192.0.2.3", atMillis), expiresAtMillis: now + hour })
      yield* stored({ ...ended("192.0.2.4", atMillis - 1), expiresAtMillis: now + hour })
      const filter = { namespace, activeSinceMillis: atMillis }
      const range = { namespace, fromMillis: atMillis, untilMillis: atMillis + hour }

      const users = inOrder(yield* store.addresses(filter))
      const hours = yield* store.hourly(range)
      const { live, over } = yield* store.usage(filter)

      expect(users).toEqual([{ userId: "7", addresses: ["192.0.2.1", "192.0.2.3"], sessions: 2 }])
      expect(counts(hours)).toEqual([[2, 1]])
      expect([live, over]).toEqual([1, 1])
    }))

  test("the figures of 200 sessions of all kinds are those that entries tell", (bench) =>
    Effect.gen(function* () {
      const { store, namespace, now } = bench
      yield* Effect.forEach(manyKinds(bench), store.insert, { concurrency: 8, discard: true })
      const untilMillis = (Math.floor(now / hour) + 1) * hour
      const range = { namespace, fromMillis: untilMillis - 30 * hour, untilMillis }
      const filters = [
        { namespace },
        { namespace, userId: "user 3" },
        { namespace, activeSinceMillis: now - day }
      ]

      const hours = yield* store.hourly(range)
      const addresses = yield* Effect.forEach(filters, store.addresses)
      const sums = yield* Effect.forEach(filters, store.usage)

      expect(hours).toEqual(yield* Derived.hourly(store.entries)(range))
      expect(addresses.map(inOrder)).toEqual(
        (yield* Effect.forEach(filters, Derived.addresses(store.entries))).map(inOrder)
      )
      expect(sums).toEqual(yield* Effect.forEach(filters, Derived.usage(store.entries)))
    }))
}

/** For a store whose `keepEnded` is seven days, read by the `TestClock`. */
export const figuringKept = ({ timed }: Suite): void => {
  timed(
    "figures of an active time hold a kept session that was removed at its beginning",
    (bench) =>
      Effect.gen(function* () {
        const { store, stored, namespace, now } = bench
        const { id } = yield* stored({ createdAtMillis: now - hour })
        yield* stored({ createdAtMillis: now - hour, lastActivityMillis: now - 1 })
        yield* store.remove(id)

        const { live, over } = yield* store.usage({ namespace, activeSinceMillis: now })

        expect([live, over]).toEqual([0, 1])
      })
  )

  timed("figures hold a session that was removed by a server whose clock is behind", (bench) =>
    Effect.gen(function* () {
      const { store, stored, namespace, now } = bench
      const ahead = now + 59 * minute
      const { id } = yield* stored({ lastActivityMillis: ahead, expiresAtMillis: ahead + 2 * hour })
      yield* store.remove(id)
      const fromMillis = Math.floor(ahead / hour) * hour
      const range = { namespace, fromMillis, untilMillis: fromMillis + hour }

      const hours = yield* store.hourly(range)
      const { over } = yield* store.usage({ namespace, activeSinceMillis: ahead })

      expect(counts(hours)).toEqual([[1, 0]])
      expect(over).toBe(1)
    })
  )

  timed("a session that was removed or expired stays in the figures", (bench) =>
    Effect.gen(function* () {
      const { store, stored, namespace, now } = bench
      const user = { userId: "7", createdAtMillis: now - hour, payload: "1234" }
      const gone = yield* stored({ ...user, ipAddress: "192.0.2.1" })
      yield* stored({ ...user, ipAddress: "192.0.2.2", expiresIn: second })
      yield* store.remove(gone.id)
      yield* pass(second)
      yield* store.collect(1000)

      const users = inOrder(yield* store.addresses({ namespace }))
      const hours = yield* store.hourly(fiveHours(bench))
      const sums = yield* store.usage({ namespace })

      expect(users).toEqual([{ userId: "7", addresses: ["192.0.2.1", "192.0.2.2"], sessions: 2 }])
      expect(counts(hours).slice(-2)).toEqual([
        [2, 1],
        [2, 1]
      ])
      expect(sums).toEqual({ live: 0, over: 2, payloadBytes: 0, activeMillis: 2 * hour })
    })
  )

  timed("a session is in the figures once, however often its id changed", (bench) =>
    Effect.gen(function* () {
      const { store, stored, namespace, now } = bench
      const first = yield* stored()
      const second = moved(first, now)
      yield* store.move(first.id, second, 1)
      const third = moved(second, now)
      yield* store.move(second.id, third, 2)
      yield* store.remove(third.id)

      const { live, over } = yield* store.usage({ namespace })

      expect({ live, over }).toEqual({ live: 0, over: 1 })
    })
  )

  timed("the figures of 200 sessions, many of them kept, are those that entries tell", (bench) =>
    Effect.gen(function* () {
      const { store, namespace, now } = bench
      const records = manyKinds(bench)
      yield* Effect.forEach(records, store.insert, { concurrency: 8, discard: true })
      yield* Effect.forEach(records.slice(0, 60), ({ id }) => store.remove(id), { discard: true })
      yield* pass(10 * minute)
      yield* store.collect(20)
      const untilMillis = (Math.floor(now / hour) + 1) * hour
      const range = { namespace, fromMillis: untilMillis - 30 * hour, untilMillis }

      const hours = yield* store.hourly(range)
      const addresses = inOrder(yield* store.addresses({ namespace }))
      const sums = yield* store.usage({ namespace })

      expect(hours).toEqual(yield* Derived.hourly(store.entries)(range))
      expect(addresses).toEqual(inOrder(yield* Derived.addresses(store.entries)({ namespace })))
      expect(sums).toEqual(yield* Derived.usage(store.entries)({ namespace }))
    })
  )
}
