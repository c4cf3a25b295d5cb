/** Sliding expiry: a request that changed nothing moves the session's last activity, at most once in a while. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import { follow } from "./alias.js"
import { type Base, type Cell, now } from "./cell.js"
import { expiry, readRecord } from "./codec.js"
import { done, type Outcome, type Work } from "./work.js"

/** Tells whether the last activity is old enough to be moved. */
export const isTouchDue = (cell: Cell, base: Base): boolean =>
  now(cell) - base.record.lastActivityMillis >= cell.surroundings.compiled.touchMillis

/**
 * Touches at the end of a request. Where the store takes no writes, after a failover to a read-only database say, the page
 * is served all the same: nothing it did is lost, the session only ends a little earlier.
 */
export const slide = (cell: Cell, base: Base, work: Work): Effect.Effect<Outcome> =>
  Effect.catchAll(touch(cell, base, work), (error) =>
    Effect.zipRight(
      Effect.logWarning("The last activity of a session could not be moved", error),
      done
    )
  )

/** Moves the last activity and the expiry, and the cookie with it. */
export const touch = (
  cell: Cell,
  base: Base,
  work: Work
): Effect.Effect<Outcome, SessionStoreError> => {
  const { store } = cell.surroundings
  const { id, version } = base.record
  const nowMillis = now(cell)
  const expiresAtMillis = expiry(cell, base.state, nowMillis)
  const touched = store.touch(id, version, nowMillis, expiresAtMillis)
  if (expiresAtMillis === base.record.expiresAtMillis) return Effect.zipRight(touched, done)
  return Effect.flatMap(touched, (moved) => {
    if (moved) return settle(work, base, { lastActivityMillis: nowMillis, expiresAtMillis })
    return Effect.flatMap(store.find(id), (found) => {
      if (Option.isNone(found)) return work.gone
      return found.value.id === id ? goOn(work, base, found.value) : moveOn(work, found.value)
    })
  })
}

/** A touch passes over a session that somebody has written to meanwhile: its lifetime may be another one too. */
const goOn = (work: Work, base: Base, record: SessionRecord): Effect.Effect<Outcome> => {
  const reading = readRecord(work.cell, record)
  return settle(work, reading._tag === "base" ? reading.base : base, record)
}

/** A touch passes over a session that has another id by now: the client of an alias gets the cookie of that one. */
const moveOn = (work: Work, record: SessionRecord): Effect.Effect<Outcome> => {
  const reading = readRecord(work.cell, record)
  if (reading._tag !== "base" || !follow(work, reading.base)) return work.gone
  work.settle(reading.base, work.token)
  return done
}

/** The cell with the instants that are stored now; as in the store, none goes back. */
const settle = (
  work: Work,
  base: Base,
  stored: Pick<SessionRecord, "lastActivityMillis" | "expiresAtMillis">
): Effect.Effect<Outcome> => {
  const { expiresAtMillis, lastActivityMillis } = base.record
  const record = {
    ...base.record,
    lastActivityMillis: Math.max(lastActivityMillis, stored.lastActivityMillis),
    expiresAtMillis: Math.max(expiresAtMillis, stored.expiresAtMillis)
  }
  work.settle({ ...base, record }, work.cell.token)
  work.owesCookie()
  return done
}
