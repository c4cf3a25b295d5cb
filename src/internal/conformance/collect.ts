/** Tests of `collect` on a store that keeps nothing of an ended session. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import { aroundInstant, hour, minute, pass, second } from "./clock.js"
import type { Fixture, Test } from "./harness.js"
import { drained, inParallel, test, timed, times } from "./harness.js"

const storedExpired = ({ stored }: Fixture, amount: number) =>
  Effect.forEach(
    times(amount, () => ({ expiresIn: -second })),
    stored,
    { discard: true }
  )

export const collectTests: ReadonlyArray<Test> = [
  test("collect removes expired sessions and counts them", function* (fixture) {
    const { store, idsOf } = fixture
    yield* drained(store)
    yield* storedExpired(fixture, 3)

    const collected = yield* store.collect(100)

    expect(collected).toBe(3)
    expect(yield* idsOf({ state: "all" })).toEqual([])
  }),

  test("collect never changes a live session", function* ({ store, storedAndMoved }) {
    const { old, current } = yield* storedAndMoved({ userId: "7" })

    yield* drained(store)

    expect(yield* store.find(current.id)).toEqual(Option.some(current))
    expect(yield* store.find(old.id)).toEqual(Option.some(current))
  }),

  test("collect reaches its limit unless fewer sessions are left", function* (fixture) {
    yield* drained(fixture.store)
    yield* storedExpired(fixture, 5)

    const collected = yield* Effect.forEach([2, 2, 2, 2], fixture.store.collect)

    expect(collected).toEqual([2, 2, 1, 0])
  }),

  timed("collect removes a session from the instant of its expiry on", function* (fixture) {
    const { store, stored, idsOf } = fixture
    const { id } = yield* stored({ expiresIn: minute })
    const left = Effect.zipRight(drained(store), idsOf({ state: "all" }))

    expect(yield* aroundInstant(minute, left)).toEqual([[id], []])
  }),

  test("parallel calls of collect remove all expired sessions and no live one", function* (fixture) {
    const { store, stored, idsOf } = fixture
    const live = yield* stored()
    yield* storedExpired(fixture, 20)

    yield* inParallel(
      times(4, () => store),
      drained
    )

    expect(yield* idsOf({ state: "all" })).toEqual([live.id])
  }),

  timed("collect spares a session that was touched before it expired", function* (fixture) {
    const { store, stored, now } = fixture
    const record = yield* stored({ expiresIn: minute })
    yield* store.touch(record.id, 1, now + second, now + hour)
    yield* pass(minute)

    yield* drained(store)

    expect(Option.isSome(yield* store.find(record.id))).toBe(true)
  }),

  test("remove leaves nothing to collect", function* ({ store, stored, idsOf }) {
    const record = yield* stored()

    yield* store.remove(record.id)

    expect(yield* idsOf({ state: "all" })).toEqual([])
  })
]
