/** A store that breaks one promise fails the claim of the conformance suite that states it. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { runTest } from "../../src/internal/conformance/harness.js"
import { keepEndedTopics, topics } from "../../src/internal/conformance/topics.js"
import { makeMemory } from "../../src/internal/store/memory/store.js"
import type { Overrides, Primitives, SessionRecord } from "../../src/SessionStore.js"
import { make, SessionStore } from "../../src/SessionStore.js"

const keepEndedMillis = 7 * 24 * 60 * 60 * 1000

const sixPrimitives = (): Primitives => {
  const { find, insert, update, move, remove, entries } = makeMemory(0, undefined)
  return { find, insert, update, move, remove, entries }
}

type Break = (store: Primitives) => Partial<Primitives & Overrides>

/** Inserts and updates records after a change. */
const writing =
  (change: (record: SessionRecord) => SessionRecord): Break =>
  ({ insert, update }) => ({
    insert: (record) => insert(change(record)),
    update: (record, version) => update(change(record), version)
  })

const broken: ReadonlyArray<readonly [fault: string, claim: string, breaks: Break]> = [
  [
    "find ignores the case of an id",
    "find distinguishes ids that differ only in case",
    ({ find }) => ({ find: (id) => find(id.toLowerCase()) })
  ],
  [
    "find never knows the previous id",
    "find by the previous id works during its alias",
    ({ find }) => ({
      find: (id) =>
        Effect.map(
          find(id),
          Option.filter((record) => record.id === id)
        )
    })
  ],
  [
    "records never expire",
    "find returns none for an expired record that was not collected",
    writing((record) => ({ ...record, expiresAtMillis: Number.MAX_SAFE_INTEGER }))
  ],
  [
    "insert overwrites",
    "insert refuses an id that is taken",
    ({ insert, remove }) => ({
      insert: (record) => Effect.zipRight(remove(record.id), insert(record))
    })
  ],
  [
    "insert always answers true",
    "exactly one of several parallel inserts succeeds",
    ({ insert }) => ({ insert: (record) => Effect.as(insert(record), true) })
  ],
  [
    "update ignores the version",
    "update misses a record of another version",
    ({ find, update }) => ({
      update: (record, version) =>
        Effect.flatMap(find(record.id), (found) =>
          update(record, Option.isSome(found) ? found.value.version : version)
        )
    })
  ],
  [
    "update reads the version before it writes",
    "exactly one of several parallel updates succeeds",
    ({ find, update }) => ({
      update: (record, version) =>
        Effect.flatMap(find(record.id), (found) =>
          Option.isSome(found) && found.value.version === version
            ? Effect.zipRight(
                Effect.yieldNow(),
                Effect.flatMap(find(record.id), (later) =>
                  Option.isSome(later) ? update(record, later.value.version) : Effect.succeed(false)
                )
              )
            : Effect.succeed(false)
        )
    })
  ],
  [
    "update inserts what is missing",
    "update misses an unknown id and inserts nothing",
    ({ insert, update }) => ({
      update: (record, version) =>
        Effect.flatMap(update(record, version), (updated) =>
          updated ? Effect.succeed(true) : insert(record)
        )
    })
  ],
  [
    "move leaves the old record",
    "move stores the record under its new id",
    ({ insert }) => ({ move: (_, record) => insert(record) })
  ],
  [
    "move ignores the version",
    "move misses a record of another version",
    ({ find, move }) => ({
      move: (fromId, record, version) =>
        Effect.flatMap(find(fromId), (found) =>
          move(fromId, record, Option.isSome(found) ? found.value.version : version)
        )
    })
  ],
  [
    "move forgets the previous id",
    "find by the previous id works during its quarantine",
    ({ move }) => ({
      move: (fromId, record, version) => move(fromId, { ...record, previous: null }, version)
    })
  ],
  [
    "remove removes nothing",
    "remove ends the session and returns its entry",
    () => ({ remove: () => Effect.succeedNone })
  ],
  [
    "remove takes the current id only",
    "remove by the previous id ends the session",
    ({ find, remove }) => ({
      remove: (id) =>
        Effect.flatMap(find(id), (found) =>
          Option.isSome(found) && found.value.id !== id ? Effect.succeedNone : remove(id)
        )
    })
  ],
  [
    "entries mixes namespaces",
    "entries of one namespace lists no other one",
    ({ entries }) => ({ entries: (filter) => entries({ ...filter, namespace: undefined }) })
  ],
  [
    "entries stops after a thousand",
    "each of 1100 sessions is listed once, counted and removed",
    ({ entries }) => ({ entries: (filter) => Stream.take(entries(filter), 1000) })
  ],
  [
    "user ids lose the space at their end",
    "entries compares user ids as bytes",
    writing((record) => ({ ...record, userId: record.userId?.trimEnd() ?? null }))
  ],
  [
    "payloads are cut at 65,535 characters",
    "insert and update keep a payload as it is: 64 KiB",
    writing((record) => ({ ...record, payload: record.payload.slice(0, 65_535) }))
  ],
  [
    "touch moves activity back",
    "touch never moves the activity back",
    ({ find, update }) => ({
      touch: (id, version, lastActivityMillis, expiresAtMillis) =>
        Effect.flatMap(find(id), (found) =>
          Option.isSome(found)
            ? update({ ...found.value, lastActivityMillis, expiresAtMillis }, version)
            : Effect.succeed(false)
        )
    })
  ],
  [
    "collect knows no limit",
    "collect reaches its limit unless fewer are left",
    (store) => ({ collect: () => make(store).collect(1000) })
  ],
  [
    "count counts a guest as a user",
    "count counts a guest as a session, not as a user",
    (store) => ({
      count: (filter) =>
        Effect.map(make(store).count(filter), ({ sessions }) => ({ sessions, users: sessions }))
    })
  ],
  [
    "page lists the oldest first",
    "pages list the newest session first, and each once",
    (store) => ({
      page: (filter, at) =>
        Effect.map(make(store).page(filter, at), ({ entries, next }) => ({
          entries: [...entries].reverse(),
          next
        }))
    })
  ],
  [
    "page forgets where it was",
    "the next page goes on where the last session of a page was removed",
    (store) => ({ page: (filter, { limit }) => make(store).page(filter, { limit }) })
  ],
  [
    "revokeUser leaves no mark",
    "a login that began before the revocation sees it",
    (store) => ({ revokeUser: (options) => make(store).removeWhere(options, options) })
  ],
  [
    "hourly leaves out empty hours",
    "figures of no sessions are 0",
    (store) => ({
      hourly: (range) =>
        Effect.map(make(store).hourly(range), (hours) => hours.filter((hour) => hour.sessions > 0))
    })
  ],
  [
    "usage counts characters",
    "usage adds up bytes of UTF-8, and the time from creation to last activity",
    (store) => ({
      usage: (filter) =>
        Effect.map(make(store).usage(filter), (sums) => ({ ...sums, payloadBytes: 6 }))
    })
  ]
]

