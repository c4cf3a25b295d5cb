/** Conformance of `insert`, and of `find` by the current id: what goes in comes out, nothing is overwritten. */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { Suite } from "./bench.js"
import { anId, hour, minute, next, pass } from "./bench.js"

export const inserting = ({ test, timed }: Suite): void => {
  test("find returns the record as it was inserted", ({ store, aRecord }) =>
    Effect.gen(function* () {
      const record = aRecord({ userId: "42" })

      const inserted = yield* store.insert(record)

      expect(inserted).toBe(true)
      expect(yield* store.find(record.id)).toEqual(Option.some(record))
    }))

  test("find of an unknown id is none, not an error", ({ store }) =>
    Effect.gen(function* () {
      expect(yield* store.find(anId())).toEqual(Option.none())
    }))

  test("find of a text that is no id is none, not an error", ({ store }) =>
    Effect.gen(function* () {
      for (const text of ["", "x", "../../etc/passwd", "%", "a'--", "é".repeat(40)]) {
        expect(yield* store.find(text)).toEqual(Option.none())
      }
    }))

  test("find tells ids apart that differ in case", ({ store, stored }) =>
    Effect.gen(function* () {
      const id = `${anId().slice(0, 39)}a`
      yield* stored({ id })

      expect(yield* store.find(id.toUpperCase())).toEqual(Option.none())
    }))

  test("insert answers false for an id that is taken, and overwrites nothing", ({
    store,
    aRecord,
    stored
  }) =>
    Effect.gen(function* () {
      const first = yield* stored({ userId: "1" })

      const inserted = yield* store.insert(aRecord({ id: first.id, userId: "2", payload: "other" }))

      expect(inserted).toBe(false)
      expect(yield* store.find(first.id)).toEqual(Option.some(first))
    }))

  test("insert under an id that another namespace has is refused as well", ({
    store,
    aRecord,
    stored
  }) =>
    Effect.gen(function* () {
      const first = yield* stored()

      const inserted = yield* store.insert(
        aRecord({ id: first.id, namespace: `${first.namespace}2` })
      )

      expect(inserted).toBe(false)
      expect(yield* store.find(first.id)).toEqual(Option.some(first))
    }))

  timed("insert does not overwrite a record that expired", ({ store, aRecord, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored({ expiresIn: minute })
      yield* pass(minute)

      const inserted = yield* store.insert(aRecord({ id: old.id, expiresAtMillis: now + hour }))

      expect(inserted).toBe(false)
      expect(yield* store.find(old.id)).toEqual(Option.none())
    })
  )

  test("of parallel inserts under one id exactly one succeeds, and its record is stored", ({
    store,
    aRecord
  }) =>
    Effect.gen(function* () {
      const id = anId()
      const records = Array.from({ length: 8 }, (_, index) => aRecord({ id, payload: `${index}` }))

      const inserted = yield* Effect.forEach(records, (record) => store.insert(record), {
        concurrency: "unbounded"
      })

      expect(inserted.filter((one) => one)).toHaveLength(1)
      expect(yield* store.find(id)).toEqual(Option.fromNullable(records[inserted.indexOf(true)]))
    }))

  test("a record that expired is never found, though nothing was collected", ({ store, aRecord }) =>
    Effect.gen(function* () {
      const record = aRecord({ expiresIn: -1 })

      yield* store.insert(record)

      expect(yield* store.find(record.id)).toEqual(Option.none())
    }))

  timed("the instant of expiry is expired, the millisecond before is not", ({ store, stored }) =>
    Effect.gen(function* () {
      const { id } = yield* stored({ expiresIn: minute })

      yield* pass(minute - 1)
      const before = yield* store.find(id)
      yield* pass(1)
      const at = yield* store.find(id)

      expect(Option.isSome(before)).toBe(true)
      expect(Option.isNone(at)).toBe(true)
    })
  )

  timed("an expiry that an update moved is the one that counts", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const record = yield* stored({ expiresIn: hour })
      yield* store.update(next(record, { expiresAtMillis: now + minute }), 1)

      yield* pass(minute)

      expect(yield* store.find(record.id)).toEqual(Option.none())
    })
  )
}
