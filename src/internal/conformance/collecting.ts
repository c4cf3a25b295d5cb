/** Conformance of `collect`, and of a store that keeps ended sessions for seven days. */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { SessionStoreError } from "../errors/errors.js"
import type { Bench, Suite } from "./bench.js"
import { day, drained, hour, listed, minute, moved, next, pass, second } from "./bench.js"

/** Stores `amount` sessions of the test that are over. */
const overdue = (
  { store, aRecord }: Bench,
  amount: number
): Effect.Effect<void, SessionStoreError> =>
  Effect.forEach(
    Array.from({ length: amount }),
    () => store.insert(aRecord({ expiresIn: -second })),
    { discard: true }
  )

export const collecting = ({ test, timed }: Suite): void => {
  test("collect removes what expired and counts it", (bench) =>
    Effect.gen(function* () {
      yield* drained(bench.store)
      yield* overdue(bench, 3)

      const collected = yield* bench.store.collect(100)

      expect(collected).toBe(3)
      expect(yield* bench.idsOf({ state: "all" })).toEqual([])
    }))

  test("collect never touches a live session", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored({ userId: "7", expiresIn: hour })
      const record = moved(old, now)
      yield* store.move(old.id, record, 1)

      yield* drained(store)

      expect(yield* store.find(record.id)).toEqual(Option.some(record))
      expect(yield* store.find(old.id)).toEqual(Option.some(record))
    }))

  test("collect takes at most its limit, and less only when nothing is left", (bench) =>
    Effect.gen(function* () {
      yield* drained(bench.store)
      yield* overdue(bench, 5)

      const collected = [
        yield* bench.store.collect(2),
        yield* bench.store.collect(2),
        yield* bench.store.collect(2),
        yield* bench.store.collect(2)
      ]

      expect(collected).toEqual([2, 2, 1, 0])
    }))

  timed("collect takes a session from the instant of its expiry on", ({ store, stored, idsOf }) =>
    Effect.gen(function* () {
      const { id } = yield* stored({ expiresIn: minute })

      yield* pass(minute - 1)
      yield* drained(store)
      const before = yield* idsOf({ state: "all" })
      yield* pass(1)
      yield* drained(store)
      const at = yield* idsOf({ state: "all" })

      expect([before, at]).toEqual([[id], []])
    })
  )

  test("parallel collections leave the live sessions and nothing that is over", (bench) =>
    Effect.gen(function* () {
      const live = yield* bench.stored()
      yield* overdue(bench, 20)

      yield* Effect.forEach(Array.from({ length: 4 }), () => drained(bench.store), {
        concurrency: "unbounded",
        discard: true
      })

      expect(yield* bench.idsOf({ state: "all" })).toEqual([live.id])
    }))

  timed("a session that was touched meanwhile is not collected", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored({ expiresIn: minute })
      yield* store.touch(record.id, 1, now + second, now + hour)
      yield* pass(minute)

      yield* drained(store)

      expect(Option.isSome(yield* store.find(record.id))).toBe(true)
    })
  )

  test("a session that was removed is kept nowhere", ({ store, stored, idsOf }) =>
    Effect.gen(function* () {
      const record = yield* stored()

      yield* store.remove(record.id)

      expect(yield* idsOf({ state: "all" })).toEqual([])
    }))
}

/** For a store whose `keepEnded` is seven days, read by the `TestClock`. */
export const keepingEnded = (suite: Suite): void => {
  keepingRemoved(suite)
  keepingExpired(suite)
}

