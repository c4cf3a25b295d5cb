/** Collections beside traffic, between two looks at a session, and after a defect: X26, X27 and X30. */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { describe, expect, it } from "vitest"
import * as Session from "../../src/Session.js"
import * as SessionGc from "../../src/SessionGc.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { type Service, SessionStore } from "../../src/SessionStore.js"
import { eachStore, type Place } from "./support/stores.js"
import { aRecord } from "./workers/spawn.js"

const idOf = (nth: number): string => nth.toString(16).padStart(40, "0")
const expired = (nth: number) => aRecord(idOf(nth), { expiresAtMillis: Date.now() - 1 })

const collecting = (store: Service) =>
  Layer.launch(
    SessionGc.layer({ interval: "100 millis", batchSize: 20 }).pipe(
      Layer.provide(Layer.succeed(SessionStore, store)),
      Layer.provide(Logger.remove(Logger.defaultLogger))
    )
  )

/** Waits until nothing is left to collect. */
const collected = (store: Service) =>
  Effect.retry(
    Effect.filterOrFail(
      store.usage({ namespace: "faults" }),
      ({ over }) => over === 0,
      () => "Something is still to be collected."
    ),
    Schedule.spaced("100 millis").pipe(Schedule.upTo("20 seconds"))
  )

/** A browser: one visit after the other, with the cookie of the first. */
const visitor = (store: Service) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        HttpApp.toWebHandlerLayer(
          Effect.orDie(
            SessionMiddleware.middleware(
              Effect.as(Session.increment("visits"), HttpServerResponse.empty({ status: 200 }))
            )
          ),
          Layer.merge(Layer.succeed(SessionStore, store), Logger.remove(Logger.defaultLogger))
        )
      ),
      ({ dispose }) => Effect.promise(dispose)
    ),
    ({ handler }) => {
      let cookie = ""
      return Effect.promise(async () => {
        const response = await handler(new Request("http://localhost/", { headers: { cookie } }))
        const given = response.headers.get("set-cookie")
        if (given !== null) cookie = given.split(";", 1)[0] ?? ""
        return { status: response.status, setsCookie: given !== null }
      })
    }
  )

const claims = (place: Place, isShared: boolean): void => {
  it("X26 on two servers at once, beside traffic, takes what has expired and nothing that lives", () =>
    Effect.gen(function* () {
      const open = yield* place
      const first = yield* open
      const second = isShared ? yield* open : first
      const living = Array.from({ length: 60 }, (_, nth) => aRecord(idOf(nth)))
      yield* Effect.forEach(living, first.insert)
      const collectors = yield* Effect.forEach([first, second], (store) =>
        Effect.fork(collecting(store))
      )

      const traffic = Effect.forEach(
        living,
        (record, nth) =>
          Effect.gen(function* () {
            yield* second.insert(expired(1000 + nth))
            yield* first.insert(expired(2000 + nth))
            yield* second.touch(record.id, 1, Date.now(), Date.now() + 3_600_000)
            return yield* first.update({ ...record, version: 2 }, 1)
          }),
        { concurrency: 4 }
      )
      const updated = yield* Effect.delay(traffic, "200 millis")
      yield* collected(first)
      const found = yield* Effect.forEach(living, ({ id }) => second.find(id))
      const ended = yield* Effect.forEach(collectors, Fiber.poll)
      yield* Fiber.interruptAll(collectors)

      expect(updated).toEqual(living.map(() => true))
      expect(found.filter(Option.isSome)).toHaveLength(living.length)
      expect(ended).toEqual([Option.none(), Option.none()])
    }).pipe(Effect.scoped, Effect.runPromise))

  it("X30 whose store has a defect once answers that request with an error, and the next as ever", () =>
    Effect.gen(function* () {
      const store = yield* Effect.flatten(place)
      let finds = 0
      const faulty: Service = {
        ...store,
        find: (id) =>
          Effect.suspend(() => (++finds === 1 ? Effect.die("a defect") : store.find(id)))
      }
      const visit = yield* visitor(faulty)
      yield* visit

      const failed = yield* visit
      const next = yield* visit

      expect(failed).toEqual({ status: expect.toBeOneOf([500, 503]), setsCookie: false })
      expect(next.status).toBe(200)
      expect(yield* Effect.map(store.count({}), ({ sessions }) => sessions)).toBe(1)
    }).pipe(Effect.scoped, Effect.runPromise))

  it("X30 goes on after a defect of the store", () =>
    Effect.gen(function* () {
      const store = yield* Effect.flatten(place)
      yield* store.insert(expired(1))
      let runs = 0
      const faulty: Service = {
        ...store,
        collect: (limit) =>
          Effect.suspend(() => (++runs === 1 ? Effect.die("a defect") : store.collect(limit)))
      }
      const collector = yield* Effect.fork(collecting(faulty))

      yield* collected(store)
      yield* Fiber.interrupt(collector)

      expect(runs).toBeGreaterThan(1)
    }).pipe(Effect.scoped, Effect.runPromise))
}

eachStore((name, place, isShared) => {
  describe(`a collection of ${name}`, () => claims(place, isShared))
})
