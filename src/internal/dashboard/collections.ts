/** What this process has collected, by the metrics that every collection updates. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as MetricState from "effect/MetricState"

/** The collections since the process was started. */
export interface Collections {
  readonly runs: number
  readonly sessions: number
  readonly allMillis: number
  readonly longestMillis: number
}

/** Adds up the metrics, whatever their labels are. */
export const collections: Effect.Effect<Collections> = Effect.map(Metric.snapshot, (pairs) => {
  const statesOf = (name: string) =>
    pairs.flatMap(({ metricKey, metricState }) => (metricKey.name === name ? [metricState] : []))
  const counts = statesOf("effect_session_collected").filter(MetricState.isCounterState)
  const times = statesOf("effect_session_collection_duration").filter(MetricState.isHistogramState)
  return {
    runs: times.reduce((sum, { count }) => sum + count, 0),
    sessions: counts.reduce((sum, { count }) => sum + Number(count), 0),
    allMillis: times.reduce((sum, time) => sum + time.sum, 0),
    longestMillis: Math.max(0, ...times.map(({ count, max }) => (count === 0 ? 0 : max)))
  }
})
