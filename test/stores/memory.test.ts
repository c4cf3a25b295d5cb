import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type { SessionRecord } from "../../src/SessionStore.js"
import { layerMemory, layerMemoryWith, SessionStore } from "../../src/SessionStore.js"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"
import * as Records from "../support/record.js"

SessionStoreTest.suite("memory", layerMemory, {
  layerKeeping7Days: layerMemoryWith({ keepEnded: "7 days" })
})

const minute = 60_000

const aRecord = (name: string, given?: Partial<SessionRecord>): SessionRecord =>
  Records.aRecord({ id: name.padEnd(40, "0"), nowMillis: 0, ...given })

const found = (...records: ReadonlyArray<SessionRecord>) =>
  Effect.flatMap(SessionStore, (store) =>
    Effect.forEach(records, ({ id }) => Effect.map(store.find(id), Option.isSome))
  )

const atMost = (maxSessions: number) => Effect.provide(layerMemoryWith({ maxSessions }))

describe("layerMemoryWith", () => {
  it.effect("gives each build of the layer sessions of its own", () =>
    Effect.gen(function* () {
      const record = aRecord("a")
      yield* Effect.flatMap(SessionStore, (store) => store.insert(record)).pipe(
        Effect.provide(layerMemory)
      )

      expect(yield* found(record).pipe(Effect.provide(layerMemory))).toEqual([false])
    })
  )

  it.effect("evicts the least recently active session where an insert exceeds maxSessions", () =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      const [a, b, c, d] = [aRecord("a"), aRecord("b"), aRecord("c"), aRecord("d")]
      yield* Effect.forEach([a, b, c], store.insert)
      yield* store.touch(a.id, 1, minute, 61 * minute)

      yield* store.insert(d)

      expect(yield* found(a, b, c, d)).toEqual([true, false, true, true])
    }).pipe(atMost(3))
  )

  it.effect("collects what expired before it evicts a live session", () =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      const [a, b, c] = [aRecord("a"), aRecord("b", { expiresAtMillis: minute }), aRecord("c")]
      yield* Effect.forEach([a, b], store.insert)
      yield* TestClock.adjust(minute)

      yield* store.insert(c)

      expect(yield* found(a, c)).toEqual([true, true])
    }).pipe(atMost(2))
  )

  it.effect("gives up a kept ended session before it evicts a live one", () =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      const [a, b, c] = [aRecord("a"), aRecord("b"), aRecord("c")]
      yield* Effect.forEach([a, b], store.insert)
      yield* store.remove(b.id)

      yield* store.insert(c)

      expect(yield* found(a, c)).toEqual([true, true])
      expect(yield* store.count({ state: "all" })).toEqual({ sessions: 2, users: 0 })
    }).pipe(Effect.provide(layerMemoryWith({ maxSessions: 2, keepEnded: "7 days" })))
  )

  it.effect("evicts nothing where the id to insert is taken", () =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      const [a, b] = [aRecord("a"), aRecord("b")]
      yield* Effect.forEach([a, b], store.insert)

      yield* store.insert(b)

      expect(yield* found(a, b)).toEqual([true, true])
    }).pipe(atMost(2))
  )

  it.effect("forgets user and previous id of an evicted session", () =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      const previous = aRecord("p")
      const kind = "alias"
      const untilMillis = 60 * minute
      const a = aRecord("a", {
        userId: "7",
        previous: { id: previous.id, kind, untilMillis, sealedToken: null }
      })
      yield* store.insert(a)

      yield* store.insert(aRecord("b"))

      expect(yield* found(a, previous)).toEqual([false, false])
      expect(yield* store.count({ userId: "7" })).toEqual({ sessions: 0, users: 0 })
    }).pipe(atMost(1))
  )

  for (const maxSessions of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    it.effect(`dies at build with a maxSessions of ${maxSessions}`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(SessionStore.pipe(atMost(maxSessions)))

        expect(Exit.isFailure(exit) && String(exit.cause)).toMatch(
          /The session setting maxSessions must be a positive integer\./
        )
      })
    )
  }

  it.effect("erases a sealed token once its grace is over", () =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      const previous = {
        id: "0".repeat(40),
        kind: "alias",
        untilMillis: minute,
        sealedToken: "sealed"
      } as const
      const record = aRecord("a", { previous })
      yield* store.insert(record)

      yield* TestClock.adjust(minute - 1)
      yield* store.collect(10)
      const before = Option.getOrThrow(yield* store.find(record.id))
      yield* TestClock.adjust(1)
      yield* store.collect(10)
      const at = Option.getOrThrow(yield* store.find(record.id))

      expect(before).toEqual(record)
      expect(at).toEqual({ ...record, previous: { ...previous, sealedToken: null } })
    }).pipe(Effect.provide(layerMemory))
  )
})