const tests = Object.values(topics).flat()

const outcome = (claim: string, primitives: Primitives & Overrides) => {
  const test = tests.find(({ name }) => name === claim)
  if (test === undefined) throw new Error(`The suite does not claim "${claim}".`)
  return runTest(test).pipe(Effect.provideService(SessionStore, make(primitives)), Effect.exit)
}

describe("the conformance suite", () => {
  for (const [fault, claim, breaks] of broken) {
    it.effect(`fails a store where ${fault}`, () =>
      Effect.gen(function* () {
        const store = sixPrimitives()

        const intact = yield* outcome(claim, store)
        const failed = yield* outcome(claim, { ...store, ...breaks(store) })

        expect(intact).toEqual(Exit.void)
        expect(Exit.isFailure(failed) && Cause.squash(failed.cause)).toHaveProperty(
          "name",
          "AssertionError"
        )
      })
    )
  }

  it.effect("fails a store with keepEnded that keeps nothing", () =>
    Effect.gen(function* () {
      const store = make(sixPrimitives(), { keepEnded: keepEndedMillis })
      const tests = keepEndedTopics["ended sessions"] ?? []

      const exits = yield* Effect.forEach(tests, (test) =>
        Effect.exit(Effect.provideService(runTest(test), SessionStore, store))
      )

      expect(exits.filter(Exit.isFailure).length).toBeGreaterThan(5)
    })
  )

  it("gives each claim of a topic a name of its own", () => {
    for (const tests of Object.values({ ...topics, ...keepEndedTopics })) {
      const names = tests.map(({ name }) => name)

      expect(new Set(names).size).toBe(names.length)
    }
  })
})
