/** Tests of `insert`, and of `find` by the current id: a record comes back as it was stored, and nothing overwrites it. */
import * as Option from "effect/Option"
import { expect } from "vitest"
import { aroundInstant, hour, minute, pass } from "./clock.js"
import type { Test } from "./harness.js"
import { inParallel, test, timed, times } from "./harness.js"
import { anId, next } from "./records.js"

export const insertTests: ReadonlyArray<Test> = [
  test("find returns the record as it was inserted", function* ({ store, aRecord }) {
    const record = aRecord({ userId: "42" })

    const inserted = yield* store.insert(record)

    expect(inserted).toBe(true)
    expect(yield* store.find(record.id)).toEqual(Option.some(record))
  }),

  test("find returns none for an unknown id", function* ({ store }) {
    expect(yield* store.find(anId())).toEqual(Option.none())
  }),

  test("find returns none for a text that is no id", function* ({ store }) {
    for (const text of ["", "x", "../../etc/passwd", "%", "a'--", "é".repeat(40)]) {
      expect(yield* store.find(text)).toEqual(Option.none())
    }
  }),

  test("find distinguishes ids that differ only in case", function* ({ store, stored }) {
    const id = `${anId().slice(0, 39)}a`
    yield* stored({ id })

    expect(yield* store.find(id.toUpperCase())).toEqual(Option.none())
  }),

  test("insert refuses an id that is taken", function* ({ store, aRecord, stored }) {
    const first = yield* stored({ userId: "1" })

    const inserted = yield* store.insert(aRecord({ id: first.id, userId: "2", payload: "other" }))

    expect(inserted).toBe(false)
    expect(yield* store.find(first.id)).toEqual(Option.some(first))
  }),

  test("insert refuses an id of another namespace", function* ({ store, aRecord, stored }) {
    const first = yield* stored()
    const namespace = `${first.namespace}2`

    expect(yield* store.insert(aRecord({ id: first.id, namespace }))).toBe(false)
    expect(yield* store.find(first.id)).toEqual(Option.some(first))
  }),

  timed("insert refuses the id of an expired record", function* ({ store, aRecord, stored, now }) {
    const old = yield* stored({ expiresIn: minute })
    yield* pass(minute)

    expect(yield* store.insert(aRecord({ id: old.id, expiresAtMillis: now + hour }))).toBe(false)
    expect(yield* store.find(old.id)).toEqual(Option.none())
  }),

  test("exactly one of several parallel inserts succeeds", function* ({ store, aRecord }) {
    const id = anId()
    const records = times(8, (index) => aRecord({ id, payload: `${index}` }))

    const inserted = yield* inParallel(records, store.insert)

    expect(inserted.filter((one) => one)).toHaveLength(1)
    expect(yield* store.find(id)).toEqual(Option.fromNullable(records[inserted.indexOf(true)]))
  }),

  test("find returns none for an expired record that was not collected", function* (fixture) {
    const record = yield* fixture.stored({ expiresIn: -1 })

    expect(yield* fixture.store.find(record.id)).toEqual(Option.none())
  }),

  timed("a record expires in the instant of its expiry, not before", function* (fixture) {
    const { id } = yield* fixture.stored({ expiresIn: minute })

    const [before, at] = yield* aroundInstant(minute, fixture.store.find(id))

    expect(Option.isSome(before)).toBe(true)
    expect(Option.isNone(at)).toBe(true)
  }),

  timed("a record expires when its last update says so", function* ({ store, stored, now }) {
    const record = yield* stored({ expiresIn: hour })
    yield* store.update(next(record, { expiresAtMillis: now + minute }), 1)

    yield* pass(minute)

    expect(yield* store.find(record.id)).toEqual(Option.none())
  })
]
