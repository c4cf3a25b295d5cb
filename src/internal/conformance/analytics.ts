/** Tests of `count`, `addresses`, `hourly` and `usage`. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { day, hour, minute, pass, second } from "./clock.js"
import type { Filter, Rows } from "./figures.js"
import { addresses, count, figures, hourly, usage } from "./figures.js"
import type { Test } from "./harness.js"
import { test, timed, times } from "./harness.js"
import { expectDerivedFigures, manySessions } from "./manySessions.js"

const ofUser8: Filter = () => ({ userId: "8" })
const ofLastMinute: Filter = ({ now }) => ({ activeSinceMillis: now - minute })
const ofLastMinuteAndUser8: Filter = (context) => ({ ...ofLastMinute(context), userId: "8" })
const sinceTwoHoursAgo: Filter = ({ thisHour }) => ({ activeSinceMillis: thisHour - 2 * hour })

const twoUsers: Rows = ({ now, otherNamespace }) =>
  ["7", "8"]
    .flatMap((userId) => [
      { userId, ipAddress: "192.0.2.1", payload: "1" },
      { userId, ipAddress: "192.0.2.2", payload: "12" },
      { userId, ipAddress: "192.0.2.3", payload: "123", lastActivityMillis: now - hour },
      { userId, ipAddress: "192.0.2.4", namespace: otherNamespace }
    ])
    .map((row) => ({ createdAtMillis: now - hour, ...row }))

/** Sessions that expired two hours ago and sessions that live, last active at that instant or a millisecond before. */
const expiredTwoHoursAgo: Rows = ({ now, thisHour }) => {
  const then = thisHour - 2 * hour
  const user = { userId: "7", createdAtMillis: then - hour, payload: "1" }
  const expired = { ...user, expiresAtMillis: then }
  const live = { ...user, expiresAtMillis: now + hour }
  return [
    { ...expired, ipAddress: "192.0.2.1", lastActivityMillis: then },
    { ...expired, ipAddress: "192.0.2.2", lastActivityMillis: then - 1 },
    { ...live, ipAddress: "192.0.2.3", lastActivityMillis: then },
    { ...live, ipAddress: "192.0.2.4", lastActivityMillis: then - 1 }
  ]
}

