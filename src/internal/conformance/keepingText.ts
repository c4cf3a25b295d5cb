/** Conformance of what a record may contain: every text and every field comes back as it was. */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { SessionRecord } from "../../core/record/record.js"
import type { Suite } from "./bench.js"
import { anId, day, hour, next } from "./bench.js"

const payloads: ReadonlyArray<readonly [string, string]> = [
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

export const keepingText = (suite: Suite): void => {
  keepingPayloads(suite)
  keepingFields(suite)
  keepingUsersApart(suite)
}

const keepingPayloads = ({ test }: Suite): void => {
  for (const [what, payload] of payloads) {
    test(`a payload comes back as it was, by insert and by update: ${what}`, ({ store, stored }) =>
      Effect.gen(function* () {
        const inserted = yield* stored({ payload })
        const updated = yield* stored({ payload: "before" })
        yield* store.update(next(updated, { payload }), 1)

        const found = [yield* store.find(inserted.id), yield* store.find(updated.id)]

        expect(found.map(Option.map((record) => record.payload === payload))).toEqual([
          Option.some(true),
          Option.some(true)
        ])
      }))
  }
}

const keepingFields = ({ test }: Suite): void => {
  test("a record whose optional fields are all empty comes back as it was", ({ store, stored }) =>
    Effect.gen(function* () {
      const record = yield* stored(empty)

      expect(yield* store.find(record.id)).toEqual(Option.some(record))
    }))

  test("a record whose fields are all as long as they may be comes back as it was", ({
    store,
    stored,
    now
  }) =>
    Effect.gen(function* () {
      const record = yield* stored(full(now))

      expect(yield* store.find(record.id)).toEqual(Option.some(record))
    }))

  test("fields can be filled and emptied by updates", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored(empty)
      const filled = next(record, full(now))
      const emptied = next(filled, empty)

      yield* store.update(filled, 1)
      const afterFilling = yield* store.find(record.id)
      yield* store.update(emptied, 2)
      const afterEmptying = yield* store.find(record.id)

      expect(afterFilling).toEqual(Option.some(filled))
      expect(afterEmptying).toEqual(Option.some(emptied))
    }))

  test("instants are exact to the millisecond, and may lie ten years ahead", ({
    store,
    stored,
    now
  }) =>
    Effect.gen(function* () {
      const record = yield* stored({
        createdAtMillis: now - 3,
        lastActivityMillis: now - 1,
        expiresAtMillis: now + 3652 * day + 7
      })

      expect(yield* store.find(record.id)).toEqual(Option.some(record))
    }))

  test("a version far beyond 16 bits is kept and compared exactly", ({ store, stored }) =>
    Effect.gen(function* () {
      const record = yield* stored({ version: 2_000_000_001 })

      const missed = yield* store.update(next(record), 2_000_000_000)
      const updated = yield* store.update(next(record), 2_000_000_001)

      expect([missed, updated]).toEqual([false, true])
      expect(yield* store.find(record.id)).toEqual(Option.some(next(record)))
    }))
}

const keepingUsersApart = ({ test }: Suite): void => {
  test("user ids are compared byte by byte when sessions are listed", ({ stored, idsOf }) =>
    Effect.gen(function* () {
      const records = yield* Effect.forEach(userIds, (userId) => stored({ userId }))

      const found = yield* Effect.forEach(userIds, (userId) => idsOf({ userId }))

      expect(found).toEqual(records.map(({ id }) => [id]))
    }))

  test("user ids are compared byte by byte when users are counted", ({
    store,
    stored,
    namespace
  }) =>
    Effect.gen(function* () {
      yield* Effect.forEach([...userIds, ...userIds], (userId) => stored({ userId }))

      const counted = yield* store.count({ namespace })

      expect(counted).toEqual({ sessions: 2 * userIds.length, users: userIds.length })
    }))

  test("revoking a user touches no user of a similar id", ({ store, stored, namespace, idsOf }) =>
    Effect.gen(function* () {
      const others = yield* Effect.forEach(userIds.slice(1), (userId) => stored({ userId }))
      yield* stored({ userId: "a" })

      const ended = yield* store.revokeUser({ namespace, userId: "a" })

      expect(ended).toBe(1)
      expect(yield* idsOf()).toEqual(others.map(({ id }) => id).sort())
    }))
}
