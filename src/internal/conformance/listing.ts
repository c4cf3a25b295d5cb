/** Conformance of `entries` and `count`. */

import * as Effect from "effect/Effect"
import { expect } from "vitest"
import type { Suite } from "./bench.js"
import { hour, listed, minute, moved, next, pass, second } from "./bench.js"

/** More than one page of any store that pages by a thousand. */
const many = 1100

export const listing = (suite: Suite): void => {
  listingFilters(suite)
  listingSummaries(suite)
  listingMany(suite)
  counting(suite)
}

const listingFilters = ({ test, timed }: Suite): void => {
  test("entries of a namespace without sessions are none", ({ idsOf }) =>
    Effect.gen(function* () {
      expect(yield* idsOf({ state: "all" })).toEqual([])
    }))

  test("entries of one namespace never show another's", ({ stored, namespace, idsOf }) =>
    Effect.gen(function* () {
      const mine = yield* stored({ userId: "7" })
      const other = yield* stored({ userId: "7", namespace: `${namespace}2` })

      expect(yield* idsOf({ userId: "7" })).toEqual([mine.id])
      expect(yield* idsOf({ namespace: other.namespace })).toEqual([other.id])
    }))

  test("entries without a namespace show those of all", ({ store, stored, namespace }) =>
    Effect.gen(function* () {
      const mine = yield* stored()
      const other = yield* stored({ namespace: `${namespace}2` })

      const ids = (yield* listed(store, {})).map(({ id }) => id)

      expect(ids.filter((id) => id === mine.id || id === other.id)).toHaveLength(2)
    }))

  test("entries of a user show neither another user's nor anonymous sessions", ({
    stored,
    idsOf
  }) =>
    Effect.gen(function* () {
      const mine = [yield* stored({ userId: "7" }), yield* stored({ userId: "7" })]
      yield* stored({ userId: "8" })
      yield* stored()

      expect(yield* idsOf({ userId: "7" })).toEqual(mine.map(({ id }) => id).sort())
    }))

  test("entries active since an instant include that instant", ({ stored, now, idsOf }) =>
    Effect.gen(function* () {
      const at = yield* stored({ lastActivityMillis: now - minute })
      const after = yield* stored({ lastActivityMillis: now - second })
      yield* stored({ lastActivityMillis: now - minute - 1 })

      const ids = yield* idsOf({ activeSinceMillis: now - minute })

      expect(ids).toEqual([at.id, after.id].sort())
    }))

  test("entries see the activity of the last touch", ({ store, stored, now, idsOf }) =>
    Effect.gen(function* () {
      const record = yield* stored({ lastActivityMillis: now - hour })

      yield* store.touch(record.id, 1, now, now + 2 * hour)

      expect(yield* idsOf({ activeSinceMillis: now })).toEqual([record.id])
    }))

  test("filters restrict together", ({ stored, now, idsOf }) =>
    Effect.gen(function* () {
      const wanted = yield* stored({ userId: "7" })
      yield* stored({ userId: "7", lastActivityMillis: now - hour })
      yield* stored({ userId: "8" })

      expect(yield* idsOf({ userId: "7", activeSinceMillis: now - minute })).toEqual([wanted.id])
    }))

  timed(
    "entries are live ones, unless those that are over or all are asked for",
    ({ stored, idsOf }) =>
      Effect.gen(function* () {
        const over = yield* stored({ expiresIn: minute, userId: "7" })
        const live = yield* stored({ userId: "7" })
        yield* pass(minute)

        expect(yield* idsOf()).toEqual([live.id])
        expect(yield* idsOf({ state: "live" })).toEqual([live.id])
        expect(yield* idsOf({ state: "over" })).toEqual([over.id])
        expect(yield* idsOf({ state: "all" })).toEqual([live.id, over.id].sort())
        expect(yield* idsOf({ state: "over", userId: "7" })).toEqual([over.id])
        expect(yield* idsOf({ state: "over", userId: "8" })).toEqual([])
      })
  )
}

