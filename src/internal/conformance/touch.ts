/** Tests of `touch`: it never conflicts, never moves an instant back and never revives a session. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import { aroundInstant, hour, minute, pass, second } from "./clock.js"
import type { Test } from "./harness.js"
import { inParallel, test, timed } from "./harness.js"
import { anId, next } from "./records.js"

export const touchTests: ReadonlyArray<Test> = [
  test("touch moves activity and expiry and nothing else", function* ({ store, stored, now }) {
    const record = yield* stored({ userId: "7", version: 3 })
    const touched = { lastActivityMillis: now + minute, expiresAtMillis: now + 2 * hour }

    yield* store.touch(record.id, 3, now + minute, now + 2 * hour)

    expect(yield* store.find(record.id)).toEqual(Option.some({ ...record, ...touched }))
  }),

  test("touch is true only for a live session of that id and version", function* (fixture) {
    const { store, stored, aMove, now } = fixture
    const record = yield* stored({ version: 3 })
    const { old } = yield* aMove()
    const expired = yield* stored({ expiresIn: -second })
    const touch = (id: string, version: number) =>
      store.touch(id, version, now + minute, now + 2 * hour)

    const touched = yield* Effect.all({
      moved: touch(record.id, 3),
      movedAlready: touch(record.id, 3),
      otherVersion: touch(record.id, 2),
      previousId: touch(old.id, 2),
      expired: touch(expired.id, 1),
      unknown: touch(anId(), 1)
    })

    expect(touched).toEqual({
      moved: true,
      movedAlready: true,
      otherVersion: false,
      previousId: false,
      expired: false,
      unknown: false
    })
  }),

  test("each parallel touch answers for its session", function* ({ store, stored, now }) {
    const records = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (version) => stored({ version }))

    const touched = yield* inParallel(records, ({ id }) =>
      store.touch(id, 4, now + minute, now + 2 * hour)
    )

    expect(touched).toEqual([false, false, false, true, false, false])
  }),

  test("touch changes no other version", function* ({ store, stored, now }) {
    const record = yield* stored({ version: 3 })

    yield* store.touch(record.id, 2, now + minute, now + 2 * hour)
    yield* store.touch(record.id, 4, now + minute, now + 2 * hour)

    expect(yield* store.find(record.id)).toEqual(Option.some(record))
  }),

  test("touch never moves the activity back", function* ({ store, stored, now }) {
    const record = yield* stored()

    yield* store.touch(record.id, 1, now - minute, now + 2 * hour)

    const touched = { ...record, expiresAtMillis: now + 2 * hour }
    expect(yield* store.find(record.id)).toEqual(Option.some(touched))
  }),

  test("touch never moves the expiry back", function* ({ store, stored, now }) {
    const record = yield* stored({ expiresIn: hour })

    yield* store.touch(record.id, 1, now + minute, now + second)

    const touched = { ...record, lastActivityMillis: now + minute }
    expect(yield* store.find(record.id)).toEqual(Option.some(touched))
  }),

  test("touch of an unknown id stores nothing", function* ({ store, now, idsOf }) {
    const id = anId()

    yield* store.touch(id, 1, now + minute, now + 2 * hour)

    expect(yield* store.find(id)).toEqual(Option.none())
    expect(yield* idsOf({ state: "all" })).toEqual([])
  }),

  test("touch never revives an expired session", function* ({ store, stored, now }) {
    const record = yield* stored({ expiresIn: -second })

    yield* store.touch(record.id, 1, now + minute, now + hour)

    expect(yield* store.find(record.id)).toEqual(Option.none())
  }),

  timed("touch in the instant of expiry revives nothing", function* ({ store, stored, now }) {
    const record = yield* stored({ expiresIn: minute })
    yield* pass(minute)

    yield* store.touch(record.id, 1, now + minute, now + hour)

    expect(yield* store.find(record.id)).toEqual(Option.none())
  }),

  timed("a touched session lives until its new expiry", function* ({ store, stored, now }) {
    const record = yield* stored({ expiresIn: minute })
    yield* store.touch(record.id, 1, now + second, now + hour)

    const [before, at] = yield* aroundInstant(hour, store.find(record.id))

    expect([Option.isSome(before), Option.isSome(at)]).toEqual([true, false])
  }),

  test("touch by the previous id changes nothing", function* ({ store, aMove, now }) {
    const { old, current } = yield* aMove()

    yield* store.touch(old.id, 2, now + minute, now + 2 * hour)

    expect(yield* store.find(current.id)).toEqual(Option.some(current))
  }),

  test("an update with parallel touches loses nothing", function* ({ store, stored, now }) {
    const record = yield* stored()
    const touch = store.touch(record.id, 1, now + minute, now + 2 * hour)
    const update = store.update(next(record, { payload: "changed" }), 1)

    const [, updated] = yield* inParallel([touch, update, touch, touch], (call) => call)

    const found = Option.getOrNull(yield* store.find(record.id))
    expect(updated).toBe(true)
    expect(found).toMatchObject({ version: 2, payload: "changed" })
  }),

  test("an update succeeds after a touch of its version", function* ({ store, stored, now }) {
    const record = yield* stored()
    yield* store.touch(record.id, 1, now + minute, now + 2 * hour)

    expect(yield* store.update(next(record), 1)).toBe(true)
  })
]
