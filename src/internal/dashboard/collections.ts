/** What this process has collected, by the metrics that every collection updates. */
import * as Effect from "effect/Effect"
import { countedBy } from "../effect/fiber.js"

/** The collections since the process was started. */
export interface Collections {
  readonly runs: number
  readonly sessions: number
  readonly allMillis: number
  readonly longestMillis: number
}

/** Adds up the metrics, whatever their labels are. */
export const collections: Effect.Effect<Collections> = Effect.zipWith(
  countedBy("effect_session_collected"),
  countedBy("effect_session_collection_duration"),
  (counts, times) => ({
    runs: times.reduce((sum, { count }) => sum + count, 0),
    sessions: counts.reduce((sum, { count }) => sum + count, 0),
    allMillis: times.reduce((sum, time) => sum + time.sum, 0),
    longestMillis: Math.max(0, ...times.map(({ count, max }) => (count === 0 ? 0 : max)))
  })
)
