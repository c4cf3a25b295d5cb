/** Tests of `update`: it replaces the version it was asked to replace, and never inserts. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import type { SessionStoreError } from "../errors/errors.js"
import { hour, minute, pass, second } from "./clock.js"
import type { Test } from "./harness.js"
import { inParallel, test, timed, times } from "./harness.js"
import { next } from "./records.js"

export const updateTests: ReadonlyArray<Test> = [
  test("update replaces every field of the record", function* ({ store, stored, now }) {
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

    expect(yield* store.update(changed, 1)).toBe(true)
    expect(yield* store.find(record.id)).toEqual(Option.some(changed))
  }),

  test("update misses a record of another version", function* ({ store, stored }) {
    const record = yield* stored({ version: 5 })

    const older = yield* store.update(next(record, { payload: "lost" }), 4)
    const newer = yield* store.update(next(record, { payload: "lost" }), 6)

    expect([older, newer]).toEqual([false, false])
    expect(yield* store.find(record.id)).toEqual(Option.some(record))
  }),

  test("update misses an unknown id and inserts nothing", function* ({ store, aRecord, idsOf }) {
    const record = aRecord()

    expect(yield* store.update(next(record), 1)).toBe(false)
    expect(yield* store.find(record.id)).toEqual(Option.none())
    expect(yield* idsOf({ state: "all" })).toEqual([])
  }),

  test("update misses an expired record and does not revive it", function* ({
    store,
    stored,
    now
  }) {
    const record = yield* stored({ expiresIn: -second })

    expect(yield* store.update(next(record, { expiresAtMillis: now + hour }), 1)).toBe(false)
    expect(yield* store.find(record.id)).toEqual(Option.none())
  }),

  timed("update misses a record in the instant of its expiry", function* ({ store, stored, now }) {
    const record = yield* stored({ expiresIn: minute })
    yield* pass(minute)

    expect(yield* store.update(next(record, { expiresAtMillis: now + hour }), 1)).toBe(false)
    expect(yield* store.find(record.id)).toEqual(Option.none())
  }),

  test("update misses by the previous id", function* ({ store, aMove }) {
    const { old, current } = yield* aMove()

    expect(yield* store.update(next(current, { id: old.id, payload: "lost" }), 2)).toBe(false)
    expect(yield* store.find(current.id)).toEqual(Option.some(current))
  }),

  test("update changes no other session", function* ({ store, stored }) {
    const other = yield* stored({ userId: "1" })
    const record = yield* stored({ userId: "1" })

    yield* store.update(next(record, { payload: "changed" }), 1)

    expect(yield* store.find(other.id)).toEqual(Option.some(other))
  }),

  test("exactly one of several parallel updates succeeds", function* ({ store, stored }) {
    const record = yield* stored()
    const commits = times(16, (index) => next(record, { payload: `${index}` }))

    const updated = yield* inParallel(commits, (commit) => store.update(commit, 1))

    expect(updated.filter((one) => one)).toHaveLength(1)
    const winner = Option.fromNullable(commits[updated.indexOf(true)])
    expect(yield* store.find(record.id)).toEqual(winner)
  }),

  test("parallel updates of different sessions all succeed", function* ({ store, aRecord }) {
    const records = times(32, () => aRecord())
    yield* inParallel(records, store.insert)
    const commits = records.map((record, index) => next(record, { payload: `${index}` }))

    const updated = yield* inParallel(commits, (commit) => store.update(commit, 1))
    const found = yield* inParallel(commits, ({ id }) => store.find(id))

    expect(updated.every((one) => one)).toBe(true)
    expect(found).toEqual(commits.map((commit) => Option.some(commit)))
  }),

  test("parallel commits that retry lose nothing", function* ({ store, stored }) {
    const { id } = yield* stored({ payload: "0" })
    const increment: Effect.Effect<void, SessionStoreError> = Effect.gen(function* () {
      const record = Option.getOrThrow(yield* store.find(id))
      const payload = String(Number(record.payload) + 1)
      const updated = yield* store.update(next(record, { payload }), record.version)
      if (!updated) yield* increment
    })

    yield* Effect.replicateEffect(increment, 10, { concurrency: "unbounded" })

    const found = Option.getOrNull(yield* store.find(id))
    expect(found).toMatchObject({ payload: "10", version: 11 })
  }),

  test("an update can give the session to another user", function* ({ store, stored, idsOf }) {
    const record = yield* stored({ userId: "1" })

    yield* store.update(next(record, { userId: "2" }), 1)

    expect(yield* idsOf({ userId: "1" })).toEqual([])
    expect(yield* idsOf({ userId: "2" })).toEqual([record.id])
  })
]