export const analyticsTests: ReadonlyArray<Test> = [
  figures(
    "figures of no sessions are 0",
    () => [],
    [count(), { sessions: 0, users: 0 }],
    [addresses(), []],
    [hourly(-2, 1), { hours: [-2, -1, 0], sessions: [0, 0, 0], users: [0, 0, 0] }],
    [usage(), { live: 0, over: 0, payloadBytes: 0, activeMillis: 0 }]
  ),

  figures(
    "count counts a guest as a session, not as a user",
    () => [{}, { userId: "7" }, { userId: "7" }, { userId: "8" }],
    [count(), { sessions: 4, users: 2 }]
  ),

  figures(
    "count leaves out expired sessions",
    () => [{ userId: "7" }, { userId: "8", expiresIn: -second }],
    [count(), { sessions: 1, users: 1 }]
  ),

  figures(
    "count follows the filter",
    twoUsers,
    [count(), { sessions: 6, users: 2 }],
    [count(ofLastMinute), { sessions: 4, users: 2 }],
    [count(ofUser8), { sessions: 3, users: 1 }]
  ),

  figures(
    "addresses lists the users seen from several addresses, each address once",
    () => [
      { userId: "7", ipAddress: "192.0.2.1" },
      { userId: "7", ipAddress: "192.0.2.1" },
      { userId: "7", ipAddress: "2001:db8::1" },
      { userId: "8", ipAddress: "192.0.2.1" },
      { userId: "8", ipAddress: "192.0.2.1" }
    ],
    [addresses(), [{ userId: "7", addresses: ["192.0.2.1", "2001:db8::1"], sessions: 3 }]]
  ),

  figures(
    "addresses leaves out sessions without a user or an address",
    () => [
      { userId: null, ipAddress: "192.0.2.1" },
      { userId: null, ipAddress: "192.0.2.2" },
      { userId: "7", ipAddress: "192.0.2.1" },
      { userId: "7", ipAddress: null }
    ],
    [addresses(), []]
  ),

  figures(
    "addresses compares user ids as bytes",
    () => ["a", "A", "á", "a "].map((userId, index) => ({ userId, ipAddress: `192.0.2.${index}` })),
    [addresses(), []]
  ),

  figures("addresses follows the filter", twoUsers, [
    addresses(ofLastMinuteAndUser8),
    [{ userId: "8", addresses: ["192.0.2.1", "192.0.2.2"], sessions: 2 }]
  ]),

  figures("hourly of an empty range is empty", () => [{}], [
    hourly(0, 0),
    { hours: [], sessions: [], users: [] }
  ]),

  figures(
    "hourly counts a session in each hour from its creation to its last activity",
    ({ thisHour }) => [
      { createdAtMillis: thisHour - 4 * hour, lastActivityMillis: thisHour - 4 * hour },
      { createdAtMillis: thisHour - 3 * hour - 1, lastActivityMillis: thisHour - 3 * hour },
      { createdAtMillis: thisHour - 2 * hour - 1, lastActivityMillis: thisHour - hour - 1 }
    ],
    [
      hourly(-4, 1),
      { hours: [-4, -3, -2, -1, 0], sessions: [2, 2, 1, 0, 0], users: [0, 0, 0, 0, 0] }
    ]
  ),

  figures(
    "hourly counts a session that outlasts the range in every hour of it",
    ({ thisHour }) => [
      { createdAtMillis: thisHour - day, lastActivityMillis: thisHour + hour - 1 },
      { createdAtMillis: thisHour - 4 * hour, lastActivityMillis: thisHour - 3 * hour - 1 }
    ],
    [hourly(-3, 0), { hours: [-3, -2, -1], sessions: [1, 1, 1], users: [0, 0, 0] }]
  ),

  figures(
    "hourly counts 2000 hours, and sessions as long as that",
    ({ thisHour }) =>
      [2000 * hour + day, 1000 * hour].map((age) => ({
        userId: "7",
        createdAtMillis: thisHour + hour - age,
        lastActivityMillis: thisHour + hour - 1
      })),
    [
      hourly(-1999, 1),
      {
        hours: times(2000, (index) => index - 1999),
        sessions: times(2000, (index) => (index < 1000 ? 1 : 2)),
        users: times(2000, () => 1)
      }
    ]
  ),

  figures(
    "hourly counts a user once an hour, and a guest as a session only",
    ({ now, otherNamespace }) => [
      { userId: "7" },
      { userId: "7", createdAtMillis: now - hour },
      { userId: "A" },
      { userId: "a" },
      {},
      { userId: "8", namespace: otherNamespace }
    ],
    [hourly(-1, 1), { hours: [-1, 0], sessions: [1, 5], users: [1, 3] }]
  ),

  figures(
    "usage adds up bytes of UTF-8, and the time from creation to last activity",
    ({ now }) => [
      { payload: '"é漢👍"', createdAtMillis: now - hour, userId: "7" },
      { payload: "", createdAtMillis: now - 3 * hour, lastActivityMillis: now - hour }
    ],
    [usage(), { live: 2, over: 0, payloadBytes: 11, activeMillis: 3 * hour }]
  ),

  figures(
    "usage counts an expired session that was not collected as over",
    () => [{ payload: "1234" }, { payload: "12", expiresIn: -second }],
    [usage(), { live: 1, over: 1, payloadBytes: 6, activeMillis: 0 }]
  ),

  figures(
    "usage follows the filter",
    twoUsers,
    [usage(), { live: 6, over: 0, payloadBytes: 12, activeMillis: 4 * hour }],
    [usage(ofUser8), { live: 3, over: 0, payloadBytes: 6, activeMillis: 2 * hour }],
    [usage(ofLastMinute), { live: 4, over: 0, payloadBytes: 6, activeMillis: 4 * hour }]
  ),

  figures(
    "figures since an instant include a session that expired and was last active then",
    expiredTwoHoursAgo,
    [
      addresses(sinceTwoHoursAgo),
      [{ userId: "7", addresses: ["192.0.2.1", "192.0.2.3"], sessions: 2 }]
    ],
    [hourly(-2, -1), { hours: [-2], sessions: [2], users: [1] }],
    [usage(sinceTwoHoursAgo), { live: 1, over: 1, payloadBytes: 2, activeMillis: 2 * hour }]
  ),

  test("the figures of 200 sessions of all kinds are those of their entries", function* (fixture) {
    const records = manySessions(fixture)
    yield* Effect.forEach(records, fixture.store.insert, { concurrency: 8, discard: true })

    yield* expectDerivedFigures(fixture)
  }),

  timed("count is exact around a full hour", function* ({ store, stored, namespace, now }) {
    const full = Math.floor(now / hour) * hour + 2 * hour
    for (const past of [-1, 0, 1, hour]) {
      yield* stored({ userId: "7", expiresAtMillis: full + past })
    }
    const counts = Effect.forEach(["live", "over", "all"] as const, (state) =>
      Effect.map(store.count({ namespace, state }), ({ sessions }) => sessions)
    )

    yield* pass(full - 3 - now)
    const seen = yield* Effect.forEach([1, 1, 1, 1], (step) => Effect.zipRight(pass(step), counts))

    expect(seen).toEqual([
      [4, 0, 4],
      [3, 1, 4],
      [2, 2, 4],
      [1, 3, 4]
    ])
  })
]
