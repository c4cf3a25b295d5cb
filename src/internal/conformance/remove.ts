/** Tests of `remove` and `removeWhere`: a removed session is gone for good. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import { hour, minute, pass, second } from "./clock.js"
import type { Test } from "./harness.js"
import { inParallel, test, timed } from "./harness.js"
import { anId, moved, next } from "./records.js"

export const removeTests: ReadonlyArray<Test> = [
  test("remove ends the session and returns its entry", function* ({ store, stored }) {
    const record = yield* stored({ userId: "7" })

    const removed = yield* store.remove(record.id)

    const { id, namespace, userId, createdAtMillis } = record
    const entry = { id, namespace, userId, createdAtMillis }
    expect(Option.getOrNull(removed)).toMatchObject(entry)
    expect(yield* store.find(record.id)).toEqual(Option.none())
  }),

  test("remove returns none for an unknown id", function* ({ store }) {
    expect(yield* store.remove(anId())).toEqual(Option.none())
  }),

  test("remove returns none the second time", function* ({ store, stored }) {
    const { id } = yield* stored()
    yield* store.remove(id)

    expect(yield* store.remove(id)).toEqual(Option.none())
  }),

  test("remove returns none for an expired session", function* ({ store, stored }) {
    const record = yield* stored({ expiresIn: -second })

    expect(yield* store.remove(record.id)).toEqual(Option.none())
  }),

  test("exactly one of several parallel removes ends the session", function* ({ store, stored }) {
    const { id } = yield* stored()

    const removed = yield* inParallel(Array(8).fill(id), store.remove)

    expect(removed.filter(Option.isSome)).toHaveLength(1)
  }),

  test("remove changes no other session", function* ({ store, stored }) {
    const other = yield* stored({ userId: "7" })
    const record = yield* stored({ userId: "7" })

    yield* store.remove(record.id)

    expect(yield* store.find(other.id)).toEqual(Option.some(other))
  }),

  test("no later write revives a removed session", function* ({ store, stored, now, idsOf }) {
    const record = yield* stored({ userId: "7" })
    const target = moved(record)
    yield* store.remove(record.id)

    const done = [yield* store.update(next(record), 1), yield* store.move(record.id, target, 1)]
    yield* store.touch(record.id, 1, now + minute, now + 2 * hour)

    expect(done).toEqual([false, false])
    expect(yield* store.find(record.id)).toEqual(Option.none())
    expect(yield* store.find(target.id)).toEqual(Option.none())
    expect(yield* idsOf()).toEqual([])
  }),

  test("remove wins over parallel updates and touches", function* ({ store, stored, now }) {
    const record = yield* stored()

    yield* Effect.all(
      [
        store.update(next(record), 1),
        store.touch(record.id, 1, now + minute, now + 2 * hour),
        store.remove(record.id),
        store.update(next(next(record)), 2),
        store.touch(record.id, 2, now + minute, now + 2 * hour)
      ],
      { concurrency: "unbounded", discard: true }
    )

    expect(yield* store.find(record.id)).toEqual(Option.none())
  }),

  test("remove by the previous id ends the session", function* ({ store, aMove }) {
    const { old, current } = yield* aMove()

    const removed = yield* store.remove(old.id)

    expect(Option.map(removed, ({ id }) => id)).toEqual(Option.some(current.id))
    expect(yield* store.find(current.id)).toEqual(Option.none())
    expect(yield* store.find(old.id)).toEqual(Option.none())
  }),

  timed("remove by the previous id works after its grace period", function* ({ store, aMove }) {
    const { old, current } = yield* aMove()
    yield* pass(minute)

    const removed = yield* store.remove(old.id)

    expect(Option.map(removed, ({ id }) => id)).toEqual(Option.some(current.id))
    expect(yield* store.find(current.id)).toEqual(Option.none())
  }),

  test("remove by the id before the previous one ends nothing", function* ({ store, aMove }) {
    const { old: first, current: middle } = yield* aMove()
    const last = moved(middle)
    yield* store.move(middle.id, last, 2)

    expect(yield* store.remove(first.id)).toEqual(Option.none())
    expect(yield* store.find(last.id)).toEqual(Option.some(last))
  }),

  test("remove by a previous id that an update dropped ends nothing", function* ({ store, aMove }) {
    const { old, current } = yield* aMove()
    const later = next(current, { previous: null })
    yield* store.update(later, 2)

    expect(yield* store.remove(old.id)).toEqual(Option.none())
    expect(yield* store.find(current.id)).toEqual(Option.some(later))
  }),

  test("the previous id of a removed session finds nothing", function* ({ store, aMove }) {
    const { old, current } = yield* aMove()

    yield* store.remove(current.id)

    expect(yield* store.find(old.id)).toEqual(Option.none())
  }),

  test("removeWhere ends what the filter matches", function* ({ store, stored, namespace, idsOf }) {
    yield* stored({ userId: "7" })
    yield* stored({ userId: "7" })
    const other = yield* stored({ userId: "8" })

    expect(yield* store.removeWhere({ namespace, userId: "7" })).toBe(2)
    expect(yield* idsOf()).toEqual([other.id])
  }),

  test("removeWhere changes no other namespace", function* ({ store, stored, namespace }) {
    yield* stored()
    const other = yield* stored({ namespace: `${namespace}2` })

    yield* store.removeWhere({ namespace })

    expect(yield* store.find(other.id)).toEqual(Option.some(other))
  }),

  test("removeWhere ends and counts live sessions only", function* ({ store, stored, namespace }) {
    const live = yield* stored()
    yield* stored({ expiresIn: -second })

    expect(yield* store.removeWhere({ namespace, state: "over" })).toBe(0)
    expect(yield* store.find(live.id)).toEqual(Option.some(live))
    expect(yield* store.removeWhere({ namespace, state: "all" })).toBe(1)
  }),

  test("removeWhere spares what except names", function* ({ store, stored, namespace }) {
    const spared = yield* stored()
    const other = yield* stored()

    expect(yield* store.removeWhere({ namespace }, { except: spared.id })).toBe(1)
    expect(yield* store.find(spared.id)).toEqual(Option.some(spared))
    expect(yield* store.find(other.id)).toEqual(Option.none())
  }),

  test("removeWhere spares what except names by its previous id", function* (fixture) {
    const { store, stored, aMove, namespace } = fixture
    const { old, current: spared } = yield* aMove()
    yield* stored()

    expect(yield* store.removeWhere({ namespace }, { except: old.id })).toBe(1)
    expect(yield* store.find(spared.id)).toEqual(Option.some(spared))
  })
]
