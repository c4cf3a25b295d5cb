/** Tests of `move`, and of `find` by the previous id. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { PreviousId } from "../../core/record/record.js"
import { aroundInstant, hour, minute, pass, second } from "./clock.js"
import type { Test } from "./harness.js"
import { inParallel, test, timed, times } from "./harness.js"
import { moved, next } from "./records.js"

const kinds: ReadonlyArray<PreviousId["kind"]> = ["quarantine", "alias"]

const alias = (id: string, untilMillis: number): PreviousId => ({
  id,
  kind: "alias",
  untilMillis,
  sealedToken: "c2VhbGVkIHRva2Vu"
})

export const moveTests: ReadonlyArray<Test> = [
  test("move stores the record under its new id", function* ({ store, stored, now, idsOf }) {
    const old = yield* stored()
    const current = moved(old, { userId: "7", payload: "changed", createdAtMillis: now - 1 })

    expect(yield* store.move(old.id, current, 1)).toBe(true)
    expect(yield* store.find(current.id)).toEqual(Option.some(current))
    expect(yield* idsOf({ state: "all" })).toEqual([current.id])
  }),

  test("a moved session is listed for its user once", function* ({ aMove, idsOf }) {
    const { current } = yield* aMove({ userId: "7" })

    expect(yield* idsOf({ userId: "7" })).toEqual([current.id])
  }),

  test("a moved session can be updated and moved again", function* ({ store, stored }) {
    const first = yield* stored()
    const second = moved(first)
    const third = next(second, { payload: "changed" })
    const fourth = moved(third)

    const done = [
      yield* store.move(first.id, second, 1),
      yield* store.update(third, 2),
      yield* store.move(third.id, fourth, 3)
    ]

    expect(done).toEqual([true, true, true])
    expect(yield* store.find(fourth.id)).toEqual(Option.some(fourth))
  }),

  test("exactly one of several parallel moves succeeds", function* ({ store, stored, idsOf }) {
    const old = yield* stored()
    const targets = times(8, () => moved(old))

    const done = yield* inParallel(targets, (target) => store.move(old.id, target, 1))

    expect(done.filter((one) => one)).toHaveLength(1)
    expect(yield* idsOf()).toEqual([targets[done.indexOf(true)]?.id])
  }),

  test("exactly one of a parallel update and move succeeds", function* ({ store, stored }) {
    const old = yield* stored()
    const current = moved(old)

    const done = yield* Effect.all(
      [store.update(next(old, { payload: "updated" }), 1), store.move(old.id, current, 1)],
      { concurrency: "unbounded" }
    )

    expect(done.filter((one) => one)).toHaveLength(1)
    expect(Option.isSome(yield* store.find(current.id))).toBe(done[1])
  }),

  test("move misses a record of another version", function* ({ store, stored }) {
    const old = yield* stored({ version: 3 })
    const current = moved(old)

    expect(yield* store.move(old.id, current, 2)).toBe(false)
    expect(yield* store.find(old.id)).toEqual(Option.some(old))
    expect(yield* store.find(current.id)).toEqual(Option.none())
  }),

  test("move misses an unknown id and stores nothing", function* ({ store, aRecord, idsOf }) {
    const old = aRecord()

    expect(yield* store.move(old.id, moved(old), 1)).toBe(false)
    expect(yield* idsOf({ state: "all" })).toEqual([])
  }),

  test("move misses an expired record and does not revive it", function* ({ store, stored, now }) {
    const old = yield* stored({ expiresIn: -second })
    const current = moved(old, { expiresAtMillis: now + hour })

    expect(yield* store.move(old.id, current, 1)).toBe(false)
    expect(yield* store.find(current.id)).toEqual(Option.none())
    expect(yield* store.find(old.id)).toEqual(Option.none())
  }),

  test("move refuses a taken id and changes neither record", function* ({ store, stored }) {
    const old = yield* stored({ userId: "1" })
    const other = yield* stored({ userId: "2" })

    expect(yield* store.move(old.id, moved(old, { id: other.id }), 1)).toBe(false)
    expect(yield* store.find(old.id)).toEqual(Option.some(old))
    expect(yield* store.find(other.id)).toEqual(Option.some(other))
  }),

  test("update, move and touch miss by the old id after a move", function* ({ store, aMove, now }) {
    const { old, current } = yield* aMove()

    const done = [
      yield* store.update(next(old, { payload: "late" }), 1),
      yield* store.move(old.id, moved(old), 1),
      yield* store.move(old.id, moved(current), 2)
    ]
    yield* store.touch(old.id, 2, now + minute, now + 2 * hour)

    expect(done).toEqual([false, false, false])
    expect(yield* store.find(current.id)).toEqual(Option.some(current))
  }),

  ...kinds.flatMap((kind) => [
    test(`find by the previous id works during its ${kind}`, function* ({ store, stored, now }) {
      const old = yield* stored()
      const current = moved(old, { previous: { ...alias(old.id, now + minute), kind } })
      yield* store.move(old.id, current, 1)

      expect(yield* store.find(old.id)).toEqual(Option.some(current))
    }),

    timed(`find by the previous id ends with its ${kind}`, function* ({ store, stored, now }) {
      const old = yield* stored()
      const current = moved(old, { previous: { ...alias(old.id, now + minute), kind } })
      yield* store.move(old.id, current, 1)

      const [before, at] = yield* aroundInstant(minute, store.find(old.id))

      expect([Option.isSome(before), Option.isSome(at)]).toEqual([true, false])
      expect(Option.isSome(yield* store.find(current.id))).toBe(true)
    })
  ]),

  test("a grace period in the past gives nothing", function* ({ store, stored, now }) {
    const old = yield* stored()
    yield* store.move(old.id, moved(old, { previous: alias(old.id, now - 1) }), 1)

    expect(yield* store.find(old.id)).toEqual(Option.none())
  }),

  timed("the previous id of an expired session finds nothing", function* ({ store, stored, now }) {
    const old = yield* stored({ expiresIn: minute })
    yield* store.move(old.id, moved(old, { previous: alias(old.id, now + hour) }), 1)

    yield* pass(minute)

    expect(yield* store.find(old.id)).toEqual(Option.none())
  }),

  test("the id before the previous one finds nothing", function* ({ store, stored, now }) {
    const first = yield* stored()
    const middle = moved(first, { previous: alias(first.id, now + hour) })
    const last = moved(middle, { previous: alias(middle.id, now + hour) })
    yield* store.move(first.id, middle, 1)
    yield* store.move(middle.id, last, 2)

    expect(yield* store.find(first.id)).toEqual(Option.none())
    expect(yield* store.find(middle.id)).toEqual(Option.some(last))
  }),

  test("an update without a previous id makes it unknown", function* ({ store, aMove }) {
    const { old, current } = yield* aMove()

    yield* store.update(next(current, { previous: null }), 2)

    expect(yield* store.find(old.id)).toEqual(Option.none())
  }),

  test("a move without a previous id leaves the old id unknown", function* (fixture) {
    const { old } = yield* fixture.aMove({}, { previous: null })

    expect(yield* fixture.store.find(old.id)).toEqual(Option.none())
  })
]
