import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import type { Mark } from "../src/internal/revocations.js"
import { addMark, isRevoked, makeMark } from "../src/internal/revocations.js"
import type { Primitives, SessionRecord } from "../src/SessionStore.js"
import { LocalInstant, layerMemory, make, SessionStore } from "../src/SessionStore.js"

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
      const touch = () => Effect.void
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
