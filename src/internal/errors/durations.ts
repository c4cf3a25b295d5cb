/** Durations that a developer gives, as numbers; a setting that is none is an error that names it. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { SessionConfigError } from "./errors.js"

/** A hundred years: the longest that a timeout or a lifetime may be. */
export const longestMillis = Duration.toMillis("36525 days")

/** Milliseconds of a duration, at least 0; `undefined` for what is not a duration. */
export const millisOf = (input: Duration.DurationInput): number | undefined =>
  // A duration of NaN would count as 0.
  Number.isNaN(input)
    ? undefined
    : Option.getOrUndefined(Option.map(Duration.decodeUnknown(input), Duration.toMillis))

/** What a duration must be that is a setting; `reason` says so after the name of the setting. */
interface Bounds {
  readonly least?: number | undefined
  readonly most?: number | undefined
  readonly reason?: string | undefined
}

/** Milliseconds of a setting. Throws a `SessionConfigError` where it is no duration, or out of its bounds. */
export const settingMillis = (
  field: string,
  given: Duration.DurationInput,
  {
    least = 0,
    most = Number.POSITIVE_INFINITY,
    reason = "must be a duration of at least 0."
  }: Bounds = {}
): number => {
  const millis = millisOf(given)
  if (millis !== undefined && !isNegative(given) && millis >= least && millis <= most) return millis
  throw new SessionConfigError({ field, reason })
}

/** Effect reads a negative duration as 0. */
const isNegative = (given: Duration.DurationInput): boolean => String(given).startsWith("-")
