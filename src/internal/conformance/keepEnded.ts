/** Tests of a store that keeps ended sessions for seven days, without their payload. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import { aroundInstant, day, hour, minute, pass } from "./clock.js"
import type { Test } from "./harness.js"
import { drained, listed, timed } from "./harness.js"
import { moved, next } from "./records.js"

export const keepEndedTests: ReadonlyArray<Test> = [
  timed("remove keeps an entry without the payload", function* ({ store, aMove, namespace, now }) {
    const { current } = yield* aMove({ userId: "7" })
    yield* pass(minute)

    yield* store.remove(current.id)

    const { payload, previous, version, ...rest } = current
    const ended = { endedAtMillis: now + minute, previousId: null, payloadBytes: 0 }
    expect(yield* listed(store, { namespace, state: "over" })).toEqual([{ ...rest, ...ended }])
  }),

  timed("a removed session is over for every call", function* ({ store, aMove, namespace, idsOf }) {
    const { old, current } = yield* aMove({ userId: "7" })

    yield* store.remove(current.id)

    expect(yield* store.find(current.id)).toEqual(Option.none())
    expect(yield* store.find(old.id)).toEqual(Option.none())
    expect(yield* idsOf()).toEqual([])
    expect(yield* store.count({ namespace })).toEqual({ sessions: 0, users: 0 })
    expect(yield* store.removeWhere({ namespace, state: "all" })).toBe(0)
    expect(yield* store.revokeUser({ namespace, userId: "7" })).toBe(0)
    expect(yield* store.remove(current.id)).toEqual(Option.none())
    expect(yield* store.remove(old.id)).toEqual(Option.none())
  }),

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

    expect(yield* store.move(live.id, moved(live, { id: ended.id }), 1)).toBe(false)
    expect(yield* store.find(live.id)).toEqual(Option.some(live))
  }),

  timed("the sessions of a revoked user are kept", function* ({ store, stored, namespace, idsOf }) {
    const record = yield* stored({ userId: "7" })

    yield* store.revokeUser({ namespace, userId: "7" })

    expect(yield* idsOf({ state: "over", userId: "7" })).toEqual([record.id])
  }),

  timed("a removed session is deleted after seven days", function* ({ store, stored, idsOf }) {
    const record = yield* stored()
    yield* store.remove(record.id)
    const left = Effect.zipRight(drained(store), idsOf({ state: "all" }))

    expect(yield* aroundInstant(7 * day, left)).toEqual([[record.id], []])
  }),

  timed("collect clears the payload and notes the end", function* ({ store, stored, namespace }) {
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

    expect(yield* store.collect(10)).toBe(0)
    expect(yield* idsOf({ state: "over" })).toEqual([record.id])
  }),

  timed("a session is deleted seven days after its expiry", function* ({ store, stored, idsOf }) {
    const record = yield* stored({ expiresIn: minute })
    yield* pass(hour)
    const left = Effect.zipRight(drained(store), idsOf({ state: "all" }))
    yield* left

    expect(yield* aroundInstant(7 * day - hour + minute, left)).toEqual([[record.id], []])
  }),

  timed("remove clears an expired session as well", function* ({ store, stored, namespace }) {
    const { id, expiresAtMillis } = yield* stored({ expiresIn: minute })
    yield* pass(hour)

    expect(yield* store.remove(id)).toEqual(Option.none())
    const entries = yield* listed(store, { namespace, state: "over" })
    expect(entries).toMatchObject([{ id, endedAtMillis: expiresAtMillis, payloadBytes: 0 }])
  }),

  timed("a revocation is remembered while an older one is kept", function* ({ store, namespace }) {
    yield* store.revokeUser({ namespace, userId: "7" })
    yield* pass(4 * day)
    yield* drained(store)

    const since = { wallMillis: 0, monotonicMillis: 0 }
    yield* store.revokeUser({ namespace, userId: "7" })

    expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(true)
  })
]
