/** Collection: bounded, and safe on any number of servers at once. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import type { Condition } from "./dialect.js"
import { hourOf } from "./listing.js"
import { forgetRevocations } from "./revocations.js"
import { end, type SessionTable } from "./sessionTable.js"

/** Changes at most `limit` rows that are due at an instant; succeeds with their number. */
type Step = (millis: number, limit: number) => Effect.Effect<number, SessionStoreError>

/**
 * Collects at most `limit` sessions: deletes those that are kept no longer and clears those that are. Also erases sealed
 * tokens whose grace is over, and revocations that no login asks for any more.
 */
export const collect = (table: SessionTable): Service["collect"] => {
  const { names, keepEndedMillis } = table
  const drop = `delete from ${names.sessions}`
  const clear = end(table, "expires_at")
  const dropExpired = [expiredEarlier(table, drop), expiredThisHour(table, drop)]
  const clearExpired = [expiredEarlier(table, clear), expiredThisHour(table, clear)]
  const dropEnded = ended(table, drop)
  const eraseTokens = sealed(table, `update ${names.sessions} set previous_token = null`)
  return (limit) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const due = now - keepEndedMillis
      let left = Math.max(0, limit)
      for (const step of [...dropExpired, dropEnded]) left -= yield* step(due, left)
      if (keepEndedMillis > 0) for (const step of clearExpired) left -= yield* step(now, left)
      yield* eraseTokens(now, limit)
      yield* forgetRevocations(table)
      return Math.max(0, limit) - left
    })
}

/** The sessions that expired in an earlier hour: all that the index shows are over. */
const expiredEarlier =
  (table: SessionTable, change: string): Step =>
  (millis, limit) => {
    const text = "ended_at is null and expires_hour < ?"
    const condition = { text, parameters: [hourOf(millis)] }
    return counted(changeSome(table, change, condition, ["ended_at", "expires_hour"], limit))
  }

/** How long one batch's position serves the next. */
const positionMillis = 10_000

/**
 * The sessions that expired in the current hour: they lie among live ones in the index. A batch goes on where the last one
 * stopped. It begins anew once the end was reached or some time has passed.
 */
const expiredThisHour = (table: SessionTable, change: string): Step => {
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
        changeSome(table, change, condition, ["ended_at", "expires_hour", "row_id"], limit),
        ({ count, lastRowId }) => {
          position = { hour, rowId: count < limit ? 0 : lastRowId, atMillis }
          return count
        }
      )
    })
}

/** The sessions that ended and were kept long enough. */
const ended =
  (table: SessionTable, change: string): Step =>
  (millis, limit) => {
    const condition = { text: "ended_at <= ?", parameters: [millis] }
    return counted(changeSome(table, change, condition, ["ended_at"], limit))
  }

/** The sealed tokens that no request can use any more. */
const sealed =
  (table: SessionTable, change: string): Step =>
  (millis, limit) => {
    const text = "previous_token is not null and previous_until <= ?"
    return counted(
      changeSome(table, change, { text, parameters: [millis] }, ["previous_until"], limit)
    )
  }

const changeSome = (
  { database, names }: SessionTable,
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
          table: names.sessions,
          condition,
          order,
          limit: Math.min(limit, Number.MAX_SAFE_INTEGER)
        })
      )

const counted = <E>(changed: Effect.Effect<{ readonly count: number }, E>) =>
  Effect.map(changed, ({ count }) => count)
