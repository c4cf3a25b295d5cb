/** The arguments of the verbs. Each is checked, and one that is wrong is thrown as the error of its verb. */
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { isUserId } from "../../core/record/record.js"
import { type Fault, isFault } from "../../core/session/fault.js"
import { fromUnknown, type Json } from "../../core/session/json.js"
import * as Path from "../../core/session/path.js"
import type { Lifetime } from "../../core/session/state.js"
import { now } from "../commit/RequestContext.js"
import type { RequestSession } from "../commit/RequestSession.js"
import { longestMillis, millisOf } from "../errors/durations.js"
import { SessionTypeError } from "../errors/errors.js"
import { toSessionError } from "../errors/toSessionError.js"

/** The error of an argument that is neither a key nor a value. */
export const wrongArgument = (operation: string, reason: string): SessionTypeError =>
  new SessionTypeError({ operation, key: "", reason })

/** What was found, unless that is a fault. */
export const orThrow = <A>(found: A | Fault, verb: string, key: Path.Key): A => {
  if (isFault(found)) throw toSessionError(found, verb, Path.display(key))
  return found
}

/** The segments of a key. */
export const pathOf = (verb: string, key: Path.Key): ReadonlyArray<string> =>
  orThrow(Path.parse(key), verb, key)

/** The only segment of a key. */
export const nameOf = (verb: string, key: Path.Key): string => orThrow(Path.single(key), verb, key)

/** Keys, one by one or in lists. */
export type Keys = ReadonlyArray<Path.Key | ReadonlyArray<Path.Key>>

/** The keys as one list. */
export const keysOf = (keys: Keys): ReadonlyArray<Path.Key> =>
  // No key is an array, so `flat` opens the lists alone.
  keys.flat() as ReadonlyArray<Path.Key>

/** The segments of each key. */
export const pathsOf = (verb: string, keys: Keys): ReadonlyArray<ReadonlyArray<string>> =>
  keysOf(keys).map((key) => pathOf(verb, key))

/** A value as JSON. */
export const valueOf = (
  session: RequestSession,
  verb: string,
  key: Path.Key,
  value: unknown,
  proto?: "leaveOut"
): Json => orThrow(fromUnknown(value, session.request.settings.maxPayloadBytes, proto), verb, key)

/** The entries of an object that is given instead of a key and a value; those that are `undefined` are left out. */
export const entriesOf = (
  verb: string,
  object: object
): ReadonlyArray<readonly [string, unknown]> => {
  // A list or a Map has entries too, but not those that were meant.
  if (Object.prototype.toString.call(object) !== "[object Object]") {
    throw wrongArgument(verb, "it takes an object of entries, or a key and a value")
  }
  return Object.entries(object).filter(([, value]) => value !== undefined)
}

/**
 * When a value expires: after a duration, or at an instant, never both. A past instant or a duration of 0 removes the
 * key. An infinite duration means no expiry. No value outlives its session.
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

/** The instant of expiry; `null` for none, or for one that is infinitely far away. */
export const expiryOf = (session: RequestSession, options: PutOptions = {}): number | null => {
  const { expiresAt, expiresIn } = options
  if (expiresIn !== undefined && expiresAt !== undefined) {
    throw wrongArgument("put", "expiresIn and expiresAt exclude each other")
  }
  if (expiresIn !== undefined) {
    const millis = millisOf(expiresIn)
    if (millis === undefined) throw wrongArgument("put", "expiresIn is not a duration")
    return millis === Number.POSITIVE_INFINITY ? null : now(session.request) + Math.ceil(millis)
  }
  if (expiresAt === undefined) return null
  const instant = DateTime.make(expiresAt)
  if (Option.isNone(instant)) throw wrongArgument("put", "expiresAt is not a date")
  return DateTime.toEpochMillis(instant.value)
}

/** A session's own lifetime. */
export const lifetimeOf = (
  operation: "login" | "setLifetime",
  lifetime: Duration.DurationInput | "browser"
): Lifetime => {
  if (lifetime === "browser") return lifetime
  const millis = millisOf(lifetime)
  if (millis !== undefined && millis > 0 && millis <= longestMillis) return Math.ceil(millis)
  const reason = 'a lifetime is "browser", or a duration greater than 0 and at most 100 years'
  throw wrongArgument(operation, reason)
}

/** The id of a user. */
export const userIdOf = (userId: string): string => {
  if (isUserId(userId)) return userId
  const reason = "a user id is a well-formed text of 1 to 255 bytes, without NUL"
  throw wrongArgument("login", reason)
}

/** A duration in milliseconds. */
export const durationOf = (operation: string, duration: Duration.DurationInput): number => {
  const millis = millisOf(duration)
  if (millis === undefined) throw wrongArgument(operation, "it takes a duration")
  return millis
}
