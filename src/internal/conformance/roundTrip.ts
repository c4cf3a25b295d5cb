/** Tests of what a record may contain: every text and every field comes back as it was stored. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { SessionRecord } from "../../core/record/record.js"
import { day, hour } from "./clock.js"
import type { Test } from "./harness.js"
import { test } from "./harness.js"
import { anId, next } from "./records.js"

const payloads: ReadonlyArray<readonly [what: string, payload: string]> = [
  ["an empty text", ""],
  ["white space at both ends", ' \t\n{"a":1}\r\n '],
  ["an escaped NUL", JSON.stringify({ text: "a\u0000b" })],
  ["escaped lone surrogates", JSON.stringify({ text: "\ud83d \udc4d" })],
  ["emoji and scripts of four bytes", JSON.stringify({ text: "👍🏽 𝒳 漢字 العربية é e\u0301" })],
  ["quotes, backslashes and wildcards", JSON.stringify({ text: `'"\\%_$1\${}?:a--;/*` })],
  ["a text that looks like an escape", String.raw`\x6869 \u0041 \N E'\\'`],
  ["a text that is no JSON", "v1.k1.c2VhbGVk-_"],
  ["64 KiB", JSON.stringify({ text: "x".repeat(64 * 1024) })],
  ["1 MB of four-byte characters", JSON.stringify({ text: "👍".repeat(250_000) })]
]

const userIds = ["a", "A", "a ", " a", "á", "a\u0301", "1", "01", "", "%", "_", "ß", "ss", "İ"]

const empty: Partial<SessionRecord> = {
  userId: null,
  ipAddress: null,
  userAgent: null,
  previous: null
}

const full = (now: number): Partial<SessionRecord> => ({
  userId: `${"é".repeat(127)}x`,
  ipAddress: "0000:0000:0000:0000:0000:ffff:192.168.100.228",
  userAgent: "Ünïcode/1.0 ".repeat(50).slice(0, 512),
  previous: {
    id: anId(),
    kind: "alias",
    untilMillis: now + hour,
    sealedToken: "s-_".repeat(40)
  }
})

export const roundTripTests: ReadonlyArray<Test> = [
  ...payloads.map(([what, payload]) =>
    test(`insert and update keep a payload as it is: ${what}`, function* ({ store, stored }) {
      const inserted = yield* stored({ payload })
      const updated = yield* stored({ payload: "before" })
      yield* store.update(next(updated, { payload }), 1)

      for (const { id } of [inserted, updated]) {
        const found = yield* store.find(id)
        // Compared here, so that a failure does not print a megabyte.
        const isKept = Option.map(found, (record) => record.payload === payload)
        expect(isKept).toEqual(Option.some(true))
      }
    })
  ),

  test("insert keeps empty optional fields as they are", function* ({ store, stored }) {
    const record = yield* stored(empty)

    expect(yield* store.find(record.id)).toEqual(Option.some(record))
  }),

  test("insert keeps fields of the greatest length as they are", function* (fixture) {
    const record = yield* fixture.stored(full(fixture.now))

    expect(yield* fixture.store.find(record.id)).toEqual(Option.some(record))
  }),

  test("update fills and empties fields", function* ({ store, stored, now }) {
    const record = yield* stored(empty)
    const filled = next(record, full(now))
    const emptied = next(filled, empty)

    yield* store.update(filled, 1)
    const afterFilling = yield* store.find(record.id)
    yield* store.update(emptied, 2)
    const afterEmptying = yield* store.find(record.id)

    expect(afterFilling).toEqual(Option.some(filled))
    expect(afterEmptying).toEqual(Option.some(emptied))
  }),

  test("instants are exact, even ten years ahead", function* ({ store, stored, now }) {
    const record = yield* stored({
      createdAtMillis: now - 3,
      lastActivityMillis: now - 1,
      expiresAtMillis: now + 3652 * day + 7
    })

    expect(yield* store.find(record.id)).toEqual(Option.some(record))
  }),

  test("versions beyond 16 bits are kept and compared exactly", function* ({ store, stored }) {
    const record = yield* stored({ version: 2_000_000_001 })

    const missed = yield* store.update(next(record), 2_000_000_000)
    const updated = yield* store.update(next(record), 2_000_000_001)

    expect([missed, updated]).toEqual([false, true])
    expect(yield* store.find(record.id)).toEqual(Option.some(next(record)))
  }),

  test("entries compares user ids as bytes", function* ({ stored, idsOf }) {
    const records = yield* Effect.forEach(userIds, (userId) => stored({ userId }))

    const found = yield* Effect.forEach(userIds, (userId) => idsOf({ userId }))

    expect(found).toEqual(records.map(({ id }) => [id]))
  }),

  test("count compares user ids as bytes", function* ({ store, stored, namespace }) {
    yield* Effect.forEach([...userIds, ...userIds], (userId) => stored({ userId }))

    const counted = yield* store.count({ namespace })

    expect(counted).toEqual({ sessions: 2 * userIds.length, users: userIds.length })
  }),

  test("revokeUser compares user ids as bytes", function* ({ store, stored, namespace, idsOf }) {
    const others = yield* Effect.forEach(userIds.slice(1), (userId) => stored({ userId }))
    yield* stored({ userId: "a" })

    expect(yield* store.revokeUser({ namespace, userId: "a" })).toBe(1)
    expect(yield* idsOf()).toEqual(others.map(({ id }) => id).sort())
  })
]
