/** Tests of the figures of a store that keeps ended sessions for seven days. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { hour, minute, pass, second } from "./clock.js"
import type { Test } from "./harness.js"
import { timed } from "./harness.js"
import { expectDerivedFigures, inOrder, manySessions } from "./manySessions.js"
import { moved } from "./records.js"

export const keepEndedAnalyticsTests: ReadonlyArray<Test> = [
  timed("usage since an instant includes a session removed then", function* (fixture) {
    const { store, stored, namespace, now } = fixture
    const { id } = yield* stored({ createdAtMillis: now - hour })
    yield* stored({ createdAtMillis: now - hour, lastActivityMillis: now - 1 })
    yield* store.remove(id)

    const { live, over } = yield* store.usage({ namespace, activeSinceMillis: now })

    expect({ live, over }).toEqual({ live: 0, over: 1 })
  }),

  timed("figures include a session removed by a server whose clock is behind", function* (fixture) {
    const { store, stored, namespace, now } = fixture
    const ahead = now + 59 * minute
    const { id } = yield* stored({ lastActivityMillis: ahead, expiresAtMillis: ahead + 2 * hour })
    yield* store.remove(id)
    const fromMillis = Math.floor(ahead / hour) * hour

    const hours = yield* store.hourly({ namespace, fromMillis, untilMillis: fromMillis + hour })
    const { over } = yield* store.usage({ namespace, activeSinceMillis: ahead })

    expect(hours).toEqual([{ startMillis: fromMillis, sessions: 1, users: 0 }])
    expect(over).toBe(1)
  }),

  timed("figures include removed and expired ones", function* ({ store, stored, namespace, now }) {
    const user = { userId: "7", createdAtMillis: now - hour, payload: "1234" }
    const removed = yield* stored({ ...user, ipAddress: "192.0.2.1" })
    yield* stored({ ...user, ipAddress: "192.0.2.2", expiresIn: second })
    yield* store.remove(removed.id)
    yield* pass(second)
    yield* store.collect(1000)
    const thisHour = Math.floor(now / hour) * hour
    const twoHours = { fromMillis: thisHour - hour, untilMillis: thisHour + hour }

    const users = inOrder(yield* store.addresses({ namespace }))
    const hours = yield* store.hourly({ namespace, ...twoHours })
    const sums = yield* store.usage({ namespace })

    expect(users).toEqual([{ userId: "7", addresses: ["192.0.2.1", "192.0.2.2"], sessions: 2 }])
    expect(hours).toEqual([
      { startMillis: thisHour - hour, sessions: 2, users: 1 },
      { startMillis: thisHour, sessions: 2, users: 1 }
    ])
    expect(sums).toEqual({ live: 0, over: 2, payloadBytes: 0, activeMillis: 2 * hour })
  }),

  timed("figures include a moved session only once", function* ({ store, aMove, namespace }) {
    const { current } = yield* aMove()
    const last = moved(current)
    yield* store.move(current.id, last, 2)
    yield* store.remove(last.id)

    const { live, over } = yield* store.usage({ namespace })

    expect({ live, over }).toEqual({ live: 0, over: 1 })
  }),

  timed("the figures of 200 sessions, some ended, are those of their entries", function* (fixture) {
    const { store } = fixture
    const records = manySessions(fixture)
    yield* Effect.forEach(records, store.insert, { concurrency: 8, discard: true })
    yield* Effect.forEach(records.slice(0, 60), ({ id }) => store.remove(id), { discard: true })
    yield* pass(10 * minute)
    yield* store.collect(20)

    yield* expectDerivedFigures(fixture)
  })
]
