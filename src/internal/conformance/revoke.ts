/** Tests of `revokeUser` and `revokedWithin`: no session of the user escapes, and no other user is affected. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import { localNow, namespaceOfMarks } from "../store/revocations.js"
import { hour, second } from "./clock.js"
import type { Test } from "./harness.js"
import { inParallel, listed, test, times } from "./harness.js"
import { anId } from "./records.js"

// A `LocalInstant` is real time, whatever clock the test has, so only a real pause separates two of them.
const realPause = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 25)))

/** An instant with a pause on both sides. */
const anInstant = realPause.pipe(
  Effect.zipRight(Effect.sync(() => localNow())),
  Effect.zipLeft(realPause)
)

export const revokeTests: ReadonlyArray<Test> = [
  test("revokeUser ends all sessions of the user", function* ({ store, stored, namespace, idsOf }) {
    yield* stored({ userId: "7" })
    yield* stored({ userId: "7" })

    expect(yield* store.revokeUser({ namespace, userId: "7" })).toBe(2)
    expect(yield* idsOf({ userId: "7" })).toEqual([])
  }),

  test("revokeUser changes no other user or namespace", function* ({ store, stored, namespace }) {
    yield* stored({ userId: "7" })
    const others = [
      yield* stored({ userId: "8" }),
      yield* stored(),
      yield* stored({ userId: "7", namespace: `${namespace}2` })
    ]

    yield* store.revokeUser({ namespace, userId: "7" })

    const found = yield* Effect.forEach(others, ({ id }) => store.find(id))
    expect(found).toEqual(others.map((other) => Option.some(other)))
  }),

  test("revokeUser returns 0 for a user without sessions", function* ({ store, namespace }) {
    expect(yield* store.revokeUser({ namespace, userId: "7" })).toBe(0)
    expect(yield* store.revokeUser({ namespace, userId: "7" })).toBe(0)
  }),

  test("revokeUser does not count expired sessions", function* ({ store, stored, namespace }) {
    yield* stored({ userId: "7", expiresIn: -second })

    expect(yield* store.revokeUser({ namespace, userId: "7" })).toBe(0)
  }),

  test("parallel revocations end each session once", function* ({ store, stored, namespace }) {
    yield* stored({ userId: "7" })
    yield* stored({ userId: "7" })
    const calls = times(4, () => ({ namespace, userId: "7" }))

    const ended = yield* inParallel(calls, store.revokeUser)

    expect(ended.reduce((sum, one) => sum + one, 0)).toBe(2)
  }),

  test("a revocation is in no listing and no count", function* ({ store, namespace, idsOf }) {
    const before = (yield* listed(store, { state: "all" })).length

    yield* store.revokeUser({ namespace, userId: "7" })

    expect(yield* idsOf({ state: "all" })).toEqual([])
    expect(yield* listed(store, { state: "all" })).toHaveLength(before)
    expect((yield* store.count({ state: "all" })).sessions).toBe(before)
  }),

  test("a revocation is in no figure", function* ({ store, namespace, now }) {
    yield* store.revokeUser({ namespace, userId: "7" })

    const fromMillis = Math.floor(now / hour) * hour
    const range = { fromMillis, untilMillis: fromMillis + hour }
    for (const revoked of [namespace, namespaceOfMarks]) {
      const nothing = { live: 0, over: 0, payloadBytes: 0, activeMillis: 0 }
      expect(yield* store.usage({ namespace: revoked })).toEqual(nothing)
      expect(yield* store.hourly({ namespace: revoked, ...range })).toEqual([
        { startMillis: fromMillis, sessions: 0, users: 0 }
      ])
    }
  }),

  test("a login that began before the revocation sees it", function* ({ store, namespace }) {
    const since = yield* anInstant

    yield* store.revokeUser({ namespace, userId: "7" })

    expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(true)
  }),

  test("a login that began after the revocation does not see it", function* ({ store, namespace }) {
    yield* store.revokeUser({ namespace, userId: "7" })

    const since = yield* anInstant

    expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(false)
  }),

  test("revokedWithin is false for a user who was never revoked", function* ({ store, namespace }) {
    const since = yield* anInstant

    expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(false)
  }),

  test("a revocation affects no other user or namespace", function* ({ store, namespace }) {
    const since = yield* anInstant

    yield* store.revokeUser({ namespace, userId: "a" })

    for (const userId of ["A", "a ", "á", "b", ""]) {
      expect(yield* store.revokedWithin({ namespace, userId, since })).toBe(false)
    }
    const elsewhere = { namespace: `${namespace}2`, userId: "a", since }
    expect(yield* store.revokedWithin(elsewhere)).toBe(false)
  }),

  test("a login between two revocations sees the later one", function* ({ store, namespace }) {
    yield* store.revokeUser({ namespace, userId: "7" })
    const since = yield* anInstant

    yield* store.revokeUser({ namespace, userId: "7" })

    expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(true)
  }),

  test("removeWhere and collect forget no revocation", function* ({ store, namespace }) {
    const since = yield* anInstant
    yield* store.revokeUser({ namespace, userId: "7" })

    yield* store.removeWhere({ namespace })
    yield* store.collect(1000)

    expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(true)
  }),

  test("revokeUser spares what except names", function* ({ store, stored, namespace, idsOf }) {
    const spared = yield* stored({ userId: "7" })
    yield* stored({ userId: "7" })

    expect(yield* store.revokeUser({ namespace, userId: "7", except: spared.id })).toBe(1)
    expect(yield* idsOf()).toEqual([spared.id])
  }),

  test("revokeUser spares what except names by its previous id", function* (fixture) {
    const { store, stored, aMove, namespace, now, idsOf } = fixture
    const expiresAtMillis = now + hour
    const { old, current } = yield* aMove({ userId: "7" }, { expiresAtMillis })
    yield* stored({ userId: "7" })

    expect(yield* store.revokeUser({ namespace, userId: "7", except: old.id })).toBe(1)
    expect(yield* idsOf()).toEqual([current.id])
  }),

  test("a revocation counts for all but its except", function* ({ store, namespace }) {
    const except = anId()
    const since = yield* anInstant
    const login = { namespace, userId: "7", since }

    yield* store.revokeUser({ namespace, userId: "7", except })

    expect(yield* store.revokedWithin({ ...login, exceptId: except })).toBe(false)
    expect(yield* store.revokedWithin({ ...login, exceptId: anId() })).toBe(true)
    expect(yield* store.revokedWithin(login)).toBe(true)
  }),

  test("a revocation with except hides no earlier one", function* ({ store, namespace }) {
    const except = anId()
    const since = yield* anInstant
    yield* store.revokeUser({ namespace, userId: "7" })

    yield* store.revokeUser({ namespace, userId: "7", except })

    const login = { namespace, userId: "7", since, exceptId: except }
    expect(yield* store.revokedWithin(login)).toBe(true)
  })
]
