/** The arguments of verbs that are durations, dates and lifetimes: checked, and worked out to milliseconds. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { Lifetime } from "../../core/session/state.js"
import { now } from "../commit/RequestContext.js"
import type { RequestSession } from "../commit/RequestSession.js"
import { SessionEncodeError } from "../errors/errors.js"

/**
 * When a value expires: after a duration, or at an instant, never both. A past instant or a duration of 0 removes the
 * key; an infinite duration is none. No value outlives its session.
 *
 * @since 0.1.0
 * @category models
 */
export type PutOptions =
  | {
      readonly expiresIn?: Duration.DurationInput | undefined
      readonly expiresAt?: undefined
    }
  | {
      readonly expiresAt?: DateTime.DateTime.Input | undefined
      readonly expiresIn?: undefined
    }

/** The instant of expiry; `null` when there is none or it is infinitely far. What is no instant is thrown. */
export const expiryOf = (
  session: RequestSession,
  key: string,
  options: PutOptions | undefined
): number | null => {
  const { expiresAt, expiresIn } = options ?? {}
  const refuse = (reason: string) => new SessionEncodeError({ operation: "put", key, reason })
  if (expiresIn === undefined && expiresAt === undefined) return null
  if (expiresIn !== undefined && expiresAt !== undefined) {
    throw refuse("expiresIn and expiresAt exclude each other")
  }
  if (expiresIn !== undefined) {
    const millis = millisOf(expiresIn)
    if (millis === undefined) throw refuse("expiresIn is not a duration")
    return millis === Number.POSITIVE_INFINITY ? null : now(session.request) + Math.ceil(millis)
  }
  // `expiresAt` is there, as `expiresIn` is not.
  const instant = DateTime.make(expiresAt as DateTime.DateTime.Input)
  if (Option.isNone(instant)) throw refuse("expiresAt is not a date")
  return DateTime.toEpochMillis(instant.value)
}

/** As `SessionConfig` bounds its timeouts. */
const longestMillis = Duration.toMillis("36525 days")

/** A session's own lifetime; what no session can live is thrown. */
export const lifetimeOf = (
  operation: "login" | "setLifetime",
  lifetime: Duration.DurationInput | "browser"
): Lifetime => {
  if (lifetime === "browser") return lifetime
  const millis = millisOf(lifetime)
  if (millis !== undefined && millis > 0 && millis <= longestMillis) return Math.ceil(millis)
  const reason = 'a lifetime is "browser", or a duration greater than 0 and at most 100 years'
  throw new SessionEncodeError({ operation, key: "", reason })
}

/** Milliseconds of a duration, at least 0; `undefined` for what is none. */
export const millisOf = (input: Duration.DurationInput): number | undefined =>
  // A duration of NaN would count as 0.
  Number.isNaN(input)
    ? undefined
    : Option.getOrUndefined(Option.map(Duration.decodeUnknown(input), Duration.toMillis))
