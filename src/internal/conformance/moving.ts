/** Conformance of `move`, and of `find` by the previous id. */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { PreviousId } from "../../core/record/record.js"
import type { Suite } from "./bench.js"
import { anId, hour, minute, moved, next, pass, second } from "./bench.js"

const alias = (id: string, untilMillis: number): PreviousId => ({
  id,
  kind: "alias",
  untilMillis,
  sealedToken: "c2VhbGVkIHRva2Vu"
})

export const moving = (suite: Suite): void => {
  movingSucceeds(suite)
  movingMisses(suite)
  findingByPrevious(suite)
}

const movingSucceeds = ({ test }: Suite): void => {
  test("move stores the record under its new id", ({ store, stored, now, idsOf }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const current = moved(old, now, { userId: "7", payload: "changed", createdAtMillis: now - 1 })

      const done = yield* store.move(old.id, current, 1)

      expect(done).toBe(true)
      expect(yield* store.find(current.id)).toEqual(Option.some(current))
      expect(yield* idsOf({ state: "all" })).toEqual([current.id])
    }))

  test("the user of a moved session is found at its new id only", ({ store, stored, now, idsOf }) =>
    Effect.gen(function* () {
      const old = yield* stored({ userId: "7" })
      const current = moved(old, now)

      yield* store.move(old.id, current, 1)

      expect(yield* idsOf({ userId: "7" })).toEqual([current.id])
    }))

  test("a moved session can be updated and moved again", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const first = yield* stored()
      const middle = moved(first, now)
      const third = next(middle, { payload: "changed" })
      const fourth = moved(third, now)

      const done = [
        yield* store.move(first.id, middle, 1),
        yield* store.update(third, 2),
        yield* store.move(third.id, fourth, 3)
      ]

      expect(done).toEqual([true, true, true])
      expect(yield* store.find(fourth.id)).toEqual(Option.some(fourth))
    }))

  test("of parallel moves of one version exactly one succeeds", ({ store, stored, now, idsOf }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const targets = Array.from({ length: 8 }, () => moved(old, now))

      const done = yield* Effect.forEach(targets, (target) => store.move(old.id, target, 1), {
        concurrency: "unbounded"
      })

      expect(done.filter((one) => one)).toHaveLength(1)
      expect(yield* idsOf()).toEqual([targets[done.indexOf(true)]?.id])
    }))

  test("of a parallel update and move of one version exactly one succeeds", ({
    store,
    stored,
    now
  }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const current = moved(old, now)

      const done = yield* Effect.all(
        [store.update(next(old, { payload: "updated" }), 1), store.move(old.id, current, 1)],
        { concurrency: "unbounded" }
      )

      expect(done.filter((one) => one)).toHaveLength(1)
      expect(Option.isSome(yield* store.find(current.id))).toBe(done[1])
    }))
}

