/** A store as a third party would write it: the six primitives over one map, everything else derived. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { entryOf, isOver, matches } from "../../src/core/record/record.js"
import type { Primitives, SessionRecord } from "../../src/SessionStore.js"
import { make, SessionStore } from "../../src/SessionStore.js"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"

const atNow = <A>(step: (now: number) => A): Effect.Effect<A> =>
  // The turn before each step gives parallel calls their chance to come between the steps of a derived method.
  Effect.zipRight(
    Effect.yieldNow(),
    Effect.clockWith((clock) => Effect.sync(() => step(clock.unsafeCurrentTimeMillis())))
  )

const sixPrimitives = (keepEndedMillis: number): Primitives => {
  const rows = new Map<string, SessionRecord>()
  const byPrevious = (id: string) => [...rows.values()].find(({ previous }) => previous?.id === id)
  const canReplace = (id: string, version: number, now: number) => {
    const row = rows.get(id)
    return row !== undefined && row.version === version && !isOver(row, now)
  }
  const removed = (id: string, now: number) => {
    const row = rows.get(id) ?? byPrevious(id)
    if (row === undefined) return undefined
    const endedAtMillis = row.endedAtMillis ?? Math.min(now, row.expiresAtMillis)
    if (endedAtMillis + keepEndedMillis <= now) rows.delete(row.id)
    else rows.set(row.id, { ...row, payload: "", previous: null, endedAtMillis })
    return isOver(row, now) ? undefined : entryOf(row)
  }
  return {
    find: (id) =>
      atNow((now) => {
        const row = rows.get(id) ?? byPrevious(id)
        if (row === undefined || isOver(row, now)) return Option.none()
        const finds = row.id === id || (row.previous !== null && row.previous.untilMillis > now)
        return finds ? Option.some(row) : Option.none()
      }),
    insert: (record) =>
      atNow(() => {
        const free = !rows.has(record.id)
        if (free) rows.set(record.id, record)
        return free
      }),
    update: (record, expectedVersion) =>
      atNow((now) => {
        const fits = canReplace(record.id, expectedVersion, now)
        if (fits) rows.set(record.id, record)
        return fits
      }),
    move: (fromId, record, expectedVersion) =>
      atNow((now) => {
        const fits = canReplace(fromId, expectedVersion, now) && !rows.has(record.id)
        if (fits) {
          rows.delete(fromId)
          rows.set(record.id, record)
        }
        return fits
      }),
    remove: (id) => atNow((now) => Option.fromNullable(removed(id, now))),
    entries: (filter) =>
      Stream.unwrap(
        atNow((now) => {
          const summaries = [...rows.values()].map(entryOf)
          return Stream.fromIterable(summaries.filter((one) => matches(filter, one, now)))
        })
      )
  }
}

const days = 24 * 60 * 60 * 1000

SessionStoreTest.suite(
  "six primitives",
  Layer.sync(SessionStore, () => make(sixPrimitives(0))),
  {
    layerKeeping7Days: Layer.sync(SessionStore, () =>
      make(sixPrimitives(7 * days), { keepEnded: "7 days" })
    )
  }
)
