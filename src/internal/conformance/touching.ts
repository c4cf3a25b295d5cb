/** Conformance of `touch`: it never conflicts, never goes back, never revives. */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { Suite } from "./bench.js"
import { anId, hour, minute, moved, next, pass, second } from "./bench.js"

export const touching = ({ test, timed }: Suite): void => {
  test("touch moves activity and expiry and changes nothing else", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored({ userId: "7", version: 3 })

      yield* store.touch(record.id, 3, now + minute, now + 2 * hour)

      expect(yield* store.find(record.id)).toEqual(
        Option.some({
          ...record,
          lastActivityMillis: now + minute,
          expiresAtMillis: now + 2 * hour
        })
      )
    }))

  test("touch tells whether it was that session, at that version and live", ({
    store,
    stored,
    aRecord,
    now
  }) =>
    Effect.gen(function* () {
      const record = yield* stored({ version: 3 })
      const old = yield* stored()
      const current = moved(old, now)
      yield* store.move(old.id, current, 1)
      const expired = aRecord({ expiresIn: -second })
      yield* store.insert(expired)
      const touch = (id: string, version: number) =>
        store.touch(id, version, now + minute, now + 2 * hour)

      const told = yield* Effect.all({
        moved: touch(record.id, 3),
        thereAlready: touch(record.id, 3),
        otherVersion: touch(record.id, 2),
        previousId: touch(old.id, 2),
        expired: touch(expired.id, 1),
        unknown: touch(anId(), 1)
      })

      expect(told).toEqual({
        moved: true,
        thereAlready: true,
        otherVersion: false,
        previousId: false,
        expired: false,
        unknown: false
      })
    }))

  test("touches made together tell each for its own session", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const records = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (version) => stored({ version }))

      const told = yield* Effect.forEach(
        records,
        ({ id }) => store.touch(id, 4, now + minute, now + 2 * hour),
        { concurrency: "unbounded" }
      )

      expect(told).toEqual([false, false, false, true, false, false])
    }))

  test("touch on another version is ignored", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored({ version: 3 })

      yield* store.touch(record.id, 2, now + minute, now + 2 * hour)
      yield* store.touch(record.id, 4, now + minute, now + 2 * hour)

      expect(yield* store.find(record.id)).toEqual(Option.some(record))
    }))

  test("touch never moves activity back", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored()

      yield* store.touch(record.id, 1, now - minute, now + 2 * hour)

      const found = Option.getOrThrow(yield* store.find(record.id))
      expect(found.lastActivityMillis).toBe(now)
      expect(found.expiresAtMillis).toBe(now + 2 * hour)
    }))

  test("touch never moves the expiry back", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored({ expiresIn: hour })

      yield* store.touch(record.id, 1, now + minute, now + second)

      const found = Option.getOrThrow(yield* store.find(record.id))
      expect(found.lastActivityMillis).toBe(now + minute)
      expect(found.expiresAtMillis).toBe(now + hour)
    }))

  test("touch of an unknown id succeeds and stores nothing", ({ store, now, idsOf }) =>
    Effect.gen(function* () {
      const id = anId()

      yield* store.touch(id, 1, now + minute, now + 2 * hour)

      expect(yield* store.find(id)).toEqual(Option.none())
      expect(yield* idsOf({ state: "all" })).toEqual([])
    }))

  test("touch never revives a session that expired", ({ store, aRecord, now }) =>
    Effect.gen(function* () {
      const record = aRecord({ expiresIn: -second })
      yield* store.insert(record)

      yield* store.touch(record.id, 1, now + minute, now + hour)

      expect(yield* store.find(record.id)).toEqual(Option.none())
    }))

  timed("touch at the instant of expiry revives nothing", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored({ expiresIn: minute })
      yield* pass(minute)

      yield* store.touch(record.id, 1, now + minute, now + hour)

      expect(yield* store.find(record.id)).toEqual(Option.none())
    })
  )

  timed("a touched session lives until its new expiry", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored({ expiresIn: minute })
      yield* store.touch(record.id, 1, now + second, now + hour)

      yield* pass(hour - 1)
      const before = yield* store.find(record.id)
      yield* pass(1)
      const at = yield* store.find(record.id)

      expect([Option.isSome(before), Option.isSome(at)]).toEqual([true, false])
    })
  )

  test("touch by the previous id is ignored", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const current = moved(old, now)
      yield* store.move(old.id, current, 1)

      yield* store.touch(old.id, 2, now + minute, now + 2 * hour)

      expect(yield* store.find(current.id)).toEqual(Option.some(current))
    }))

  test("touches in parallel to an update make it miss no version and lose no data", ({
    store,
    stored,
    now
  }) =>
    Effect.gen(function* () {
      const record = yield* stored()
      const touch = store.touch(record.id, 1, now + minute, now + 2 * hour)

      const [, updated] = yield* Effect.all(
        [touch, store.update(next(record, { payload: "changed" }), 1), touch, touch],
        { concurrency: "unbounded" }
      )

      const found = Option.getOrThrow(yield* store.find(record.id))
      expect(updated).toBe(true)
      expect([found.version, found.payload]).toEqual([2, "changed"])
    }))

  test("an update at the version before a touch succeeds after it", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored()
      yield* store.touch(record.id, 1, now + minute, now + 2 * hour)

      expect(yield* store.update(next(record), 1)).toBe(true)
    }))
}
