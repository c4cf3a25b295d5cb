/** Tests of `entries`: which sessions a filter selects, and what an entry says about each. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { hour, minute, pass, second } from "./clock.js"
import type { Test } from "./harness.js"
import { listed, test, timed, times } from "./harness.js"
import { next } from "./records.js"

/** More than one page of a store that pages by a thousand. */
const many = 1100

export const entriesTests: ReadonlyArray<Test> = [
  test("entries is empty for a namespace without sessions", function* ({ idsOf }) {
    expect(yield* idsOf({ state: "all" })).toEqual([])
  }),

  test("entries of one namespace lists no other one", function* ({ stored, namespace, idsOf }) {
    const mine = yield* stored({ userId: "7" })
    const other = yield* stored({ userId: "7", namespace: `${namespace}2` })

    expect(yield* idsOf({ userId: "7" })).toEqual([mine.id])
    expect(yield* idsOf({ namespace: other.namespace })).toEqual([other.id])
  }),

  test("entries without a namespace lists all of them", function* ({ store, stored, namespace }) {
    const mine = yield* stored()
    const other = yield* stored({ namespace: `${namespace}2` })

    const ids = (yield* listed(store, {})).map(({ id }) => id)

    expect(ids.filter((id) => id === mine.id || id === other.id)).toHaveLength(2)
  }),

  test("entries of a user lists no other user and no guest", function* ({ stored, idsOf }) {
    const mine = [yield* stored({ userId: "7" }), yield* stored({ userId: "7" })]
    yield* stored({ userId: "8" })
    yield* stored()

    expect(yield* idsOf({ userId: "7" })).toEqual(mine.map(({ id }) => id).sort())
  }),

  test("entries active since an instant includes that instant", function* ({ stored, now, idsOf }) {
    const at = yield* stored({ lastActivityMillis: now - minute })
    const after = yield* stored({ lastActivityMillis: now - second })
    yield* stored({ lastActivityMillis: now - minute - 1 })

    expect(yield* idsOf({ activeSinceMillis: now - minute })).toEqual([at.id, after.id].sort())
  }),

  test("entries sees the activity of a touch", function* ({ store, stored, now, idsOf }) {
    const record = yield* stored({ lastActivityMillis: now - hour })

    yield* store.touch(record.id, 1, now, now + 2 * hour)

    expect(yield* idsOf({ activeSinceMillis: now })).toEqual([record.id])
  }),

  test("entries lists what passes all parts of a filter", function* ({ stored, now, idsOf }) {
    const wanted = yield* stored({ userId: "7" })
    yield* stored({ userId: "7", lastActivityMillis: now - hour })
    yield* stored({ userId: "8" })

    expect(yield* idsOf({ userId: "7", activeSinceMillis: now - minute })).toEqual([wanted.id])
  }),

  timed("entries lists live sessions unless told otherwise", function* ({ stored, idsOf }) {
    const over = yield* stored({ expiresIn: minute, userId: "7" })
    const live = yield* stored({ userId: "7" })
    yield* pass(minute)

    expect(yield* idsOf()).toEqual([live.id])
    expect(yield* idsOf({ state: "live" })).toEqual([live.id])
    expect(yield* idsOf({ state: "over" })).toEqual([over.id])
    expect(yield* idsOf({ state: "all" })).toEqual([live.id, over.id].sort())
    expect(yield* idsOf({ state: "over", userId: "7" })).toEqual([over.id])
    expect(yield* idsOf({ state: "over", userId: "8" })).toEqual([])
  }),

  test("an entry has all of the record but its payload", function* ({ store, aMove, namespace }) {
    const { old, current } = yield* aMove({ userId: "7", ipAddress: "2001:db8::1" })
    const { payload, previous, version, ...rest } = current

    const entries = yield* listed(store, { namespace })

    const payloadBytes = Buffer.byteLength(payload)
    expect(entries).toEqual([{ ...rest, previousId: old.id, payloadBytes }])
  }),

  test("an entry has the payload's length in bytes of UTF-8", function* (fixture) {
    yield* fixture.stored({ payload: '"é漢👍"' })

    const entries = yield* listed(fixture.store, { namespace: fixture.namespace })

    expect(entries.map(({ payloadBytes }) => payloadBytes)).toEqual([11])
  }),

  test("an entry follows an update of the payload", function* ({ store, stored, namespace }) {
    const record = yield* stored({ payload: "1234" })

    yield* store.update(next(record, { payload: "" }), 1)

    const entries = yield* listed(store, { namespace })
    expect(entries.map(({ payloadBytes }) => payloadBytes)).toEqual([0])
  }),

  test(`each of ${many} sessions is listed once, counted and removed`, function* (fixture) {
    const { store, aRecord, namespace, now, idsOf } = fixture
    // Many share an instant, so that a store cannot page by time alone.
    const records = times(many, (index) =>
      aRecord({ userId: `u${index % 10}`, lastActivityMillis: now - (index % 3) })
    )
    yield* Effect.forEach(records, store.insert, { concurrency: 32, discard: true })

    const ids = yield* idsOf()
    const counted = yield* store.count({ namespace })
    const ended = yield* store.removeWhere({ namespace })

    expect(ids).toEqual(records.map(({ id }) => id).sort())
    expect(counted).toEqual({ sessions: many, users: 10 })
    expect(ended).toBe(many)
    expect(yield* idsOf()).toEqual([])
  })
]