const movingMisses = ({ test }: Suite): void => {
  test("move on another version misses and leaves everything as it was", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored({ version: 3 })
      const current = moved(old, now)

      const done = yield* store.move(old.id, current, 2)

      expect(done).toBe(false)
      expect(yield* store.find(old.id)).toEqual(Option.some(old))
      expect(yield* store.find(current.id)).toEqual(Option.none())
    }))

  test("move from an unknown id misses and stores nothing", ({ store, aRecord, now, idsOf }) =>
    Effect.gen(function* () {
      const old = aRecord()

      const done = yield* store.move(old.id, moved(old, now), 1)

      expect(done).toBe(false)
      expect(yield* idsOf({ state: "all" })).toEqual([])
    }))

  test("move of a session that expired misses and revives nothing", ({ store, aRecord, now }) =>
    Effect.gen(function* () {
      const old = aRecord({ expiresIn: -second })
      yield* store.insert(old)
      const current = moved(old, now, { expiresAtMillis: now + hour })

      const done = yield* store.move(old.id, current, 1)

      expect(done).toBe(false)
      expect(yield* store.find(current.id)).toEqual(Option.none())
      expect(yield* store.find(old.id)).toEqual(Option.none())
    }))

  test("move to an id that is taken misses and leaves both as they were", ({
    store,
    stored,
    now
  }) =>
    Effect.gen(function* () {
      const old = yield* stored({ userId: "1" })
      const other = yield* stored({ userId: "2" })

      const done = yield* store.move(old.id, moved(old, now, { id: other.id }), 1)

      expect(done).toBe(false)
      expect(yield* store.find(old.id)).toEqual(Option.some(old))
      expect(yield* store.find(other.id)).toEqual(Option.some(other))
    }))

  test("after a move the old id's update, move and touch miss", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const current = moved(old, now)
      yield* store.move(old.id, current, 1)

      const done = [
        yield* store.update(next(old, { payload: "late" }), 1),
        yield* store.move(old.id, moved(old, now), 1),
        yield* store.move(old.id, moved(current, now), 2)
      ]
      yield* store.touch(old.id, 2, now + minute, now + 2 * hour)

      expect(done).toEqual([false, false, false])
      expect(yield* store.find(current.id)).toEqual(Option.some(current))
    }))
}

const findingByPrevious = ({ test, timed }: Suite): void => {
  for (const kind of ["quarantine", "alias"] as const) {
    test(`the previous id finds the moved session while its ${kind} lasts`, ({
      store,
      stored,
      now
    }) =>
      Effect.gen(function* () {
        const old = yield* stored()
        const previous = { ...alias(old.id, now + minute), kind }
        const current = moved(old, now, { previous })
        yield* store.move(old.id, current, 1)

        expect(yield* store.find(old.id)).toEqual(Option.some(current))
      }))

    timed(
      `the previous id finds nothing from the instant its ${kind} is over`,
      ({ store, stored, now }) =>
        Effect.gen(function* () {
          const old = yield* stored()
          const previous = { ...alias(old.id, now + minute), kind }
          const current = moved(old, now, { previous })
          yield* store.move(old.id, current, 1)

          yield* pass(minute - 1)
          const before = yield* store.find(old.id)
          yield* pass(1)
          const at = yield* store.find(old.id)

          expect([Option.isSome(before), Option.isSome(at)]).toEqual([true, false])
          expect(Option.isSome(yield* store.find(current.id))).toBe(true)
        })
    )
  }

  test("a grace that was over before the move gives nothing", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      yield* store.move(old.id, moved(old, now, { previous: alias(old.id, now - 1) }), 1)

      expect(yield* store.find(old.id)).toEqual(Option.none())
    }))

  timed("the previous id of an expired session finds nothing", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored({ expiresIn: minute })
      yield* store.move(old.id, moved(old, now, { previous: alias(old.id, now + hour) }), 1)

      yield* pass(minute)

      expect(yield* store.find(old.id)).toEqual(Option.none())
    })
  )

  test("only one step leads back: after a second move the first id is unknown", ({
    store,
    stored,
    now
  }) =>
    Effect.gen(function* () {
      const first = yield* stored()
      const middle = moved(first, now, { previous: alias(first.id, now + hour) })
      const last = moved(middle, now, { previous: alias(middle.id, now + hour) })
      yield* store.move(first.id, middle, 1)
      yield* store.move(middle.id, last, 2)

      expect(yield* store.find(first.id)).toEqual(Option.none())
      expect(yield* store.find(middle.id)).toEqual(Option.some(last))
    }))

  test("an update that drops the previous id makes it unknown", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const current = moved(old, now)
      yield* store.move(old.id, current, 1)

      yield* store.update(next(current, { previous: null }), 2)

      expect(yield* store.find(old.id)).toEqual(Option.none())
    }))

  test("a move that names no previous id leaves the old id unknown", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      yield* store.move(old.id, moved(old, now, { previous: null, id: anId() }), 1)

      expect(yield* store.find(old.id)).toEqual(Option.none())
    }))
}
