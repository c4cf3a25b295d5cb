/** Leases whose writes are not answered as they went, and leases nobody waits for any more. */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../src/core/record/record.js"
import { acquire } from "../../src/internal/commit/lease.js"
import {
  layerMemory,
  type Service,
  SessionStore,
  SessionStoreError
} from "../../src/SessionStore.js"
import { waiting, withStore } from "../support/waitingStore.js"

const atOnce = { waitMillis: 0, holdMillis: 30_000 }

const lost = new SessionStoreError({ operation: "insert", reason: "unavailable" })

/** A store whose first write of a lease with this method goes as `change` says; a release is none. */
const onceOdd = (
  method: "insert" | "update",
  change: (
    write: Effect.Effect<boolean, SessionStoreError>
  ) => Effect.Effect<boolean, SessionStoreError>
) => {
  let isOdd = true
  const oddly = (record: SessionRecord, write: Effect.Effect<boolean, SessionStoreError>) =>
    Effect.suspend(() => {
      if (!isOdd || record.payload === "0") return write
      isOdd = false
      return change(write)
    })
  return waiting(({ insert, update }) =>
    method === "insert"
      ? { insert: (record) => oddly(record, insert(record)) }
      : { update: (record, version) => oddly(record, update(record, version)) }
  )
}

/** Leaves a record that is free. */
const takenBefore = (store: Service) =>
  Effect.flatMap(
    acquire(store, "a", atOnce),
    Option.match({ onNone: () => Effect.void, onSome: ({ release }) => release })
  )

describe("a lease whose write was not answered as it went", () => {
  for (const method of ["insert", "update"] as const) {
    const prepare = method === "insert" ? () => Effect.void : takenBefore
    for (const [answer, change] of [
      ["an error", (write) => Effect.zipRight(write, Effect.fail(lost))],
      ["a no", (write) => Effect.as(write, false)]
    ] as const satisfies ReadonlyArray<readonly [string, Parameters<typeof onceOdd>[1]]>) {
      it(`is recognised behind ${answer} to the ${method}, and can be given back`, async () => {
        const taken = await withStore(onceOdd(method, change), (store) =>
          Effect.gen(function* () {
            yield* prepare(store)
            const first = yield* acquire(store, "a", atOnce)
            const second = yield* acquire(store, "a", atOnce)
            if (Option.isSome(first)) yield* first.value.release
            return [first, second, yield* acquire(store, "a", atOnce)]
          })
        )

        expect(taken.map(Option.isSome)).toEqual([true, false, true])
      })
    }

    it(`is not had from an ${method} that comes after its error`, async () => {
      const released = Effect.runSync(Deferred.make<void>())
      const landed = Effect.runSync(Deferred.make<boolean>())
      const layer = onceOdd(method, (write) =>
        Effect.zipRight(
          Effect.forkDaemon(
            Effect.flatMap(
              Effect.zipRight(Deferred.await(released), write).pipe(Effect.orDie),
              (written) => Deferred.succeed(landed, written)
            )
          ),
          Effect.fail(lost)
        )
      )
      const outcome = await withStore(layer, (store) =>
        Effect.gen(function* () {
          yield* prepare(store)
          const first = yield* Effect.either(acquire(store, "a", atOnce))
          yield* takenBefore(store)
          yield* Deferred.succeed(released, undefined)
          const written = yield* Deferred.await(landed)
          return [first._tag, written, (yield* acquire(store, "a", atOnce))._tag]
        })
      )

      expect(outcome).toEqual(["Left", false, "Some"])
    })

    it(`is not had from an ${method} that comes after its error, when nobody asks`, async () => {
      const settled = Effect.runSync(Deferred.make<void>())
      let write: Effect.Effect<boolean, SessionStoreError> = Effect.succeed(true)
      const layer = waiting(({ insert, update }) => {
        let writes = method === "insert" ? 0 : -2
        const odd = (given: Effect.Effect<boolean, SessionStoreError>) =>
          Effect.suspend(() => {
            writes += 1
            if (writes === 1) {
              write = given
              return Effect.fail(lost)
            }
            return Effect.tap(given, () =>
              writes === 2 ? Deferred.succeed(settled, undefined) : Effect.void
            )
          })
        return {
          insert: (record) => odd(insert(record)),
          update: (record, version) => odd(update(record, version))
        }
      })
      const written = await withStore(layer, (store) =>
        Effect.gen(function* () {
          yield* prepare(store)
          yield* Effect.either(acquire(store, "a", atOnce))
          yield* Deferred.await(settled)
          return yield* Effect.suspend(() => write)
        })
      )

      expect(written).toBe(false)
    })

    it(`is left to who was faster than an ${method} that failed`, async () => {
      const looked = Effect.runSync(Deferred.make<void>())
      let kept: Service | undefined
      const layer = Layer.effect(
        SessionStore,
        Effect.map(SessionStore, (store) => {
          kept = store
          let hasFailed = false
          // The other one writes the very version that this one wanted to write.
          const fail = (record: SessionRecord, write: Effect.Effect<boolean, SessionStoreError>) =>
            hasFailed || record.payload === "0"
              ? write
              : Effect.suspend(() => {
                  hasFailed = true
                  return Effect.zipRight(acquire(store, "a", atOnce), Effect.fail(lost))
                })
          let finds = 0
          return SessionStore.of({
            ...store,
            find: (id) =>
              Effect.tap(store.find(id), () =>
                hasFailed && ++finds === 2 ? Deferred.succeed(looked, undefined) : Effect.void
              ),
            insert: (record) => fail(record, store.insert(record)),
            update: (record, version) => fail(record, store.update(record, version))
          })
        })
      ).pipe(Layer.provide(waiting()))
      const outcome = await withStore(layer, (store) =>
        Effect.gen(function* () {
          yield* prepare(kept ?? store)
          const first = yield* Effect.either(acquire(store, "a", atOnce))
          // What was in doubt has been looked at, and what could follow has had its time.
          yield* Deferred.await(looked)
          yield* Effect.repeatN(Effect.yieldNow(), 20)
          return [first._tag, (yield* acquire(store, "a", atOnce))._tag]
        })
      )

      expect(outcome).toEqual(["Left", "None"])
    })
  }

  it("is given back although the store fails then for a while", async () => {
    let failures = 0
    const layer = waiting(({ update }) => ({
      update: (record, version) =>
        Effect.suspend(() =>
          record.payload === "0" && ++failures <= 2 ? Effect.fail(lost) : update(record, version)
        )
    }))
    const next = await withStore(layer, (store) =>
      Effect.zipRight(takenBefore(store), acquire(store, "a", { ...atOnce, waitMillis: 5000 }))
    )

    expect([next._tag, failures]).toEqual(["Some", 3])
  })
})

