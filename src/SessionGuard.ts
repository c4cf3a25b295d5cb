/**
 * Guards against stolen cookies and forgotten screens: the session is compared with the client that uses it, or with the
 * time it was idle, before the app runs. Off by default: a guard is there where it is mounted, inside the session middleware.
 *
 * A session is bound to the client that logged in, or, for a guest, that began it. It stays so whatever other clients
 * write to it elsewhere; another login binds it anew. A visitor without a stored session passes every guard.
 *
 * A guard that trips with the policy `terminate` destroys the session at once, on every server, and the request goes on
 * as that of a guest: an empty session, the cookie deleted. Where the store fails meanwhile, the request ends with 503.
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Stored } from "./core/commit/model.js"
import { type Prefixes, sameNetwork } from "./core/http/address.js"
import { touch } from "./internal/commit/commit.js"
import { logout } from "./internal/commit/destroy.js"
import { clientOf, now, publishEvent } from "./internal/commit/RequestContext.js"
import type { RequestSession } from "./internal/commit/RequestSession.js"
import { storeAway } from "./internal/errors/answers.js"
import { SessionConfigError, type SessionStoreError } from "./internal/errors/errors.js"
import { type RouteLayer, routeLayer, withSession } from "./internal/request/checkMounts.js"
import { useEffect } from "./internal/session/lift.js"
import { Session, toService } from "./internal/session/tag.js"
import { GuardHttpApi, SessionUnavailable } from "./SessionHttpApi.js"

export {
  /**
   * Guards the endpoints of an `HttpApi`; its layer is the `layerHttpApi` of a guard.
   *
   * @since 0.1.0
   * @category tags
   */
  GuardHttpApi as HttpApi
} from "./SessionHttpApi.js"

/**
 * A guard: a middleware for `HttpApp` and `HttpRouter` that also has the other mounts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Guard {
  <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R | Session>
  /** For `HttpLayerRouter`: guards the routes it is provided to. */
  readonly layer: RouteLayer
  /**
   * For `HttpApi`: the layer of `SessionGuard.HttpApi`. In the definition the session comes last, since the last is the
   * outermost: `.middleware(SessionGuard.HttpApi).middleware(SessionMiddleware.HttpApi)`.
   */
  readonly layerHttpApi: Layer.Layer<GuardHttpApi>
  /** The guard alone, for a middleware of one's own. */
  readonly check: Effect.Effect<void, SessionStoreError, Session>
}

/**
 * What a guard does when it trips: `terminate` destroys the session, `log` only publishes `GuardTripped`, once per
 * session and change on each server.
 *
 * @since 0.1.0
 * @category models
 */
export type Policy = "terminate" | "log"

/**
 * How addresses are compared. What cannot be used is thrown as a `SessionConfigError` at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface AddressOptions {
  /** Default `terminate`. */
  readonly policy?: Policy | undefined
  /** How many leading bits of an IPv4 address count, from 1 to 32. Default 32: all. */
  readonly ipv4Prefix?: number | undefined
  /** How many leading bits of an IPv6 address count, from 1 to 128; 64 survives privacy addresses. Default 128: all. */
  readonly ipv6Prefix?: number | undefined
}

/**
 * How user agents are compared.
 *
 * @since 0.1.0
 * @category models
 */
export interface AgentOptions {
  /** Default `terminate`. */
  readonly policy?: Policy | undefined
  /** `ignore` leaves digits and dots out of the comparison, so that an update of the browser passes. Default `compare`. */
  readonly versions?: "compare" | "ignore" | undefined
}

/**
 * Trips when the client's address is another than the one of the login. IPv4 and its form in IPv6 are one address.
 *
 * The address is the one `SessionConfig.trustedProxies` finds. A session whose address is not known (a web handler, a
 * Unix socket) passes. Where only the request's is not known, as the client has gone meanwhile, the request sees an
 * empty session, and the stored one stays. Phones change their address on the way: consider `log` for them.
 *
 * @example
 * ```ts
 * import { HttpRouter, HttpServerResponse } from "@effect/platform"
 * import { SessionGuard, SessionMiddleware } from "effect-session"
 *
 * export const app = HttpRouter.empty.pipe(
 *   HttpRouter.get("/", HttpServerResponse.text("hello")),
 *   SessionGuard.ipAddressWith({ policy: "log", ipv4Prefix: 24, ipv6Prefix: 64 }),
 *   SessionGuard.userAgentWith({ versions: "ignore" }),
 *   SessionMiddleware.middleware
 * )
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const ipAddressWith = (options: AddressOptions): Guard => {
  const prefixes: Prefixes = {
    ipv4: bitsOf("ipv4Prefix", options.ipv4Prefix, 32),
    ipv6: bitsOf("ipv6Prefix", options.ipv6Prefix, 128)
  }
  return comparing("ipAddress", options.policy, (session, { origin, record }) => {
    const address = session.request.ipAddress()
    const own = (origin ?? record).ipAddress
    if (own === null) return same
    if (address === null) return { _tag: "unknown" }
    return sameNetwork(own, address, prefixes) ? same : { _tag: "other", found: address }
  })
}

/**
 * Trips when the `User-Agent` is another than at the login; none is one of its own.
 *
 * Compared are the first 512 characters without control characters, as they are stored. A browser that updates itself
 * changes it, every few weeks: see `versions`. It is no secret: this stops a cookie that was copied without it.
 *
 * @since 0.1.0
 * @category guards
 */
