/** Collection: bounded, and safe on any number of servers at once. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SessionStoreError } from "../errors/errors.js"
import { collectBySteps } from "../store/collectAll.js"
import type { Service } from "../store/contract.js"
import type { Parameter } from "./dialect.js"
import { hourOf } from "./listing.js"
import { forgetRevocations } from "./revocations.js"
import { end, type SessionTable } from "./sessionTable.js"

/**
 * Collects at most `limit` sessions: deletes those that are kept no longer and clears those that are. Also erases sealed
 * tokens whose grace is over, and revocations that no login asks for any more.
 */
export const collect = (table: SessionTable): Service["collect"] => {
  const { names, keepEndedMillis } = table
  const drop = `delete from ${names.sessions}`
  const dropExpired = expired(table, drop)
  const dropEnded = some(table, drop, "ended_at <= ?", ["ended_at"])
  const clearExpired = expired(table, end(table, "expires_at"))
  const eraseTokens = some(
    table,
    `update ${names.sessions} set previous_token = null`,
    "previous_token is not null and previous_until <= ?",
    ["previous_until"]
  )
  return (most) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const due = now - keepEndedMillis
      const limit = Math.max(0, most)
      const count = yield* collectBySteps(limit, [
        (left) => dropExpired(due, left),
        (left) => Effect.map(dropEnded([due], left), ({ count }) => count),
        ...(keepEndedMillis > 0 ? [(left: number) => clearExpired(now, left)] : [])
      ])
      yield* aside(eraseTokens([now], limit), "Sealed tokens whose grace is over were not erased.")
      yield* aside(forgetRevocations(table), "Old revocations were not deleted.")
      return count
    })
}

/** Housekeeping: where it fails, what was collected counts nevertheless, and the next collection tries again. */
const aside = <A>(work: Effect.Effect<A, SessionStoreError>, sentence: string) =>
  Effect.catchAll(work, (error) => Effect.logWarning(sentence, error))

/** How long one batch's position serves the next. */
const positionMillis = 10_000

/**
 * Changes sessions that expired: first those that did in an earlier hour, all that the index shows. Then those of the current
 * hour, which lie among live ones in the index. There a batch goes on where the last one stopped; it begins anew once the
 * end was reached or some time has passed.
 */
const expired = (table: SessionTable, change: string) => {
  const order = ["ended_at", "expires_hour", "row_id"]
  const earlier = some(table, change, "ended_at is null and expires_hour < ?", order.slice(0, 2))
  const thisHour = some(
    table,
    change,
    "ended_at is null and expires_hour = ? and expires_at <= ? and row_id > ?",
    order
  )
  let position = { hour: 0, rowId: 0, atMillis: 0 }
  return (millis: number, limit: number) =>
    Effect.gen(function* () {
      const hour = hourOf(millis)
      const { count } = yield* earlier([hour], limit)
      const left = limit - count
      const atMillis = performance.now()
      const isGood = position.hour === hour && atMillis - position.atMillis < positionMillis
      const changed = yield* thisHour([hour, millis, isGood ? position.rowId : 0], left)
      position = { hour, rowId: changed.count < left ? 0 : changed.lastRowId, atMillis }
      return count + changed.count
    })
}

/** Makes the change of some rows that a condition matches; `order` is the index that finds them. */
const some =
  ({ database, names }: SessionTable, change: string, text: string, order: ReadonlyArray<string>) =>
  (parameters: ReadonlyArray<Parameter>, limit: number) =>
    limit <= 0
      ? Effect.succeed({ count: 0, lastRowId: 0 })
      : database.longCall(
          "collect",
          database.dialect.changeSome(database, {
            change,
            table: names.sessions,
            condition: { text, parameters },
            order,
            limit: Math.min(limit, Number.MAX_SAFE_INTEGER)
          })
        )
