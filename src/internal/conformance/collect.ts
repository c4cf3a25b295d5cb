/** Tests of `collect` on a store that keeps nothing of an ended session. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import { aroundInstant, hour, minute, pass, second } from "./clock.js"
import type { Fixture, Test } from "./harness.js"
import { drained, inParallel, test, timed } from "./harness.js"

const storedExpired = (stored: Fixture["stored"], amount: number) =>
  Effect.repeatN(stored({ expiresIn: -second }), amount - 1)

export const collectTests: ReadonlyArray<Test> = [
  test("collect removes and counts expired sessions", function* ({ store, stored, idsOf }) {
    yield* drained(store)
    yield* storedExpired(stored, 3)

    expect(yield* store.collect(100)).toBe(3)
    expect(yield* idsOf({ state: "all" })).toEqual([])
  }),

  test("collect never changes a live session", function* ({ store, aMove }) {
    const { old, current } = yield* aMove({ userId: "7" })

    yield* drained(store)

    expect(yield* store.find(current.id)).toEqual(Option.some(current))
    expect(yield* store.find(old.id)).toEqual(Option.some(current))
  }),

  test("collect reaches its limit unless fewer are left", function* ({ store, stored }) {
    yield* drained(store)
    yield* storedExpired(stored, 5)

    expect(yield* Effect.forEach([2, 2, 2, 2], store.collect)).toEqual([2, 2, 1, 0])
  }),

  timed("collect removes a session at its expiry exactly", function* ({ store, stored, idsOf }) {
    const { id } = yield* stored({ expiresIn: minute })
    const left = Effect.zipRight(drained(store), idsOf({ state: "all" }))

    expect(yield* aroundInstant(minute, left)).toEqual([[id], []])
  }),

  test("parallel collects leave the live sessions only", function* ({ store, stored, idsOf }) {
    const live = yield* stored()
    yield* storedExpired(stored, 20)

    yield* inParallel([store, store, store, store], drained)

    expect(yield* idsOf({ state: "all" })).toEqual([live.id])
  }),

  timed("collect spares a session touched before its expiry", function* ({ store, stored, now }) {
    const record = yield* stored({ expiresIn: minute })
    yield* store.touch(record.id, 1, now + second, now + hour)
    yield* pass(minute)

    yield* drained(store)

    expect(Option.isSome(yield* store.find(record.id))).toBe(true)
  }),

  timed("collect goes on past sessions that were touched", function* ({ store, stored, now }) {
    // Of what other tests have left, nothing is due in the hour after this.
    const wait = 3 * hour
    yield* pass(wait)
    yield* drained(store)
    const expiresIn = wait + minute
    const touched = yield* Effect.replicateEffect(stored({ expiresIn }), 3)
    const later = now + expiresIn + minute
    yield* Effect.forEach(touched, ({ id }) => store.touch(id, 1, now + wait, later))
    yield* Effect.replicateEffect(stored({ expiresIn: expiresIn + second }), 2)
    yield* pass(minute + 2 * second)

    expect(yield* Effect.forEach([2, 2], store.collect)).toEqual([2, 0])
  }),

  test("remove leaves nothing to collect", function* ({ store, stored, idsOf }) {
    const record = yield* stored()

    yield* store.remove(record.id)

    expect(yield* idsOf({ state: "all" })).toEqual([])
  })
]
