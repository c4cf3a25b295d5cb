/** Durations that a developer gives, as numbers. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** A hundred years: the longest that a timeout or a lifetime may be. */
export const longestMillis = Duration.toMillis("36525 days")

/** Milliseconds of a duration, at least 0; `undefined` for what is not a duration. */
export const millisOf = (input: Duration.DurationInput): number | undefined =>
  // A duration of NaN would count as 0.
  Number.isNaN(input)
    ? undefined
    : Option.getOrUndefined(Option.map(Duration.decodeUnknown(input), Duration.toMillis))
