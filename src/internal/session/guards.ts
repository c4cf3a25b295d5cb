/** The checks behind `SessionGuard`: a stored session is compared with the client that uses it, or with the time it was idle. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Stored } from "../../core/commit/model.js"
import { type Prefixes, sameNetwork } from "../../core/http/address.js"
import { touch } from "../commit/commitPending.js"
import { logout } from "../commit/destroy.js"
import { clientOf, now, publishEvent } from "../commit/RequestContext.js"
import type { RequestSession } from "../commit/RequestSession.js"
import { settingMillis } from "../errors/durations.js"
import { SessionConfigError, type SessionStoreError } from "../errors/errors.js"
import { useEffect } from "./lift.js"
import type { Session } from "./tag.js"

/**
 * What a guard does when it trips: `terminate` destroys the session, `log` only publishes `GuardTripped`.
 *
 * `log` tells of a session once, and again when its client changes again. Each server remembers the last 4096 sessions it
 * has told of.
 *
 * @since 0.1.0
 * @category models
 */
export type Policy = "terminate" | "log"

/**
 * How addresses are compared. An option that cannot be used is thrown as a `SessionConfigError` at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface AddressOptions {
  /** Default: `terminate`. */
  readonly policy?: Policy | undefined
  /** How many leading bits of an IPv4 address count, from 1 to 32. Default: 32, all. */
  readonly ipv4Prefix?: number | undefined
  /** How many leading bits of an IPv6 address count, from 1 to 128. Default: 128, all. 64 allows for privacy addresses. */
  readonly ipv6Prefix?: number | undefined
}

/**
 * How user agents are compared. An option that cannot be used is thrown as a `SessionConfigError` at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface AgentOptions {
  /** Default: `terminate`. */
  readonly policy?: Policy | undefined
  /** `ignore` leaves out digits and dots, so that an update of the browser passes. Default: `compare`. */
  readonly versions?: "compare" | "ignore" | undefined
}

/** The check alone, for the session of a request. */
export type Check = Effect.Effect<void, SessionStoreError, Session>

/** Compares the address of the client with the one the session is bound to. */
export const addressCheck = ({ ipv4Prefix, ipv6Prefix, policy }: AddressOptions): Check => {
  const prefixes: Prefixes = {
    ipv4: bitsOf("ipv4Prefix", ipv4Prefix, 32),
    ipv6: bitsOf("ipv6Prefix", ipv6Prefix, 128)
  }
  return comparing("ipAddress", policy, (session, { origin, record }) => {
    const own = (origin ?? record).ipAddress
    const address = session.request.ipAddress()
    if (own === null || address === null) return own === null ? undefined : null
    return sameNetwork(own, address, prefixes) ? undefined : address
  })
}

/** Compares the user agent of the client with the one the session is bound to. */
export const agentCheck = ({ policy, versions = "compare" }: AgentOptions): Check => {
  if (versions !== "compare" && versions !== "ignore") {
    throw new SessionConfigError({ field: "versions", reason: 'must be "compare" or "ignore".' })
  }
  const compared = (text: string | null) =>
    versions === "ignore" ? (text ?? "").replace(/[\d._]+/g, "") : (text ?? "")
  return comparing("userAgent", policy, (session, { origin, record }) => {
    const found = session.request.userAgent()
    const own = (origin ?? record).userAgent
    return compared(own) === compared(found) ? undefined : (found ?? "")
  })
}

/** Ends a session that was idle for so long. */
export const idleCheck = (duration: Duration.DurationInput): Check => {
  const reason = "of SessionGuard must be a finite duration of at least 1 second."
  const bounds = { least: 1000, most: Number.MAX_VALUE, reason }
  const limit = settingMillis("idleTimeout", duration, bounds)
  return onStored((session, stored) => {
    const idle = now(session.request) - stored.record.lastActivityMillis
    if (idle >= limit) return terminate(session, stored, "idleTimeout")
    const noted = Math.min(session.request.settings.touchMillis, limit / 20)
    return idle >= noted ? Effect.asVoid(touch(session)) : Effect.void
  })
}

const bitsOf = (field: string, given: number | undefined, most: number): number => {
  const bits = given ?? most
  if (Number.isInteger(bits) && bits >= 1 && bits <= most) return bits
  throw new SessionConfigError({ field, reason: `must be a whole number from 1 to ${most}.` })
}

/** A visitor without a stored session passes. */
const onStored = (
  check: (session: RequestSession, stored: Stored) => Effect.Effect<void, SessionStoreError>
): Check =>
  useEffect((session) => {
    const { stored } = session.life.position
    return stored === null ? Effect.void : check(session, stored)
  })

/** `compare` gives what was found instead of the session's own: `null` where that is not known, `undefined` for the same. */
const comparing = (
  guard: string,
  policy: Policy = "terminate",
  compare: (session: RequestSession, stored: Stored) => string | null | undefined
): Check => {
  if (policy !== "terminate" && policy !== "log") {
    throw new SessionConfigError({ field: "policy", reason: 'must be "terminate" or "log".' })
  }
  const isNews = makeNews()
  return onStored((session, stored) => {
    const found = compare(session, stored)
    if (found === undefined) return Effect.void
    if (policy === "terminate") {
      return found === null ? withhold(session) : terminate(session, stored, guard)
    }
    return found !== null && isNews(stored.record.id, found)
      ? publishTripped(session, stored, guard, policy)
      : Effect.void
  })
}

const terminate = (session: RequestSession, stored: Stored, guard: string) =>
  Effect.zipRight(publishTripped(session, stored, guard, "terminate"), logout(session, "guard"))

const publishTripped = (
  { request }: RequestSession,
  { record: { id, userId } }: Stored,
  guard: string,
  policy: Policy
): Effect.Effect<void> =>
  publishEvent(request, { _tag: "GuardTripped", id, guard, policy, ...clientOf(request, userId) })

/** The request goes on as one whose id is retired: it sees nothing, stores nothing, and gets no cookie. */
const withhold = (session: RequestSession): Effect.Effect<void> =>
  Effect.sync(() => session.withhold(null))

const mostRemembered = 4096

/** Tells whether a session is seen with another value than last time. The sessions seen longest ago are forgotten. */
const makeNews = () => {
  const last = new Map<string, string>()
  return (id: string, found: string): boolean => {
    if (last.get(id) === found) return false
    last.delete(id)
    last.set(id, found)
    const [oldest] = last.keys()
    if (last.size > mostRemembered && oldest !== undefined) last.delete(oldest)
    return true
  }
}
