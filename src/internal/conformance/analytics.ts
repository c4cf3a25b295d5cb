/**
 * Tests of the figures `count`, `addresses`, `hourly` and `usage`: a table of rows to store, a question to ask and the
 * answer to expect.
 */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import type { KeptFilter } from "../store/contract.js"
import type { Fixture, RecordOptions, StoreEffect, Test } from "./harness.js"
import { day, hour, minute, pass, second, test, timed, times } from "./harness.js"
import { expectDerivedFigures, inOrder, manySessions } from "./manySessions.js"

/** What rows and filters are told in: the instant of the test, the hour it is in, and two namespaces. */
interface Surroundings extends Pick<Fixture, "namespace" | "now"> {
  readonly thisHour: number
  readonly otherNamespace: string
}

type Rows = (test: Surroundings) => ReadonlyArray<RecordOptions>
type Filter = (test: Surroundings) => Partial<KeptFilter>
type Question = (fixture: Fixture) => StoreEffect<unknown>

const surroundings = ({ namespace, now }: Fixture): Surroundings => ({
  namespace,
  now,
  thisHour: Math.floor(now / hour) * hour,
  otherNamespace: `${namespace}2`
})

const figure = (claim: string, rows: Rows, question: Question, answer: unknown): Test =>
  test(claim, function* (fixture) {
    yield* Effect.forEach(rows(surroundings(fixture)), fixture.stored, { discard: true })

    expect(yield* question(fixture)).toEqual(answer)
  })

const filterOf = (fixture: Fixture, filter: Filter): KeptFilter => ({
  namespace: fixture.namespace,
  ...filter(surroundings(fixture))
})

const everything: Filter = () => ({})

const count =
  (filter = everything): Question =>
  (fixture) =>
    fixture.store.count(filterOf(fixture, filter))

const addresses =
  (filter = everything): Question =>
  (fixture) =>
    Effect.map(fixture.store.addresses(filterOf(fixture, filter)), inOrder)

const usage =
  (filter = everything): Question =>
  (fixture) =>
    fixture.store.usage(filterOf(fixture, filter))

/** Asks for the hours from `from` to before `until`, counted from this hour; answers `[hour, sessions, users]` of each. */
const hourly =
  (from: number, until: number): Question =>
  (fixture) => {
    const { namespace, thisHour } = surroundings(fixture)
    const range = { fromMillis: thisHour + from * hour, untilMillis: thisHour + until * hour }
    return Effect.map(fixture.store.hourly({ namespace, ...range }), (hours) =>
      hours.map(({ startMillis, sessions, users }) => [
        (startMillis - thisHour) / hour,
        sessions,
        users
      ])
    )
  }

const none: Rows = () => []

const lastMinute: Filter = ({ now }) => ({ activeSinceMillis: now - minute })

const ofTwoUsers: Rows = ({ now, otherNamespace }) =>
  ["7", "8"].flatMap((userId) => [
    { userId, ipAddress: "192.0.2.1", payload: "1" },
    { userId, ipAddress: "192.0.2.2", payload: "12" },
    {
      userId,
      ipAddress: "192.0.2.3",
      createdAtMillis: now - 2 * hour,
      lastActivityMillis: now - hour
    },
    { userId, ipAddress: "192.0.2.4", namespace: otherNamespace }
  ])

