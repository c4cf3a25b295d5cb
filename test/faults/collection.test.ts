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
import type { SessionRecord } from "../../src/core/record/record.js"
import * as Session from "../../src/Session.js"
import * as SessionGc from "../../src/SessionGc.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { type Service, SessionStore } from "../../src/SessionStore.js"
import { eachStore, type Place } from "./support/stores.js"
import { aRecord } from "./workers/spawn.js"

const idOf = (nth: number): string => nth.toString(16).padStart(40, "0")
const expired = (nth: number) => aRecord(idOf(nth), { expiresAtMillis: Date.now() - 1 })

const batchSize = 100

/** A server that collects every 100 milliseconds; what it logs goes to `logged`. */
const collecting = (store: Service, logged: Array<string> = []) =>
  Layer.launch(
    SessionGc.layerWith({ interval: "100 millis", batchSize }).pipe(
      Layer.provide(Layer.succeed(SessionStore, store)),
      Layer.provide(
        Logger.replace(
          Logger.defaultLogger,
          Logger.make(({ logLevel, message }) => {
            logged.push(`${logLevel.label} ${message}`)
          })
        )
      )
    )
  )

/** Counts the collections of a server that have begun and that have come to their end. */
const counting = (store: Service) => {
  const runs = { begun: 0, ended: 0 }
  let isWithin = false
  const counted: Service = {
    ...store,
    collect: (limit) =>
      Effect.suspend(() => {
        if (!isWithin) runs.begun += 1
        isWithin = true
        return Effect.map(store.collect(limit), (count) => {
          isWithin = count >= limit
          if (!isWithin) runs.ended += 1
          return count
        })
      })
  }
  return { store: counted, runs }
}

/** How long the traffic of X26 lasts. */
const trafficMillis = 1000 * Number(process.env.EFFECT_SESSION_TEST_COLLECT_SECONDS ?? 5)

const until = (isSo: () => boolean) =>
  Effect.retry(
    Effect.filterOrFail(
      Effect.sync(isSo),
      (is) => is,
      () => "It is not so yet."
    ),
    { schedule: Schedule.spaced("20 millis"), times: 2000 }
  )

interface Traffic {
  readonly first: Service
  readonly second: Service
  readonly endMillis: number
  readonly nth: number
  readonly living: ReadonlyArray<SessionRecord>
}

/**
 * Uses the living sessions on both servers again and again, and leaves sessions that have expired or are about to.
 * Gives the sessions as they must be stored, and what went otherwise than it must.
 */
const traffic = ({ endMillis, first, living, nth, second }: Traffic) =>
  Effect.gen(function* () {
    const stored = [...living]
    const surprises: Array<string> = []
    for (let turn = 0; performance.now() < endMillis; turn++) {
      const record = stored[turn % stored.length]
      if (record === undefined) break
      const own = 1_000_000 * (nth + 1) + 2 * turn
      const soon = { ...expired(own + 1), expiresAtMillis: Date.now() + 50 }
      const next = { ...record, version: record.version + 1, payload: `turn ${turn}` }
      yield* second.insert(expired(own))
      yield* first.insert(soon)
      yield* second.touch(record.id, record.version, Date.now(), Date.now() + 3_600_000)
      if (!(yield* first.update(next, record.version))) surprises.push(`no update of ${record.id}`)
      if (Option.isNone(yield* second.find(record.id))) surprises.push(`no ${record.id}`)
      stored[turn % stored.length] = next
      yield* Effect.sleep("10 millis")
    }
    return { stored, surprises }
  })

/** Waits until nothing is left to collect. */
const collected = (store: Service) =>
  Effect.retry(
    Effect.filterOrFail(
      store.usage({ namespace: "faults" }),
      ({ over }) => over === 0,
      () => "Something is still to be collected."
    ),
    { schedule: Schedule.spaced("100 millis"), times: 200 }
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
  it(
    "X26 on two servers at once, beside traffic, takes what has expired and nothing that lives",
    () =>
      Effect.gen(function* () {
        const open = yield* place
        const first = yield* open
        const second = isShared ? yield* open : first
        const collectors = [counting(first), counting(second)]
        const logged: Array<string> = []
        const fibers = yield* Effect.forEach(collectors, ({ store }) =>
          Effect.fork(collecting(store, logged))
        )
        const living = Array.from({ length: 64 }, (_, nth) => aRecord(idOf(nth)))
        yield* Effect.forEach(living, first.insert, { concurrency: 8 })

        const endMillis = performance.now() + trafficMillis
        const traffics = yield* Effect.forEach(
          [0, 1, 2, 3, 4, 5, 6, 7],
          (nth) =>
            traffic({ first, second, endMillis, nth, living: living.slice(8 * nth, 8 * nth + 8) }),
          { concurrency: "unbounded" }
        )
        const begun = collectors.map(({ runs }) => runs.begun)
        // Two intervals: two whole collections of each server.
        yield* until(() => collectors.every(({ runs }, nth) => runs.ended >= (begun[nth] ?? 0) + 2))
        const { over } = yield* first.usage({ namespace: "faults" })
        const kept = traffics.flatMap(({ stored }) => stored)
        const found = yield* Effect.forEach(kept, ({ id }) => second.find(id))
        yield* Fiber.interruptAll(fibers)

        expect(traffics.flatMap(({ surprises }) => surprises)).toEqual([])
        expect(Math.min(...kept.map(({ version }) => version))).toBeGreaterThan(1)
        expect(over).toBe(0)
        expect(
          found.map(Option.map(({ id, payload, version }) => ({ id, payload, version })))
        ).toEqual(kept.map(({ id, payload, version }) => Option.some({ id, payload, version })))
        expect(logged).toEqual([])
      }).pipe(Effect.scoped, Effect.runPromise),
    trafficMillis + 60_000
  )

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

  it("X30 warns of a defect of the store, and goes on", () =>
    Effect.gen(function* () {
      const store = yield* Effect.flatten(place)
      yield* store.insert(expired(1))
      let runs = 0
      const faulty: Service = {
        ...store,
        collect: (limit) =>
          Effect.suspend(() => (++runs === 1 ? Effect.die("a defect") : store.collect(limit)))
      }
      const logged: Array<string> = []
      const collector = yield* Effect.fork(collecting(faulty, logged))

      yield* collected(store)
      yield* Fiber.interrupt(collector)

      expect(runs).toBeGreaterThan(1)
      expect(logged).toEqual([expect.stringMatching(/^WARN.*collection of sessions failed/)])
    }).pipe(Effect.scoped, Effect.runPromise))
}

eachStore((name, place, isShared) => {
  describe(`a collection of ${name}`, () => claims(place, isShared))
})
