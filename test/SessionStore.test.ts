import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import type { Mark } from "../src/internal/store/revocations.js"
import { addMark, isRevoked, makeMark } from "../src/internal/store/revocations.js"
import type { Primitives, SessionRecord } from "../src/SessionStore.js"
import {
  LocalInstant,
  layerMemory,
  make,
  SessionStore,
  SessionStoreError
} from "../src/SessionStore.js"

const primitivesOf = (store: Primitives): Primitives => ({
  find: store.find,
  insert: store.insert,
  update: store.update,
  move: store.move,
  remove: store.remove,
  entries: store.entries
})

/** A store that derives everything from the memory store's primitives, and the record of the last mark it wrote. */
const derivedStore = Effect.gen(function* () {
  const primitives = primitivesOf(yield* SessionStore)
  let mark: SessionRecord | undefined
  const store = make({
    ...primitives,
    insert: (record) => {
      mark = record
      return primitives.insert(record)
    }
  })
  const rewriteMark = (change: (payload: string) => string) =>
    Effect.suspend(() => {
      if (mark === undefined) return Effect.dieMessage("No mark was written.")
      const next = { ...mark, version: mark.version + 1, payload: change(mark.payload) }
      return primitives.update(next, mark.version)
    })
  return { store, rewriteMark }
})

const aSession: SessionRecord = {
  id: "a".repeat(40),
  namespace: "session",
  userId: "7",
  ipAddress: null,
  userAgent: null,
  createdAtMillis: 0,
  lastActivityMillis: 0,
  expiresAtMillis: 3_600_000,
  endedAtMillis: null,
  version: 1,
  previous: null,
  payload: "{}"
}

const user = { namespace: "session", userId: "7" }

describe("LocalInstant", () => {
  it("never goes back on the monotonic clock", () => {
    const first = LocalInstant.now()
    const second = LocalInstant.now()

    expect(second.monotonicMillis).toBeGreaterThanOrEqual(first.monotonicMillis)
  })
})

