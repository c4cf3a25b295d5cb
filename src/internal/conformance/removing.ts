/** Conformance of `remove` and `removeWhere`: what was removed stays removed. */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { Suite } from "./bench.js"
import { anId, hour, minute, moved, next, pass, second } from "./bench.js"

export const removing = (suite: Suite): void => {
  removingOne(suite)
  removingByPrevious(suite)
  removingMany(suite)
}

const removingOne = ({ test }: Suite): void => {
  test("remove ends the session and tells which one it was", ({ store, stored }) =>
    Effect.gen(function* () {
      const record = yield* stored({ userId: "7" })

      const removed = Option.getOrThrow(yield* store.remove(record.id))

      expect([removed.id, removed.userId, removed.namespace, removed.createdAtMillis]).toEqual([
        record.id,
        "7",
        record.namespace,
        record.createdAtMillis
      ])
      expect(yield* store.find(record.id)).toEqual(Option.none())
    }))

  test("remove of an unknown id succeeds with none", ({ store }) =>
    Effect.gen(function* () {
      expect(yield* store.remove(anId())).toEqual(Option.none())
    }))

  test("a second remove succeeds with none", ({ store, stored }) =>
    Effect.gen(function* () {
      const { id } = yield* stored()
      yield* store.remove(id)

      expect(yield* store.remove(id)).toEqual(Option.none())
    }))

  test("remove of a session that expired succeeds with none", ({ store, aRecord }) =>
    Effect.gen(function* () {
      const record = aRecord({ expiresIn: -second })
      yield* store.insert(record)

      expect(yield* store.remove(record.id)).toEqual(Option.none())
    }))

  test("of parallel removes exactly one ended the session", ({ store, stored }) =>
    Effect.gen(function* () {
      const { id } = yield* stored()

      const removed = yield* Effect.forEach(Array.from({ length: 8 }), () => store.remove(id), {
        concurrency: "unbounded"
      })

      expect(removed.filter(Option.isSome)).toHaveLength(1)
    }))

  test("remove leaves other sessions alone", ({ store, stored }) =>
    Effect.gen(function* () {
      const other = yield* stored({ userId: "7" })
      const record = yield* stored({ userId: "7" })

      yield* store.remove(record.id)

      expect(yield* store.find(other.id)).toEqual(Option.some(other))
    }))

  test("no late update, move or touch brings a removed session back", ({
    store,
    stored,
    now,
    idsOf
  }) =>
    Effect.gen(function* () {
      const record = yield* stored({ userId: "7" })
      const target = moved(record, now)
      yield* store.remove(record.id)

      const done = [yield* store.update(next(record), 1), yield* store.move(record.id, target, 1)]
      yield* store.touch(record.id, 1, now + minute, now + 2 * hour)

      expect(done).toEqual([false, false])
      expect(yield* store.find(record.id)).toEqual(Option.none())
      expect(yield* store.find(target.id)).toEqual(Option.none())
      expect(yield* idsOf()).toEqual([])
    }))

  test("a remove in parallel to updates and touches wins in the end", ({ store, stored, now }) =>
    Effect.gen(function* () {
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
    }))
}

const removingByPrevious = ({ test, timed }: Suite): void => {
  test("remove by the previous id ends the session", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const current = moved(old, now)
      yield* store.move(old.id, current, 1)

      const removed = yield* store.remove(old.id)

      expect(Option.map(removed, ({ id }) => id)).toEqual(Option.some(current.id))
      expect(yield* store.find(current.id)).toEqual(Option.none())
      expect(yield* store.find(old.id)).toEqual(Option.none())
    }))

  timed(
    "remove by the previous id ends the session also when its grace is over",
    ({ store, stored, now }) =>
      Effect.gen(function* () {
        const old = yield* stored()
        const current = moved(old, now)
        yield* store.move(old.id, current, 1)
        yield* pass(minute)

        const removed = yield* store.remove(old.id)

        expect(Option.map(removed, ({ id }) => id)).toEqual(Option.some(current.id))
        expect(yield* store.find(current.id)).toEqual(Option.none())
      })
  )

  test("remove by an id two moves ago ends nothing", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const first = yield* stored()
      const middle = moved(first, now)
      const last = moved(middle, now)
      yield* store.move(first.id, middle, 1)
      yield* store.move(middle.id, last, 2)

      expect(yield* store.remove(first.id)).toEqual(Option.none())
      expect(yield* store.find(last.id)).toEqual(Option.some(last))
    }))

  test("remove by a previous id that an update dropped ends nothing", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const current = moved(old, now)
      const later = next(current, { previous: null })
      yield* store.move(old.id, current, 1)
      yield* store.update(later, 2)

      expect(yield* store.remove(old.id)).toEqual(Option.none())
      expect(yield* store.find(current.id)).toEqual(Option.some(later))
    }))

  test("the previous id of a removed session is unknown", ({ store, stored, now }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const current = moved(old, now)
      yield* store.move(old.id, current, 1)

      yield* store.remove(current.id)

      expect(yield* store.find(old.id)).toEqual(Option.none())
    }))
}

const removingMany = ({ test }: Suite): void => {
  test("removeWhere ends every session the filter lets through, and counts them", ({
    store,
    stored,
    namespace,
    idsOf
  }) =>
    Effect.gen(function* () {
      yield* stored({ userId: "7" })
      yield* stored({ userId: "7" })
      const other = yield* stored({ userId: "8" })

      const ended = yield* store.removeWhere({ namespace, userId: "7" })

      expect(ended).toBe(2)
      expect(yield* idsOf()).toEqual([other.id])
    }))

  test("removeWhere leaves other namespaces alone", ({ store, stored, namespace }) =>
    Effect.gen(function* () {
      yield* stored()
      const other = yield* stored({ namespace: `${namespace}2` })

      yield* store.removeWhere({ namespace })

      expect(yield* store.find(other.id)).toEqual(Option.some(other))
    }))

  test("removeWhere counts neither expired sessions nor ends live ones for a filter of over ones", ({
    store,
    aRecord,
    stored,
    namespace
  }) =>
    Effect.gen(function* () {
      const live = yield* stored()
      yield* store.insert(aRecord({ expiresIn: -second }))

      expect(yield* store.removeWhere({ namespace, state: "over" })).toBe(0)
      expect(yield* store.find(live.id)).toEqual(Option.some(live))
      expect(yield* store.removeWhere({ namespace, state: "all" })).toBe(1)
    }))

  test("removeWhere spares the session with the id of except", ({ store, stored, namespace }) =>
    Effect.gen(function* () {
      const spared = yield* stored()
      const other = yield* stored()

      const ended = yield* store.removeWhere({ namespace }, { except: spared.id })

      expect(ended).toBe(1)
      expect(yield* store.find(spared.id)).toEqual(Option.some(spared))
      expect(yield* store.find(other.id)).toEqual(Option.none())
    }))

  test("removeWhere spares the session whose previous id is except", ({
    store,
    stored,
    namespace,
    now
  }) =>
    Effect.gen(function* () {
      const old = yield* stored()
      const spared = moved(old, now)
      yield* store.move(old.id, spared, 1)
      yield* stored()

      const ended = yield* store.removeWhere({ namespace }, { except: old.id })

      expect(ended).toBe(1)
      expect(yield* store.find(spared.id)).toEqual(Option.some(spared))
    }))
}
