/** Tests of a store that keeps ended sessions for seven days, without their payload. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import { aroundInstant, day, hour, minute, pass } from "./clock.js"
import type { Test } from "./harness.js"
import { drained, listed, timed } from "./harness.js"
import { moved, next } from "./records.js"

export const keepEndedTests: ReadonlyArray<Test> = [
  timed("a removed session is listed as over, without its payload", function* (fixture) {
    const { store, storedAndMoved, namespace, now } = fixture
    const { current } = yield* storedAndMoved({ userId: "7" })
    yield* pass(minute)

    yield* store.remove(current.id)

    const { payload, previous, version, ...rest } = current
    const ended = { endedAtMillis: now + minute, previousId: null, payloadBytes: 0 }
    expect(yield* listed(store, { namespace, state: "over" })).toEqual([{ ...rest, ...ended }])
  }),

  timed(
    "a removed session is neither found, listed, counted nor removed again",
    function* (fixture) {
      const { store, storedAndMoved, namespace, idsOf } = fixture
      const { old, current } = yield* storedAndMoved({ userId: "7" })

      yield* store.remove(current.id)

      expect(yield* store.find(current.id)).toEqual(Option.none())
      expect(yield* store.find(old.id)).toEqual(Option.none())
      expect(yield* idsOf()).toEqual([])
      expect(yield* store.count({ namespace })).toEqual({ sessions: 0, users: 0 })
      expect(yield* store.removeWhere({ namespace, state: "all" })).toBe(0)
      expect(yield* store.revokeUser({ namespace, userId: "7" })).toBe(0)
      expect(yield* store.remove(current.id)).toEqual(Option.none())
      expect(yield* store.remove(old.id)).toEqual(Option.none())
    }
  ),

  timed("nothing revives a removed session, and its id stays taken", function* (fixture) {
    const { store, stored, aRecord, now, namespace } = fixture
    const record = yield* stored({ userId: "7" })
    yield* store.remove(record.id)
    const kept = yield* listed(store, { namespace, state: "all" })

    const done = [
      yield* store.insert(aRecord({ id: record.id })),
      yield* store.update(next(record), 1),
      yield* store.move(record.id, moved(record), 1)
    ]
    yield* store.touch(record.id, 1, now + minute, now + 2 * hour)

    expect(done).toEqual([false, false, false])
    expect(yield* store.find(record.id)).toEqual(Option.none())
    expect(yield* listed(store, { namespace, state: "all" })).toEqual(kept)
  }),

  timed("move refuses the id of an ended session", function* ({ store, stored }) {
    const ended = yield* stored()
    yield* store.remove(ended.id)
    const live = yield* stored()

    const done = yield* store.move(live.id, moved(live, { id: ended.id }), 1)

    expect(done).toBe(false)
    expect(yield* store.find(live.id)).toEqual(Option.some(live))
  }),

  timed("the sessions of a revoked user are kept", function* (fixture) {
    const { store, stored, namespace, idsOf } = fixture
    const record = yield* stored({ userId: "7" })

    yield* store.revokeUser({ namespace, userId: "7" })

    expect(yield* idsOf({ state: "over", userId: "7" })).toEqual([record.id])
  }),

  timed("a removed session is deleted after seven days, not before", function* (fixture) {
    const { store, stored, idsOf } = fixture
    const record = yield* stored()
    yield* store.remove(record.id)
    const left = Effect.zipRight(drained(store), idsOf({ state: "all" }))

    expect(yield* aroundInstant(7 * day, left)).toEqual([[record.id], []])
  }),

  timed("collect clears the payload of a session, which ended at its expiry", function* (fixture) {
    const { store, stored, namespace } = fixture
    const { id, expiresAtMillis } = yield* stored({ expiresIn: minute })
    yield* pass(hour)

    yield* drained(store)

    const entries = yield* listed(store, { namespace, state: "over" })
    expect(entries).toMatchObject([{ id, endedAtMillis: expiresAtMillis, payloadBytes: 0 }])
  }),

  timed("collect clears a session only once", function* ({ store, stored, idsOf }) {
    const record = yield* stored({ expiresIn: minute })
    yield* pass(minute)
    yield* drained(store)

    const again = yield* store.collect(10)

    expect(again).toBe(0)
    expect(yield* idsOf({ state: "over" })).toEqual([record.id])
  }),

  timed("a collected session is deleted seven days after its expiry", function* (fixture) {
    const { store, stored, idsOf } = fixture
    const record = yield* stored({ expiresIn: minute })
    yield* pass(hour)
    const left = Effect.zipRight(drained(store), idsOf({ state: "all" }))
    yield* left

    expect(yield* aroundInstant(7 * day - hour + minute, left)).toEqual([[record.id], []])
  }),

  timed("remove clears an expired session and returns none", function* (fixture) {
    const { store, stored, namespace } = fixture
    const { id, expiresAtMillis } = yield* stored({ expiresIn: minute })
    yield* pass(hour)

    const removed = yield* store.remove(id)

    expect(removed).toEqual(Option.none())
    const entries = yield* listed(store, { namespace, state: "over" })
    expect(entries).toMatchObject([{ id, endedAtMillis: expiresAtMillis, payloadBytes: 0 }])
  }),

  timed("a revocation is remembered while an older one is kept as ended", function* (fixture) {
    const { store, namespace } = fixture
    yield* store.revokeUser({ namespace, userId: "7" })
    yield* pass(4 * day)
    yield* drained(store)

    const since = { wallMillis: 0, monotonicMillis: 0 }
    yield* store.revokeUser({ namespace, userId: "7" })

    expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(true)
  })
]