describe("make", () => {
  it.effect("prefers what the store does better to what it would derive", () =>
    Effect.gen(function* () {
      const memory = primitivesOf(yield* SessionStore)
      const touch = () => Effect.succeed(true)
      const collect = () => Effect.succeed(3)

      const store = make({ ...memory, touch, collect })

      expect([store.touch, store.collect]).toEqual([touch, collect])
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("passes an overridden removeWhere to the derived revokeUser", () =>
    Effect.gen(function* () {
      const memory = primitivesOf(yield* SessionStore)

      const store = make({ ...memory, removeWhere: () => Effect.succeed(42) })

      expect(yield* store.revokeUser(user)).toBe(42)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("does not show the marks of revocations even to who asks for their namespace", () =>
    Effect.gen(function* () {
      const { store } = yield* derivedStore
      yield* store.revokeUser(user)

      const counted = yield* store.count({ namespace: "effect-session/revocations" })

      expect(counted).toEqual({ sessions: 0, users: 0 })
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("shows the marks of revocations to no override", () =>
    Effect.gen(function* () {
      const memory = primitivesOf(yield* SessionStore)
      const asked: Array<string> = []
      const ask = <A>(answer: A) => {
        return ({ namespace }: { readonly namespace: string }) =>
          Effect.sync(() => {
            asked.push(namespace)
            return answer
          })
      }
      const store = make({
        ...memory,
        count: ask({ sessions: 1, users: 1 }),
        removeWhere: ask(1),
        addresses: ask([]),
        hourly: ask([]),
        usage: ask({ live: 1, over: 1, payloadBytes: 1, activeMillis: 1 })
      })
      const range = { fromMillis: 0, untilMillis: 3_600_000 }

      for (const namespace of ["effect-session/revocations", "session"]) {
        yield* store.count({ namespace })
        yield* store.removeWhere({ namespace })
        yield* store.addresses({ namespace })
        yield* store.hourly({ namespace, ...range })
        yield* store.usage({ namespace })
      }
      yield* store.count({})
      yield* store.removeWhere({})

      expect(asked).toEqual(Array(5).fill("session"))
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("removes from all namespaces, but no mark, where an override cannot be asked", () =>
    Effect.gen(function* () {
      const { store } = yield* derivedStore
      const since = LocalInstant.now()
      yield* store.revokeUser(user)

      const removed = yield* store.removeWhere({})

      expect(removed).toBe(0)
      expect(yield* store.revokedWithin({ ...user, since })).toBe(true)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect(
    "compares a mark of another process by the wall clock, an equal millisecond counts",
    () =>
      Effect.gen(function* () {
        const { store, rewriteMark } = yield* derivedStore
        yield* store.revokeUser(user)
        yield* rewriteMark(() =>
          JSON.stringify([{ wallMillis: 1000, monotonicMillis: 5, process: "other", except: null }])
        )
        const at = (wallMillis: number, monotonicMillis: number) =>
          store.revokedWithin({ ...user, since: { wallMillis, monotonicMillis } })

        const answers = [yield* at(999, 9), yield* at(1000, 9), yield* at(1001, 1)]

        expect(answers).toEqual([true, true, false])
      }).pipe(Effect.provide(layerMemory))
  )

  for (const payload of ["", "{}", "[1]", '[{"wallMillis":1}]']) {
    it.effect(`fails with corrupt where a mark reads ${payload || "as nothing"}`, () =>
      Effect.gen(function* () {
        const { store, rewriteMark } = yield* derivedStore
        yield* store.revokeUser(user)
        yield* rewriteMark(() => payload)

        const result = yield* Effect.either(
          store.revokedWithin({ ...user, since: LocalInstant.now() })
        )

        expect(Either.isLeft(result) && result.left.reason).toBe("corrupt")
      }).pipe(Effect.provide(layerMemory))
    )
  }

  it.effect("replaces a mark that cannot be read by one that spares nobody", () =>
    Effect.gen(function* () {
      const { store, rewriteMark } = yield* derivedStore
      const since = LocalInstant.now()
      yield* store.revokeUser(user)
      yield* rewriteMark(() => "damaged")

      yield* store.revokeUser({ ...user, except: "a" })

      const revoked = yield* store.revokedWithin({ ...user, since, exceptId: "a" })
      expect(revoked).toBe(true)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("ends the sessions of a user also where the store cannot read its mark", () =>
    Effect.gen(function* () {
      const { store: working } = yield* derivedStore
      const memory = primitivesOf(working)
      let damaged: string | undefined
      const store = make({
        ...memory,
        insert: (record) => {
          damaged ??= record.payload.includes("wallMillis") ? record.id : undefined
          return memory.insert(record)
        },
        find: (id) =>
          id === damaged
            ? Effect.fail(new SessionStoreError({ operation: "find", reason: "corrupt" }))
            : memory.find(id),
        remove: (id) => {
          if (id === damaged) damaged = ""
          return memory.remove(id)
        }
      })
      const since = LocalInstant.now()
      yield* store.revokeUser(user)
      yield* memory.insert(aSession)

      const ended = yield* store.revokeUser(user)

      expect(ended).toBe(1)
      expect(yield* store.revokedWithin({ ...user, since })).toBe(true)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("gives up a revocation whose mark can never be written, and ends no session", () =>
    Effect.gen(function* () {
      const memory = primitivesOf(yield* SessionStore)
      const removed: Array<string> = []
      const store = make({
        ...memory,
        find: () => Effect.succeed(Option.none()),
        insert: () => Effect.succeed(false),
        remove: (id) =>
          Effect.as(
            Effect.sync(() => removed.push(id)),
            Option.none()
          )
      })

      const result = yield* Effect.either(store.revokeUser(user))

      expect(Either.isLeft(result) && result.left.operation).toBe("revokeUser")
      expect(removed).toEqual([])
    }).pipe(Effect.provide(layerMemory))
  )
})

describe("revocation marks", () => {
  const excepts = fc.array(fc.constantFrom(null, "a", "b", "c"), { minLength: 1, maxLength: 12 })

  it("two marks answer as all marks would", () => {
    fc.assert(
      fc.property(
        excepts,
        fc.nat(13),
        fc.constantFrom(undefined, "a", "b", "c", "d"),
        (all, at, exceptId) => {
          const { process } = makeMark(undefined)
          const marks = all.map(
            (except, index): Mark => ({
              wallMillis: index,
              monotonicMillis: index,
              process,
              except
            })
          )
          const since = { wallMillis: at, monotonicMillis: at }

          const kept = marks.reduce<ReadonlyArray<Mark>>(addMark, [])

          expect(kept.length).toBeLessThanOrEqual(2)
          expect(isRevoked(kept, since, exceptId)).toBe(isRevoked(marks, since, exceptId))
        }
      )
    )
  })
})
