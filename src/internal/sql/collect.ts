/** Collection: bounded, and safe on any number of servers at once. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Service } from "../../SessionStore.js"
import { type Condition, expiredBy } from "./listing.js"
import { forgetRevocations } from "./revocations.js"
import type { Place } from "./sessions.js"

/**
 * Collects at most `limit` sessions: deletes those whose time is over, clears those that are kept, and beside that erases
 * the sealed tokens whose grace is over and the revocations nobody asks for any more.
 */
export const collect = (place: Place): Service["collect"] => {
  const { table, keepEndedMillis } = place
  const drop = `delete from ${table.sessions}`
  const clear = `update ${table.sessions} set ended_at = expires_at, payload = '', previous_id = null, previous_kind = null, previous_until = null, previous_token = null`
  const erase = `update ${table.sessions} set previous_token = null`
  return (limit) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const due = now - keepEndedMillis
      let left = Math.max(0, limit)
      left -= yield* some(place, drop, expiredBy(due), left)
      left -= yield* some(place, drop, endedBy(due), left)
      if (keepEndedMillis > 0) left -= yield* some(place, clear, expiredBy(now), left)
      yield* some(place, erase, sealedUntil(now), limit)
      yield* forgetRevocations(place)
      return Math.max(0, limit) - left
    })
}

const some = ({ database, table }: Place, change: string, due: Condition, limit: number) =>
  limit <= 0
    ? Effect.succeed(0)
    : database.call(
        "collect",
        database.dialect.changeSome(database, {
          change,
          table: table.sessions,
          condition: due.text,
          parameters: due.parameters,
          limit: Math.min(limit, Number.MAX_SAFE_INTEGER)
        })
      )

const endedBy = (millis: number): Condition => ({
  text: "ended_at <= ?",
  parameters: [millis]
})

const sealedUntil = (millis: number): Condition => ({
  text: "previous_token is not null and previous_until <= ?",
  parameters: [millis]
})