const countTests: ReadonlyArray<Test> = [
  figure("count is 0 without sessions", none, count(), { sessions: 0, users: 0 }),

  figure(
    "count counts a guest as a session, not as a user",
    () => [{}, { userId: "7" }, { userId: "7" }, { userId: "8" }],
    count(),
    { sessions: 4, users: 2 }
  ),

  figure(
    "count leaves out expired sessions",
    () => [{ userId: "7" }, { userId: "8", expiresIn: -second }],
    count(),
    { sessions: 1, users: 1 }
  ),

  figure("count counts the sessions of a namespace", ofTwoUsers, count(), {
    sessions: 6,
    users: 2
  }),

  figure("count counts the sessions active since an instant", ofTwoUsers, count(lastMinute), {
    sessions: 4,
    users: 2
  }),

  figure(
    "count counts the sessions of a user",
    ofTwoUsers,
    count(() => ({ userId: "8" })),
    { sessions: 3, users: 1 }
  ),

  timed("count is exact before, at and after a full hour", function* (fixture) {
    const { store, stored, namespace, now } = fixture
    const full = surroundings(fixture).thisHour + 2 * hour
    for (const past of [-1, 0, 1, hour]) {
      yield* stored({ userId: "7", expiresAtMillis: full + past })
    }
    const counts = Effect.forEach(["live", "over", "all"] as const, (state) =>
      Effect.map(store.count({ namespace, state }), ({ sessions }) => sessions)
    )

    yield* pass(full - 2 - now)
    const seen = [yield* counts]
    for (let step = 0; step < 3; step++) {
      yield* pass(1)
      seen.push(yield* counts)
    }

    expect(seen).toEqual([
      [4, 0, 4],
      [3, 1, 4],
      [2, 2, 4],
      [1, 3, 4]
    ])
  })
]

const addressesTests: ReadonlyArray<Test> = [
  figure("addresses is empty without sessions", none, addresses(), []),

  figure(
    "addresses lists the users seen from several addresses, each address once",
    () => [
      { userId: "7", ipAddress: "192.0.2.1" },
      { userId: "7", ipAddress: "192.0.2.1" },
      { userId: "7", ipAddress: "2001:db8::1" },
      { userId: "8", ipAddress: "192.0.2.1" },
      { userId: "8", ipAddress: "192.0.2.1" }
    ],
    addresses(),
    [{ userId: "7", addresses: ["192.0.2.1", "2001:db8::1"], sessions: 3 }]
  ),

  figure(
    "addresses leaves out sessions without a user or an address",
    () => [
      { userId: null, ipAddress: "192.0.2.1" },
      { userId: null, ipAddress: "192.0.2.2" },
      { userId: "7", ipAddress: "192.0.2.1" },
      { userId: "7", ipAddress: null }
    ],
    addresses(),
    []
  ),

  figure(
    "addresses compares user ids byte by byte",
    () => ["a", "A", "á", "a "].map((userId, index) => ({ userId, ipAddress: `192.0.2.${index}` })),
    addresses(),
    []
  ),

  figure(
    "addresses follows the filter",
    ofTwoUsers,
    addresses((test) => ({ ...lastMinute(test), userId: "8" })),
    [{ userId: "8", addresses: ["192.0.2.1", "192.0.2.2"], sessions: 2 }]
  )
]

const hourlyTests: ReadonlyArray<Test> = [
  figure(
    "hourly lists every hour of the range in order, an empty one with 0",
    none,
    hourly(-4, 1),
    [
      [-4, 0, 0],
      [-3, 0, 0],
      [-2, 0, 0],
      [-1, 0, 0],
      [0, 0, 0]
    ]
  ),

  figure("hourly of an empty range is empty", () => [{}], hourly(0, 0), []),

  figure(
    "hourly counts a session in each hour from its creation to its last activity",
    ({ thisHour }) =>
      [
        [-4 * hour, -4 * hour],
        [-3 * hour - 1, -3 * hour],
        [-2 * hour - 1, -hour - 1]
      ].map(([created = 0, active = 0]) => ({
        createdAtMillis: thisHour + created,
        lastActivityMillis: thisHour + active
      })),
    hourly(-4, 1),
    [
      [-4, 2, 0],
      [-3, 2, 0],
      [-2, 1, 0],
      [-1, 0, 0],
      [0, 0, 0]
    ]
  ),

  figure(
    "hourly counts a session that outlasts the range in every hour of it",
    ({ thisHour }) => [
      { createdAtMillis: thisHour - day, lastActivityMillis: thisHour + hour - 1 },
      { createdAtMillis: thisHour - 4 * hour, lastActivityMillis: thisHour - 3 * hour - 1 }
    ],
    hourly(-3, 0),
    [
      [-3, 1, 0],
      [-2, 1, 0],
      [-1, 1, 0]
    ]
  ),

  figure(
    "hourly counts 2000 hours, and sessions as long as that",
    ({ thisHour }) =>
      [2000 * hour + day, 1000 * hour].map((age) => ({
        userId: "7",
        createdAtMillis: thisHour + hour - age,
        lastActivityMillis: thisHour + hour - 1
      })),
    hourly(-1999, 1),
    times(2000, (index) => [index - 1999, index < 1000 ? 1 : 2, 1])
  ),

  figure(
    "hourly counts a user once an hour, and a guest as a session only",
    ({ now, otherNamespace }) => [
      { userId: "7" },
      { userId: "7", createdAtMillis: now - hour },
      { userId: "A" },
      { userId: "a" },
      {},
      { userId: "8", namespace: otherNamespace }
    ],
    hourly(-1, 1),
    [
      [-1, 1, 1],
      [0, 5, 3]
    ]
  )
]

