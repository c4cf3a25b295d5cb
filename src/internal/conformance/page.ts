/** Tests of `page`: a listing that a person looks through. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import { hour, minute, pass } from "./clock.js"
import type { Fixture, StoreEffect, Test } from "./harness.js"
import { test, timed, times } from "./harness.js"
import { moved } from "./records.js"

/** Stores sessions one after another, each a second younger than the one before; gives their ids, the newest first. */
const storedInTurn = (
  { stored, now }: Fixture,
  length: number,
  userId?: string
): StoreEffect<ReadonlyArray<string>> =>
  Effect.map(
    Effect.forEach(
      times(length, (index) => now - hour + index * 1000),
      (createdAtMillis) => stored({ createdAtMillis, ...(userId === undefined ? {} : { userId }) })
    ),
    (records) => records.map(({ id }) => id).reverse()
  )

type Filter = Parameters<Fixture["idsOf"]>[0]

/** The ids of one page, and where the next one begins. */
const pageOf = (
  { store, namespace }: Fixture,
  limit: number,
  after?: string,
  filter?: Filter
): StoreEffect<{ readonly ids: ReadonlyArray<string>; readonly next: string | undefined }> =>
  Effect.map(store.page({ ...filter, namespace }, { limit, after }), ({ entries, next }) => ({
    ids: entries.map(({ id }) => id),
    next: Option.getOrUndefined(next)
  }))

/** The ids of all pages. */
const pagesOf = (
  fixture: Fixture,
  limit: number,
  after?: string
): StoreEffect<ReadonlyArray<ReadonlyArray<string>>> =>
  Effect.flatMap(pageOf(fixture, limit, after), ({ ids, next }) =>
    next === undefined
      ? Effect.succeed([ids])
      : Effect.map(pagesOf(fixture, limit, next), (others) => [ids, ...others])
  )

export const pageTests: ReadonlyArray<Test> = [
  test("a page of a namespace without sessions is empty and the last", function* (fixture) {
    expect(yield* pageOf(fixture, 10)).toEqual({ ids: [], next: undefined })
  }),

  test("pages list the newest session first, and each once", function* (fixture) {
    const ids = yield* storedInTurn(fixture, 7)

    expect(yield* pagesOf(fixture, 3)).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)])
  }),

  test("a page that is full and the last has no next one", function* (fixture) {
    const ids = yield* storedInTurn(fixture, 3)

    expect(yield* pageOf(fixture, 3)).toEqual({ ids, next: undefined })
  }),

  test("a page has the entries of the listing", function* ({ store, aMove, namespace }) {
    const { old, current } = yield* aMove({ userId: "7", ipAddress: "2001:db8::1" })
    const { payload, previous, version, ...rest } = current

    const { entries } = yield* store.page({ namespace }, { limit: 1 })

    const payloadBytes = Buffer.byteLength(payload)
    expect(entries).toEqual([{ ...rest, previousId: old.id, payloadBytes }])
  }),

  test("pages of a user list no other user, no guest and no other namespace", function* (fixture) {
    const { namespace, stored } = fixture
    yield* stored({ userId: "7", namespace: `${namespace}2` })
    const mine = yield* storedInTurn(fixture, 2, "7")
    yield* stored({ userId: "8" })
    yield* stored()

    const first = yield* pageOf(fixture, 1, undefined, { userId: "7" })
    const second = yield* pageOf(fixture, 1, first.next, { userId: "7" })

    expect([...first.ids, ...second.ids]).toEqual(mine)
    expect(second.next).toBeUndefined()
  }),

  test("a page lists what was active since an instant", function* (fixture) {
    const { now, stored } = fixture
    const wanted = yield* stored({ lastActivityMillis: now - minute })
    yield* stored({ lastActivityMillis: now - minute - 1 })

    const page = yield* pageOf(fixture, 1, undefined, { activeSinceMillis: now - minute })

    expect(page).toEqual({ ids: [wanted.id], next: undefined })
  }),

  timed("a page lists live sessions unless told otherwise", function* (fixture) {
    const over = yield* fixture.stored({ expiresIn: minute })
    const live = yield* fixture.stored()
    yield* pass(minute)

    expect((yield* pageOf(fixture, 5)).ids).toEqual([live.id])
    expect((yield* pageOf(fixture, 5, undefined, { state: "over" })).ids).toEqual([over.id])
    expect((yield* pageOf(fixture, 5, undefined, { state: "all" })).ids).toHaveLength(2)
  }),

  test("the next page goes on where the last session of a page was removed", function* (fixture) {
    const ids = yield* storedInTurn(fixture, 4)
    const { next } = yield* pageOf(fixture, 2)

    yield* fixture.store.remove(ids[1] ?? "")

    expect((yield* pageOf(fixture, 2, next)).ids).toEqual(ids.slice(2))
  }),

  test("a session that began later, and one that moved, are on no later page", function* (fixture) {
    const { aRecord, now, store, stored } = fixture
    const ids = yield* storedInTurn(fixture, 3)
    const newest = aRecord({ createdAtMillis: now - 2 })
    yield* store.insert(newest)
    const { next } = yield* pageOf(fixture, 2)

    yield* store.move(newest.id, moved(newest), 1)
    yield* stored({ createdAtMillis: now - 1 })

    expect((yield* pageOf(fixture, 2, next)).ids).toEqual(ids.slice(1))
  }),

  test("a place that no page has given begins at the first page", function* (fixture) {
    const ids = yield* storedInTurn(fixture, 2)

    for (const after of ["", "nowhere", "1; drop", "-1", "9".repeat(40), "\0"]) {
      expect((yield* pageOf(fixture, 5, after)).ids).toEqual(ids)
    }
  })
]