export const userAgentWith = (options: AgentOptions): Guard => {
  const { versions = "compare" } = options
  if (versions !== "compare" && versions !== "ignore") {
    throw new SessionConfigError({ field: "versions", reason: 'must be "compare" or "ignore".' })
  }
  const shape = (text: string | null) =>
    versions === "ignore" ? (text ?? "").replace(/[\d._]+/g, "") : (text ?? "")
  return comparing("userAgent", options.policy, (session, { origin, record }) => {
    const found = session.request.userAgent()
    const own = (origin ?? record).userAgent
    return shape(own) === shape(found) ? same : { _tag: "other", found: found ?? "" }
  })
}

/**
 * Ends a session that was idle for `duration` or longer: a stricter limit than `SessionConfig.idleTimeout` for a part of
 * the app, such as the administration. At least 1 second.
 *
 * Activity anywhere in the app counts. Inside the guard it is noted to a twentieth of `duration`; elsewhere to
 * `SessionConfig.touchInterval` (1 minute), and a session may end early by as much. It never ends late.
 *
 * @since 0.1.0
 * @category guards
 */
export const idleTimeout = (duration: Duration.DurationInput): Guard => {
  const limit = Option.getOrElse(
    Option.map(Duration.decodeUnknown(duration), Duration.toMillis),
    () => 0
  )
  if (!(limit >= 1000 && Number.isFinite(limit))) {
    const reason = "of SessionGuard must be a finite duration of at least 1 second."
    throw new SessionConfigError({ field: "idleTimeout", reason })
  }
  return make((session, stored) => {
    const idle = now(session.request) - stored.record.lastActivityMillis
    if (idle >= limit) return trip(session, stored, "idleTimeout", "terminate")
    const noted = Math.min(session.request.settings.touchMillis, limit / 20)
    return idle >= noted ? Effect.asVoid(touch(session)) : Effect.void
  })
}

/**
 * Makes one guard of several, which run in this order; once the session is gone the rest has nothing to guard.
 *
 * @since 0.1.0
 * @category combinators
 */
export const all = (...guards: ReadonlyArray<Guard>): Guard =>
  mount(Effect.forEach(guards, ({ check }) => check, { discard: true }))

type Check = (session: RequestSession, stored: Stored) => Effect.Effect<void, SessionStoreError>

const make = (check: Check): Guard =>
  mount(
    useEffect((session) =>
      Effect.suspend(() =>
        session.life.position.stored === null
          ? Effect.void
          : check(session, session.life.position.stored)
      )
    )
  )

const mount = (check: Guard["check"]): Guard => {
  const middleware = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R | Session> =>
    Effect.matchEffect(check, {
      onFailure: (): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
        Effect.succeed(storeAway),
      onSuccess: () => app
    })
  return Object.assign(middleware, {
    check,
    layer: routeLayer(middleware),
    layerHttpApi: Layer.succeed(
      GuardHttpApi,
      withSession((session) =>
        Effect.mapError(
          Effect.provideService(check, Session, toService(session)),
          () => new SessionUnavailable()
        )
      )
    )
  })
}

type Comparison =
  | { readonly _tag: "same" | "unknown" }
  | { readonly _tag: "other"; readonly found: string }

const same: Comparison = { _tag: "same" }

const comparing = (
  guard: string,
  policy: Policy = "terminate",
  compare: (session: RequestSession, stored: Stored) => Comparison
): Guard => {
  if (policy !== "terminate" && policy !== "log") {
    throw new SessionConfigError({ field: "policy", reason: 'must be "terminate" or "log".' })
  }
  const isNews = makeNews()
  return make((session, stored) => {
    const compared = compare(session, stored)
    if (compared._tag === "same") return Effect.void
    if (policy === "log") {
      return compared._tag === "other" && isNews(stored.record.id, compared.found)
        ? tell(session, stored, guard, policy)
        : Effect.void
    }
    return compared._tag === "other" ? trip(session, stored, guard, policy) : withhold(session)
  })
}

const trip = (session: RequestSession, stored: Stored, guard: string, policy: Policy) =>
  Effect.zipRight(tell(session, stored, guard, policy), logout(session))

const tell = (
  session: RequestSession,
  { record }: Stored,
  guard: string,
  policy: Policy
): Effect.Effect<void> =>
  publishEvent(session.request, {
    _tag: "GuardTripped",
    id: record.id,
    guard,
    policy,
    ...clientOf(session.request, record.userId)
  })

/** The request goes on as one whose id is retired: nothing to see, nothing stored, no cookie. */
const withhold = (session: RequestSession): Effect.Effect<void> =>
  Effect.sync(() => {
    session.withhold(null)
  })

const remembered = 4096

/** Tells whether a session is seen with another value than last time; the oldest of 4096 sessions are forgotten. */
const makeNews = () => {
  const last = new Map<string, string>()
  return (id: string, found: string): boolean => {
    if (last.get(id) === found) return false
    last.delete(id)
    last.set(id, found)
    const [oldest] = last.keys()
    if (last.size > remembered && oldest !== undefined) last.delete(oldest)
    return true
  }
}

const bitsOf = (field: string, given: number | undefined, most: number): number => {
  const bits = given ?? most
  if (Number.isInteger(bits) && bits >= 1 && bits <= most) return bits
  throw new SessionConfigError({ field, reason: `must be a whole number from 1 to ${most}.` })
}

/**
 * The guard with its defaults: see `ipAddressWith`.
 *
 * @since 0.1.0
 * @category guards
 */
export const ipAddress: Guard = ipAddressWith({})

/**
 * The guard with its defaults: see `userAgentWith`.
 *
 * @since 0.1.0
 * @category guards
 */
export const userAgent: Guard = userAgentWith({})