const listingSummaries = ({ test }: Suite): void => {
  test("a summary tells everything of the record but its payload", ({
    store,
    stored,
    namespace,
    now
  }) =>
    Effect.gen(function* () {
      const old = yield* stored({ userId: "7", ipAddress: "2001:db8::1" })
      const { payload, previous, version, ...rest } = moved(old, now)
      yield* store.move(old.id, { payload, previous, version, ...rest }, 1)

      const summaries = yield* listed(store, { namespace })

      expect(summaries).toEqual([
        { ...rest, previousId: old.id, payloadBytes: Buffer.byteLength(payload) }
      ])
    }))

  test("the size of a payload is in bytes of UTF-8", ({ store, stored, namespace }) =>
    Effect.gen(function* () {
      yield* stored({ payload: '"é漢👍"' })

      const summaries = yield* listed(store, { namespace })

      expect(summaries.map(({ payloadBytes }) => payloadBytes)).toEqual([11])
    }))

  test("the size of a payload follows an update", ({ store, stored, namespace }) =>
    Effect.gen(function* () {
      const record = yield* stored({ payload: "1234" })

      yield* store.update(next(record, { payload: "" }), 1)

      const summaries = yield* listed(store, { namespace })
      expect(summaries.map(({ payloadBytes }) => payloadBytes)).toEqual([0])
    }))
}

const listingMany = ({ test }: Suite): void => {
  test(`of ${many} sessions each is listed exactly once, counted and removed`, ({
    store,
    stored,
    namespace,
    now,
    idsOf
  }) =>
    Effect.gen(function* () {
      // One instant for many of them, so that a store cannot page by time alone.
      const records = yield* Effect.forEach(
        Array.from({ length: many }, (_, index) => index),
        (index) => stored({ userId: `u${index % 10}`, lastActivityMillis: now - (index % 3) }),
        { concurrency: 32 }
      )
      const expected = records.map(({ id }) => id).sort()

      const ids = yield* idsOf()
      const counted = yield* store.count({ namespace })
      const ended = yield* store.removeWhere({ namespace })

      expect(ids).toEqual(expected)
      expect(counted).toEqual({ sessions: many, users: 10 })
      expect(ended).toBe(many)
      expect(yield* idsOf()).toEqual([])
    }))
}

const counting = ({ test, timed }: Suite): void => {
  timed("count is exact before, at and after a full hour", ({ store, stored, namespace, now }) =>
    Effect.gen(function* () {
      const full = Math.floor(now / hour) * hour + 2 * hour
      const record = { userId: "7", lastActivityMillis: now }
      for (const past of [-1, 0, 1, hour]) {
        yield* stored({ ...record, expiresAtMillis: full + past })
      }
      const counts = Effect.forEach(["live", "over", "all"] as const, (state) =>
        Effect.map(store.count({ namespace, state }), ({ sessions }) => sessions)
      )

      yield* pass(full - 2 - now)
      const seen = [yield* counts]
      for (let step = 0; step < 3; step++) {
        yield* pass(1)
        seen.push(yield* counts)
      }

      expect(seen).toEqual([
        [4, 0, 4],
        [3, 1, 4],
        [2, 2, 4],
        [1, 3, 4]
      ])
    })
  )

  test("count of nothing is nothing", ({ store, namespace }) =>
    Effect.gen(function* () {
      expect(yield* store.count({ namespace })).toEqual({ sessions: 0, users: 0 })
    }))

  test("anonymous sessions count as sessions, not as users", ({ store, stored, namespace }) =>
    Effect.gen(function* () {
      yield* stored()
      yield* stored({ userId: "7" })
      yield* stored({ userId: "7" })
      yield* stored({ userId: "8" })

      expect(yield* store.count({ namespace })).toEqual({ sessions: 4, users: 2 })
    }))

  test("count follows the filter, and leaves out what expired", ({
    store,
    stored,
    aRecord,
    namespace,
    now
  }) =>
    Effect.gen(function* () {
      yield* stored({ userId: "7" })
      yield* stored({ userId: "8", lastActivityMillis: now - hour })
      yield* stored({ userId: "9", namespace: `${namespace}2` })
      yield* store.insert(aRecord({ userId: "7", expiresIn: -second }))

      const all = yield* store.count({ namespace })
      const active = yield* store.count({ namespace, activeSinceMillis: now - minute })
      const ofUser = yield* store.count({ namespace, userId: "8" })

      expect(all).toEqual({ sessions: 2, users: 2 })
      expect(active).toEqual({ sessions: 1, users: 1 })
      expect(ofUser).toEqual({ sessions: 1, users: 1 })
    }))
}