const usageTests: ReadonlyArray<Test> = [
  figure("usage is 0 without sessions", none, usage(), {
    live: 0,
    over: 0,
    payloadBytes: 0,
    activeMillis: 0
  }),

  figure(
    "usage adds up bytes of UTF-8, and the time from creation to last activity",
    ({ now, otherNamespace }) => [
      { payload: '"é漢👍"', createdAtMillis: now - hour, userId: "7" },
      { payload: "", createdAtMillis: now - 3 * hour, lastActivityMillis: now - hour },
      { namespace: otherNamespace }
    ],
    usage(),
    { live: 2, over: 0, payloadBytes: 11, activeMillis: 3 * hour }
  ),

  figure(
    "usage counts an expired session that was not collected as over",
    () => [{ payload: "1234" }, { payload: "12", expiresIn: -second }],
    usage(),
    { live: 1, over: 1, payloadBytes: 6, activeMillis: 0 }
  ),

  figure(
    "usage adds up the sessions of a user",
    ofTwoUsers,
    usage(() => ({ userId: "7" })),
    { live: 3, over: 0, payloadBytes: 24, activeMillis: hour }
  ),

  figure("usage adds up the sessions active since an instant", ofTwoUsers, usage(lastMinute), {
    live: 4,
    over: 0,
    payloadBytes: 6,
    activeMillis: 0
  })
]

const twoHoursAgo: Filter = ({ thisHour }) => ({ activeSinceMillis: thisHour - 2 * hour })

/** Two sessions that expired two hours ago and two that live, the second of each last active a millisecond too early. */
const expiredThen: Rows = ({ now, thisHour }) => {
  const then = thisHour - 2 * hour
  return [then, now + hour].flatMap((expiresAtMillis, group) =>
    [then, then - 1].map((lastActivityMillis, index) => ({
      userId: "7",
      ipAddress: `192.0.2.${2 * group + index + 1}`,
      createdAtMillis: then - hour,
      lastActivityMillis,
      expiresAtMillis
    }))
  )
}

const activeSinceTests: ReadonlyArray<Test> = [
  figure(
    "addresses since an instant includes a session that expired and was last active then",
    expiredThen,
    addresses(twoHoursAgo),
    [{ userId: "7", addresses: ["192.0.2.1", "192.0.2.3"], sessions: 2 }]
  ),

  figure(
    "hourly includes a session that expired and was last active at the hour's beginning",
    expiredThen,
    hourly(-2, -1),
    [[-2, 2, 1]]
  ),

  figure(
    "usage since an instant includes a session that expired and was last active then",
    expiredThen,
    usage(twoHoursAgo),
    { live: 1, over: 1, payloadBytes: 42, activeMillis: 2 * hour }
  )
]

export const analyticsTests: ReadonlyArray<Test> = [
  ...countTests,
  ...addressesTests,
  ...hourlyTests,
  ...usageTests,
  ...activeSinceTests,

  test("the figures of 200 sessions of all kinds are those that entries gives", function* (fixture) {
    const records = manySessions(fixture)
    yield* Effect.forEach(records, fixture.store.insert, { concurrency: 8, discard: true })

    yield* expectDerivedFigures(fixture)
  })
]
