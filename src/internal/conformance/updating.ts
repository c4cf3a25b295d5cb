/** Conformance of `update`: conditional on the version, and never an insert. */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { Suite } from "./bench.js"
import { hour, minute, moved, next, pass, second } from "./bench.js"

export const updating = ({ test, timed }: Suite): void => {
  test("update replaces every field of the record", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored({ userId: "1" })
      const changed = next(record, {
        userId: "2",
        ipAddress: "2001:db8::1",
        userAgent: null,
        createdAtMillis: now - hour,
        lastActivityMillis: now + second,
        expiresAtMillis: now + 2 * hour,
        payload: "changed"
      })

      const updated = yield* store.update(changed, 1)

      expect(updated).toBe(true)
      expect(yield* store.find(record.id)).toEqual(Option.some(changed))
    }))

  test("update misses on another version and leaves the record as it was", ({ store, stored }) =>
    Effect.gen(function* () {
      const record = yield* stored({ version: 5 })

      const older = yield* store.update(next(record, { payload: "lost" }), 4)
      const newer = yield* store.update(next(record, { payload: "lost" }), 6)

      expect([older, newer]).toEqual([false, false])
      expect(yield* store.find(record.id)).toEqual(Option.some(record))
    }))

  test("update of an unknown id misses and inserts nothing", ({ store, aRecord, idsOf }) =>
    Effect.gen(function* () {
      const record = aRecord()

      const updated = yield* store.update(next(record), 1)

      expect(updated).toBe(false)
      expect(yield* store.find(record.id)).toEqual(Option.none())
      expect(yield* idsOf({ state: "all" })).toEqual([])
    }))

  test("update of a record that expired misses and revives nothing", ({ store, aRecord, now }) =>
    Effect.gen(function* () {
      const record = aRecord({ expiresIn: -second })
      yield* store.insert(record)

      const updated = yield* store.update(next(record, { expiresAtMillis: now + hour }), 1)

      expect(updated).toBe(false)
      expect(yield* store.find(record.id)).toEqual(Option.none())
    }))

  timed("update at the instant of expiry misses and revives nothing", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored({ expiresIn: minute })
      yield* pass(minute)

      const updated = yield* store.update(next(record, { expiresAtMillis: now + hour }), 1)

      expect(updated).toBe(false)
      expect(yield* store.find(record.id)).toEqual(Option.none())
    })
  )

  test("update by the previous id misses", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const current = moved(old, now)
      yield* store.move(old.id, current, 1)

      const updated = yield* store.update(next(current, { id: old.id, payload: "lost" }), 2)

      expect(updated).toBe(false)
      expect(yield* store.find(current.id)).toEqual(Option.some(current))
    }))

  test("update changes no other session", ({ store, stored }) =>
    Effect.gen(function* () {
      const other = yield* stored({ userId: "1" })
      const record = yield* stored({ userId: "1" })

      yield* store.update(next(record, { payload: "changed" }), 1)

      expect(yield* store.find(other.id)).toEqual(Option.some(other))
    }))

  test("of parallel updates of one version exactly one succeeds, and its record is stored", ({
    store,
    stored
  }) =>
    Effect.gen(function* () {
      const record = yield* stored()
      const commits = Array.from({ length: 16 }, (_, index) =>
        next(record, { payload: `${index}` })
      )

      const updated = yield* Effect.forEach(commits, (commit) => store.update(commit, 1), {
        concurrency: "unbounded"
      })

      expect(updated.filter((one) => one)).toHaveLength(1)
      expect(yield* store.find(record.id)).toEqual(
        Option.fromNullable(commits[updated.indexOf(true)])
      )
    }))

  test("parallel updates of different sessions all succeed", ({ store, stored }) =>
    Effect.gen(function* () {
      const records = yield* Effect.forEach(Array.from({ length: 32 }), () => stored(), {
        concurrency: "unbounded"
      })
      const commits = records.map((record, index) => next(record, { payload: `${index}` }))

      const updated = yield* Effect.forEach(commits, (commit) => store.update(commit, 1), {
        concurrency: "unbounded"
      })
      const found = yield* Effect.forEach(commits, ({ id }) => store.find(id), {
        concurrency: "unbounded"
      })

      expect(updated.every((one) => one)).toBe(true)
      expect(found).toEqual(commits.map((commit) => Option.some(commit)))
    }))

  test("commits that find and update until they succeed lose nothing", ({ store, stored }) =>
    Effect.gen(function* () {
      const { id } = yield* stored({ payload: "0" })
      const increment: Effect.Effect<
        void,
        Effect.Effect.Error<ReturnType<typeof store.find>>
      > = Effect.gen(function* () {
        const record = Option.getOrThrow(yield* store.find(id))
        const payload = String(Number(record.payload) + 1)
        const updated = yield* store.update(next(record, { payload }), record.version)
        if (!updated) yield* increment
      })

      yield* Effect.forEach(Array.from({ length: 10 }), () => increment, {
        concurrency: "unbounded",
        discard: true
      })

      const record = Option.getOrThrow(yield* store.find(id))
      expect(record.payload).toBe("10")
      expect(record.version).toBe(11)
    }))

  test("an update that loses its user is no longer found by that user", ({
    store,
    stored,
    idsOf
  }) =>
    Effect.gen(function* () {
      const record = yield* stored({ userId: "1" })

      yield* store.update(next(record, { userId: "2" }), 1)

      expect(yield* idsOf({ userId: "1" })).toEqual([])
      expect(yield* idsOf({ userId: "2" })).toEqual([record.id])
    }))
}
