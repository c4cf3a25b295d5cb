/** Collection: bounded, and safe on any number of servers at once. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import type { Condition } from "./dialect.js"
import { hourOf } from "./listing.js"
import { forgetRevocations } from "./revocations.js"
import type { Place } from "./sessions.js"

/** Changes at most `limit` rows whose time came at an instant; succeeds with their number. */
type Step = (millis: number, limit: number) => Effect.Effect<number, SessionStoreError>

/**
 * Collects at most `limit` sessions: deletes those whose time is over, clears those that are kept, and beside that erases
 * the sealed tokens whose grace is over and the revocations nobody asks for any more.
 */
export const collect = (place: Place): Service["collect"] => {
  const { table, keepEndedMillis } = place
  const drop = `delete from ${table.sessions}`
  const clear = `update ${table.sessions} set ended_at = expires_at, payload = '', previous_id = null, previous_kind = null, previous_until = null, previous_token = null`
  const dropExpired = [expiredEarlier(place, drop), expiredThisHour(place, drop)]
  const clearExpired = [expiredEarlier(place, clear), expiredThisHour(place, clear)]
  const dropEnded = ended(place, drop)
  const eraseTokens = sealed(place, `update ${table.sessions} set previous_token = null`)
  return (limit) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const due = now - keepEndedMillis
      let left = Math.max(0, limit)
      for (const step of [...dropExpired, dropEnded]) left -= yield* step(due, left)
      if (keepEndedMillis > 0) for (const step of clearExpired) left -= yield* step(now, left)
      yield* eraseTokens(now, limit)
      yield* forgetRevocations(place)
      return Math.max(0, limit) - left
    })
}

/** What expired in an earlier hour: everything that the index shows is over. */
const expiredEarlier =
  (place: Place, change: string): Step =>
  (millis, limit) => {
    const text = "ended_at is null and expires_hour < ?"
    const condition = { text, parameters: [hourOf(millis)] }
    return counted(changeSome(place, change, condition, ["ended_at", "expires_hour"], limit))
  }

/** How long a position is good for that one batch leaves to the next. */
const positionMillis = 10_000

/**
 * What expired in the hour that is going on: among live sessions, which share its part of the index. Each batch goes on
 * where the last one stopped; from the start again when the end was reached, and when some time has passed.
 */
const expiredThisHour = (place: Place, change: string): Step => {
  let position = { hour: 0, rowId: 0, atMillis: 0 }
  return (millis, limit) =>
    Effect.suspend(() => {
      const hour = hourOf(millis)
      const atMillis = performance.now()
      const isGood = position.hour === hour && atMillis - position.atMillis < positionMillis
      const after = isGood ? position.rowId : 0
      const text = "ended_at is null and expires_hour = ? and expires_at <= ? and row_id > ?"
      const condition = { text, parameters: [hour, millis, after] }
      return Effect.map(
        changeSome(place, change, condition, ["ended_at", "expires_hour", "row_id"], limit),
        ({ count, lastRowId }) => {
          position = { hour, rowId: count < limit ? 0 : lastRowId, atMillis }
          return count
        }
      )
    })
}

/** What ended and was kept long enough. */
const ended =
  (place: Place, change: string): Step =>
  (millis, limit) => {
    const condition = { text: "ended_at <= ?", parameters: [millis] }
    return counted(changeSome(place, change, condition, ["ended_at"], limit))
  }

/** Tokens that nobody can follow any more. */
const sealed =
  (place: Place, change: string): Step =>
  (millis, limit) => {
    const text = "previous_token is not null and previous_until <= ?"
    return counted(
      changeSome(place, change, { text, parameters: [millis] }, ["previous_until"], limit)
    )
  }

const changeSome = (
  { database, table }: Place,
  change: string,
  condition: Condition,
  order: ReadonlyArray<string>,
  limit: number
) =>
  limit <= 0
    ? Effect.succeed({ count: 0, lastRowId: 0 })
    : database.longCall(
        "collect",
        database.dialect.changeSome(database, {
          change,
          table: table.sessions,
          condition,
          order,
          limit: Math.min(limit, Number.MAX_SAFE_INTEGER)
        })
      )

const counted = <E>(changed: Effect.Effect<{ readonly count: number }, E>) =>
  Effect.map(changed, ({ count }) => count)
