/** Sessions of all kinds, and the comparison of a store's own figures of them with those derived from `entries`. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import type { SessionRecord } from "../../core/record/record.js"
import type { StoreFigures, UserAddresses } from "../store/contract.js"
import * as DerivedAnalytics from "../store/derivedAnalytics.js"
import { day, hour } from "./clock.js"
import type { Fixture, StoreEffect } from "./harness.js"
import { times } from "./harness.js"

/** Sorts what a store may return in any order. */
const sorted = (figures: StoreFigures): StoreFigures => ({
  ...figures,
  addresses: inOrder(figures.addresses)
})

/** Users and their addresses, sorted. */
export const inOrder = (users: ReadonlyArray<UserAddresses>): ReadonlyArray<UserAddresses> =>
  users
    .map((user) => ({ ...user, addresses: [...user.addresses].sort() }))
    .sort((a, b) => (a.userId < b.userId ? -1 : 1))

/** Builds 200 records, created within two days; the same kinds at each run. */
export const manySessions = ({ aRecord, now }: Fixture): ReadonlyArray<SessionRecord> => {
  let state = 12345
  const below = (bound: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * bound)
  }
  return times(200, () => {
    const createdAtMillis = now - hour - below(2 * day)
    const expiresIn = below(5) === 0 ? -below(hour) : 1 + below(hour)
    const latest = now + Math.min(0, expiresIn)
    return aRecord({
      createdAtMillis,
      lastActivityMillis: createdAtMillis + below(latest - createdAtMillis + 1),
      userId: below(4) === 0 ? null : `user ${below(20)}`,
      ipAddress: below(6) === 0 ? null : `192.0.2.${below(4)}`,
      payload: "é".repeat(below(20)),
      expiresIn
    })
  })
}

/** Expects of each figure what is derived from `entries`. */
export const expectDerivedFigures = ({ store, namespace, now }: Fixture): StoreEffect<void> =>
  Effect.gen(function* () {
    const { entries } = store
    const untilMillis = (Math.floor(now / hour) + 1) * hour
    const range = { namespace, fromMillis: untilMillis - 30 * hour, untilMillis }
    const filters = [
      { namespace },
      { namespace, userId: "user 3" },
      { namespace, activeSinceMillis: now - day }
    ]

    expect(yield* store.hourly(range)).toEqual(yield* DerivedAnalytics.hourly(entries)(range))
    const figures = { ...range, activeSinceMillis: now - day }
    expect(sorted(yield* store.figures(figures))).toEqual(
      sorted(yield* DerivedAnalytics.figures(entries)(figures))
    )
    for (const filter of filters) {
      const addresses = yield* DerivedAnalytics.addresses(entries)(filter)
      expect(inOrder(yield* store.addresses(filter))).toEqual(inOrder(addresses))
      expect(yield* store.usage(filter)).toEqual(yield* DerivedAnalytics.usage(entries)(filter))
      expect(yield* store.count(filter)).toEqual(yield* DerivedAnalytics.count(entries)(filter))
    }
  })