const keepingRemoved = ({ timed }: Suite): void => {
  timed(
    "a removed session is listed as over, without its payload",
    ({ store, stored, namespace, now }) =>
      Effect.gen(function* () {
        const old = yield* stored({ userId: "7" })
        const record = moved(old, now)
        yield* store.move(old.id, record, 1)
        yield* pass(minute)
        yield* store.remove(record.id)

        const { payload, previous, version, ...rest } = record
        expect(yield* listed(store, { namespace, state: "over" })).toEqual([
          { ...rest, endedAtMillis: now + minute, previousId: null, payloadBytes: 0 }
        ])
      })
  )

  timed("a removed session is no session any more", ({ store, stored, now, namespace, idsOf }) =>
    Effect.gen(function* () {
      const old = yield* stored({ userId: "7" })
      const record = moved(old, now)
      yield* store.move(old.id, record, 1)

      yield* store.remove(record.id)

      expect(yield* store.find(record.id)).toEqual(Option.none())
      expect(yield* store.find(old.id)).toEqual(Option.none())
      expect(yield* idsOf()).toEqual([])
      expect(yield* store.count({ namespace })).toEqual({ sessions: 0, users: 0 })
      expect(yield* store.removeWhere({ namespace, state: "all" })).toBe(0)
      expect(yield* store.revokeUser({ namespace, userId: "7" })).toBe(0)
      expect(yield* store.remove(record.id)).toEqual(Option.none())
      expect(yield* store.remove(old.id)).toEqual(Option.none())
    })
  )

  timed(
    "nothing brings a removed session back, and its id stays taken",
    ({ store, stored, aRecord, now, namespace }) =>
      Effect.gen(function* () {
        const record = yield* stored({ userId: "7" })
        yield* store.remove(record.id)
        const kept = yield* listed(store, { namespace, state: "all" })

        const done = [
          yield* store.insert(aRecord({ id: record.id })),
          yield* store.update(next(record), 1),
          yield* store.move(record.id, moved(record, now), 1)
        ]
        yield* store.touch(record.id, 1, now + minute, now + 2 * hour)

        expect(done).toEqual([false, false, false])
        expect(yield* store.find(record.id)).toEqual(Option.none())
        expect(yield* listed(store, { namespace, state: "all" })).toEqual(kept)
      })
  )

  timed("no session moves to the id of one that ended", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const ended = yield* stored()
      yield* store.remove(ended.id)
      const live = yield* stored()

      const done = yield* store.move(live.id, moved(live, now, { id: ended.id }), 1)

      expect(done).toBe(false)
      expect(yield* store.find(live.id)).toEqual(Option.some(live))
    })
  )

  timed("a revoked user's sessions are kept", ({ store, stored, namespace, idsOf }) =>
    Effect.gen(function* () {
      const record = yield* stored({ userId: "7" })

      yield* store.revokeUser({ namespace, userId: "7" })

      expect(yield* idsOf({ state: "over", userId: "7" })).toEqual([record.id])
    })
  )

  timed(
    "a removed session is deleted when seven days have passed, not before",
    ({ store, stored, idsOf }) =>
      Effect.gen(function* () {
        const record = yield* stored({ expiresIn: hour })
        yield* store.remove(record.id)

        yield* pass(7 * day - 1)
        yield* drained(store)
        const before = yield* idsOf({ state: "all" })
        yield* pass(1)
        yield* drained(store)
        const at = yield* idsOf({ state: "all" })

        expect([before, at]).toEqual([[record.id], []])
      })
  )
}

const keepingExpired = ({ timed }: Suite): void => {
  timed(
    "collect clears the payload of what expired, which ended when it expired",
    ({ store, stored, namespace }) =>
      Effect.gen(function* () {
        const record = yield* stored({ expiresIn: minute })
        yield* pass(hour)

        yield* drained(store)

        const summaries = yield* listed(store, { namespace, state: "over" })
        expect(summaries.map((one) => [one.id, one.endedAtMillis, one.payloadBytes])).toEqual([
          [record.id, record.expiresAtMillis, 0]
        ])
      })
  )

  timed("what was collected once is not due again before its time", ({ store, stored, idsOf }) =>
    Effect.gen(function* () {
      const record = yield* stored({ expiresIn: minute })
      yield* pass(minute)
      yield* drained(store)

      const again = yield* store.collect(10)

      expect(again).toBe(0)
      expect(yield* idsOf({ state: "over" })).toEqual([record.id])
    })
  )

  timed(
    "an expired session that was collected is deleted seven days after its expiry",
    ({ store, stored, idsOf }) =>
      Effect.gen(function* () {
        const record = yield* stored({ expiresIn: minute })
        yield* pass(hour)
        yield* drained(store)

        yield* pass(7 * day - hour + minute - 1)
        yield* drained(store)
        const before = yield* idsOf({ state: "all" })
        yield* pass(1)
        yield* drained(store)
        const at = yield* idsOf({ state: "all" })

        expect([before, at]).toEqual([[record.id], []])
      })
  )

  timed(
    "remove ends a session that expired without counting it as live",
    ({ store, stored, namespace }) =>
      Effect.gen(function* () {
        const record = yield* stored({ expiresIn: minute })
        yield* pass(hour)

        const removed = yield* store.remove(record.id)

        expect(removed).toEqual(Option.none())
        const summaries = yield* listed(store, { namespace, state: "over" })
        expect(summaries.map((one) => [one.endedAtMillis, one.payloadBytes])).toEqual([
          [record.expiresAtMillis, 0]
        ])
      })
  )

  timed("a revocation is remembered though expired marks are kept", ({ store, namespace }) =>
    Effect.gen(function* () {
      yield* store.revokeUser({ namespace, userId: "7" })
      yield* pass(4 * day)
      yield* drained(store)

      const since = { wallMillis: 0, monotonicMillis: 0 }
      yield* store.revokeUser({ namespace, userId: "7" })

      expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(true)
    })
  )
}
