/** Conformance of `revokeUser` and `revokedWithin`: nobody slips through, nobody else is hit. */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { expect } from "vitest"
import { localNow } from "../store/revocations.js"
import type { Suite } from "./bench.js"
import { anId, hour, listed, moved, second } from "./bench.js"

// Instants of this process are real time, whatever the clock of the test: only real time separates two of them.
const realPause = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 25)))

/** An instant with a pause on both sides. */
const anInstant = realPause.pipe(
  Effect.zipRight(Effect.sync(() => localNow())),
  Effect.zipLeft(realPause)
)

export const revoking = (suite: Suite): void => {
  endingSessions(suite)
  rememberingRevocations(suite)
  sparing(suite)
}

const endingSessions = ({ test }: Suite): void => {
  test("revokeUser ends every session of the user and counts them", ({
    store,
    stored,
    namespace,
    idsOf
  }) =>
    Effect.gen(function* () {
      yield* stored({ userId: "7" })
      yield* stored({ userId: "7" })

      const ended = yield* store.revokeUser({ namespace, userId: "7" })

      expect(ended).toBe(2)
      expect(yield* idsOf({ userId: "7" })).toEqual([])
    }))

  test("revokeUser leaves other users, anonymous sessions and other namespaces alone", ({
    store,
    stored,
    namespace
  }) =>
    Effect.gen(function* () {
      yield* stored({ userId: "7" })
      const others = [
        yield* stored({ userId: "8" }),
        yield* stored(),
        yield* stored({ userId: "7", namespace: `${namespace}2` })
      ]

      yield* store.revokeUser({ namespace, userId: "7" })

      const found = yield* Effect.forEach(others, ({ id }) => store.find(id))
      expect(found).toEqual(others.map((other) => Option.some(other)))
    }))

  test("revokeUser of a user without sessions succeeds with 0, again and again", ({
    store,
    namespace
  }) =>
    Effect.gen(function* () {
      expect(yield* store.revokeUser({ namespace, userId: "7" })).toBe(0)
      expect(yield* store.revokeUser({ namespace, userId: "7" })).toBe(0)
    }))

  test("revokeUser counts no session that had expired", ({ store, aRecord, namespace }) =>
    Effect.gen(function* () {
      yield* store.insert(aRecord({ userId: "7", expiresIn: -second }))

      expect(yield* store.revokeUser({ namespace, userId: "7" })).toBe(0)
    }))

  test("parallel revocations of one user all succeed and end each session once", ({
    store,
    stored,
    namespace
  }) =>
    Effect.gen(function* () {
      yield* stored({ userId: "7" })
      yield* stored({ userId: "7" })

      const ended = yield* Effect.forEach(
        Array.from({ length: 4 }),
        () => store.revokeUser({ namespace, userId: "7" }),
        { concurrency: "unbounded" }
      )

      expect(ended.reduce((sum, one) => sum + one, 0)).toBe(2)
    }))

  test("what a revocation leaves behind is in no listing and no count", ({
    store,
    namespace,
    idsOf
  }) =>
    Effect.gen(function* () {
      const before = (yield* listed(store, { state: "all" })).length

      yield* store.revokeUser({ namespace, userId: "7" })

      expect(yield* idsOf({ state: "all" })).toEqual([])
      expect(yield* listed(store, { state: "all" })).toHaveLength(before)
      expect((yield* store.count({ state: "all" })).sessions).toBe(before)
    }))
}

const rememberingRevocations = ({ test }: Suite): void => {
  test("a login that began before the revocation finds it", ({ store, namespace }) =>
    Effect.gen(function* () {
      const since = yield* anInstant

      yield* store.revokeUser({ namespace, userId: "7" })

      expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(true)
    }))

  test("a login that began after the revocation does not find it", ({ store, namespace }) =>
    Effect.gen(function* () {
      yield* store.revokeUser({ namespace, userId: "7" })

      const since = yield* anInstant

      expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(false)
    }))

  test("a user who was never revoked is not", ({ store, namespace }) =>
    Effect.gen(function* () {
      const since = yield* anInstant

      expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(false)
    }))

  test("a revocation says nothing of other users and namespaces", ({ store, namespace }) =>
    Effect.gen(function* () {
      const since = yield* anInstant

      yield* store.revokeUser({ namespace, userId: "a" })

      for (const userId of ["A", "a ", "á", "b", ""]) {
        expect(yield* store.revokedWithin({ namespace, userId, since })).toBe(false)
      }
      const elsewhere = { namespace: `${namespace}2`, userId: "a", since }
      expect(yield* store.revokedWithin(elsewhere)).toBe(false)
    }))

  test("a later revocation counts for logins that began after an earlier one", ({
    store,
    namespace
  }) =>
    Effect.gen(function* () {
      yield* store.revokeUser({ namespace, userId: "7" })
      const since = yield* anInstant

      yield* store.revokeUser({ namespace, userId: "7" })

      expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(true)
    }))

  test("removeWhere forgets no revocation", ({ store, namespace }) =>
    Effect.gen(function* () {
      const since = yield* anInstant
      yield* store.revokeUser({ namespace, userId: "7" })

      yield* store.removeWhere({ namespace })
      yield* store.collect(1000)

      expect(yield* store.revokedWithin({ namespace, userId: "7", since })).toBe(true)
    }))
}

const sparing = ({ test }: Suite): void => {
  test("revokeUser spares the session with the id of except", ({
    store,
    stored,
    namespace,
    idsOf
  }) =>
    Effect.gen(function* () {
      const spared = yield* stored({ userId: "7" })
      yield* stored({ userId: "7" })

      const ended = yield* store.revokeUser({ namespace, userId: "7", except: spared.id })

      expect(ended).toBe(1)
      expect(yield* idsOf()).toEqual([spared.id])
    }))

  test("revokeUser spares the session whose previous id is except", ({
    store,
    stored,
    namespace,
    now,
    idsOf
  }) =>
    Effect.gen(function* () {
      const old = yield* stored({ userId: "7" })
      const spared = moved(old, now, { expiresAtMillis: now + hour })
      yield* store.move(old.id, spared, 1)
      yield* stored({ userId: "7" })

      const ended = yield* store.revokeUser({ namespace, userId: "7", except: old.id })

      expect(ended).toBe(1)
      expect(yield* idsOf()).toEqual([spared.id])
    }))

  test("a revocation does not count for the session it spared, but for every other", ({
    store,
    namespace
  }) =>
    Effect.gen(function* () {
      const except = anId()
      const since = yield* anInstant
      const asked = { namespace, userId: "7", since }

      yield* store.revokeUser({ namespace, userId: "7", except })

      expect(yield* store.revokedWithin({ ...asked, exceptId: except })).toBe(false)
      expect(yield* store.revokedWithin({ ...asked, exceptId: anId() })).toBe(true)
      expect(yield* store.revokedWithin(asked)).toBe(true)
    }))

  test("a revocation that spares a session does not hide an earlier one that did not", ({
    store,
    namespace
  }) =>
    Effect.gen(function* () {
      const except = anId()
      const since = yield* anInstant
      yield* store.revokeUser({ namespace, userId: "7" })

      yield* store.revokeUser({ namespace, userId: "7", except })

      const asked = { namespace, userId: "7", since, exceptId: except }
      expect(yield* store.revokedWithin(asked)).toBe(true)
    }))
}