describe("a lease nobody waits for any more", () => {
  it("is not written when the store answers the question for it late", async () => {
    const asked = Effect.runSync(Deferred.make<void>())
    const answers = Effect.runSync(Deferred.make<void>())
    const answered = Effect.runSync(Deferred.make<void>())
    const inserted: Array<SessionRecord> = []
    const layer = waiting(({ find, insert }) => ({
      find: (id) =>
        Effect.zipRight(Deferred.succeed(asked, undefined), Deferred.await(answers)).pipe(
          Effect.zipRight(find(id)),
          Effect.zipLeft(Deferred.succeed(answered, undefined))
        ),
      insert: (record) => {
        inserted.push(record)
        return insert(record)
      }
    }))
    await withStore(layer, (store) =>
      Effect.gen(function* () {
        const waiter = yield* Effect.fork(
          Effect.uninterruptibleMask((restore) => acquire(store, "a", atOnce, restore))
        )
        yield* Deferred.await(asked)
        yield* Fiber.interrupt(waiter)
        yield* Deferred.succeed(answers, undefined)
        yield* Deferred.await(answered)
        yield* Effect.repeatN(Effect.yieldNow(), 20)
      })
    )

    expect(inserted).toEqual([])
  })

  it("is given back when the store writes it late", async () => {
    const asked = Effect.runSync(Deferred.make<void>())
    const answers = Effect.runSync(Deferred.make<void>())
    const layer = waiting(({ insert }) => ({
      insert: (record) =>
        Effect.zipRight(Deferred.succeed(asked, undefined), Deferred.await(answers)).pipe(
          Effect.zipRight(insert(record))
        )
    }))
    const next = await withStore(layer, (store) =>
      Effect.gen(function* () {
        const waiter = yield* Effect.fork(
          Effect.uninterruptibleMask((restore) => acquire(store, "a", atOnce, restore))
        )
        yield* Deferred.await(asked)
        yield* Fiber.interrupt(waiter)
        yield* Deferred.succeed(answers, undefined)
        return yield* acquire(store, "a", { ...atOnce, waitMillis: 2000 })
      })
    )

    expect(next._tag).toBe("Some")
  })

  it("is given back when it arrives at the moment of the interruption", async () => {
    const tags = await withStore(layerMemory, (store) =>
      Effect.gen(function* () {
        const waiter = yield* Effect.fork(
          Effect.uninterruptibleMask((restore) =>
            // A fiber that interrupts itself learns of it where it may be interrupted again.
            Effect.withFiberRuntime<unknown, SessionStoreError>((fiber) =>
              acquire(
                {
                  ...store,
                  insert: (record) =>
                    Effect.tap(store.insert(record), () =>
                      Effect.sync(() => fiber.unsafeInterruptAsFork(fiber.id()))
                    )
                },
                "a",
                atOnce,
                restore
              )
            )
          )
        )
        const exit = yield* Fiber.await(waiter)
        const next = yield* acquire(store, "a", { ...atOnce, waitMillis: 2000 })
        return [exit._tag, next._tag]
      })
    )

    expect(tags).toEqual(["Failure", "Some"])
  })
})
