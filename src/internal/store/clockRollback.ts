/**
 * What happens when the clock goes back: a session that this process has seen expire stays expired.
 *
 * The time itself is not held at its latest instant. If the clock was ahead for a moment, that would end every new
 * session for as long as it was ahead. So `find` passes over only those sessions whose expiry the clock had reached, and
 * finds them again if they were used after the clock went back.
 */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import { withNow } from "../effect/fiber.js"
import type { Primitives } from "./contract.js"

/** How long before it is stored an activity may have been: a request reads the clock, works, and calls the store. */
const requestMillis = 60_000

/**
 * Wraps the two calls with which a request begins to use a store. `find` passes over what had expired at the latest
 * instant that the clock showed to either of them.
 */
export const withClockRollback = ({
  find,
  insert
}: Pick<Primitives, "find" | "insert">): Pick<Primitives, "find" | "insert"> => {
  let latestMillis = -Infinity
  // Since the clock went back; infinite unless it is back.
  let earliestSinceMillis = Infinity
  /** True while the clock is behind its latest instant. */
  const isBackAt = (nowMillis: number): boolean => {
    const isBack = nowMillis < latestMillis
    latestMillis = Math.max(latestMillis, nowMillis)
    earliestSinceMillis = isBack ? Math.min(earliestSinceMillis, nowMillis) : Infinity
    return isBack
  }
  const isUsable =
    (nowMillis: number) =>
    ({ expiresAtMillis, lastActivityMillis }: SessionRecord): boolean =>
      expiresAtMillis > latestMillis ||
      (lastActivityMillis >= earliestSinceMillis - requestMillis && lastActivityMillis <= nowMillis)
  return {
    find: (id) =>
      withNow((now) => {
        const found = find(id)
        return isBackAt(now) ? Effect.map(found, Option.filter(isUsable(now))) : found
      }),
    insert: (record) =>
      withNow((now) => {
        isBackAt(now)
        return insert(record)
      })
  }
}
