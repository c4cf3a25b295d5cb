/**
 * Guards against stolen cookies and forgotten screens: before the app runs, the session is compared with the client that
 * uses it, or with the time it was idle.
 *
 * A guard is off until you mount it, inside the session middleware.
 *
 * A session is bound to the client that logged in; a guest's session, to the client that began it. Requests of other
 * clients do not change that, another login does. A visitor without a stored session passes every guard.
 *
 * A guard that trips with the policy `terminate` destroys the session at once, on every server. The request goes on as a
 * guest's: its session is empty, and the response deletes the cookie. If the store fails meanwhile, the answer is 503.
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRespondable from "@effect/platform/HttpServerRespondable"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SessionStoreError } from "./internal/errors/errors.js"
import { checkInSession } from "./internal/request/apiSession.js"
import { type RouteLayer, routeLayer } from "./internal/request/mountsOfChecks.js"
import {
  type AddressOptions,
  type AgentOptions,
  addressCheck,
  agentCheck,
  idleCheck,
  type Policy
} from "./internal/session/guards.js"
import type { Session } from "./internal/session/tag.js"
import { GuardHttpApi, HttpApi, orUnavailable } from "./SessionHttpApi.js"

export type {
  /**
   * How addresses are compared. An option that cannot be used is thrown as a `SessionConfigError` at once.
   *
   * @since 0.1.0
   * @category models
   */
  AddressOptions,
  /**
   * How user agents are compared. An option that cannot be used is thrown as a `SessionConfigError` at once.
   *
   * @since 0.1.0
   * @category models
   */
  AgentOptions,
  /**
   * What a guard does when it trips: `terminate` destroys the session, `log` only publishes `GuardTripped`.
   *
   * `log` tells of a session once, and again when its client changes again. Each server remembers the last 4096 sessions
   * it has told of.
   *
   * @since 0.1.0
   * @category models
   */
  Policy
}
export {
  /**
   * Guards the endpoints of an `HttpApi`; its layer is the `layerHttpApi` of a guard.
   *
   * @since 0.1.0
   * @category tags
   */
  GuardHttpApi as HttpApi
}

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
   * For `HttpApi`: the layer of `SessionGuard.HttpApi`. It works before and after `SessionMiddleware.HttpApi` in the
   * definition.
   */
  readonly layerHttpApi: Layer.Layer<GuardHttpApi>
  /** The guard alone, for a middleware of your own. */
  readonly check: Effect.Effect<void, SessionStoreError, Session>
}

const guardOf = (check: Guard["check"]): Guard => {
  const middleware = <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R | Session> =>
    Effect.matchEffect(check, {
      onFailure: (error): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
        HttpServerRespondable.toResponse(error),
      onSuccess: () => app
    })
  return Object.assign(middleware, {
    check,
    layer: routeLayer<never, never>(middleware),
    layerHttpApi: Layer.fresh(
      Layer.effect(
        GuardHttpApi,
        Effect.map(Effect.serviceOption(HttpApi), (service) =>
          checkInSession(service, orUnavailable(check))
        )
      )
    )
  })
}

/**
 * Trips when the client's address differs from the one at the login. An IPv4 address and its form in IPv6 are the same.
 *
 * **Details**
 *
 * The address is the one that `SessionConfig.trustedProxies` finds. Phones change theirs on the way: consider the policy
 * `log`.
 *
 * A session whose own address is not known (a web handler, a Unix socket) passes. If the client has gone meanwhile and the
 * address of the request is not known, the policy `terminate` shows the request an empty session and leaves the stored
 * one as it is.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Layer } from "effect"
 * import { SessionGuard, SessionMiddleware } from "effect-session"
 *
 * const home = HttpLayerRouter.add("GET", "/", HttpServerResponse.text("hello"))
 *
 * export const routes = home.pipe(
 *   Layer.provide(SessionGuard.ipAddress.layer),
 *   Layer.provide(SessionMiddleware.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const ipAddress: Guard = guardOf(addressCheck({}))

/**
 * `ipAddress` with options.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Layer } from "effect"
 * import { SessionGuard, SessionMiddleware } from "effect-session"
 *
 * const home = HttpLayerRouter.add("GET", "/", HttpServerResponse.text("hello"))
 *
 * export const routes = home.pipe(
 *   Layer.provide(SessionGuard.ipAddressWith({ policy: "log", ipv4Prefix: 24, ipv6Prefix: 64 }).layer),
 *   Layer.provide(SessionMiddleware.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const ipAddressWith = (options: AddressOptions): Guard => guardOf(addressCheck(options))

/**
 * Trips when the `User-Agent` header differs from the one at the login. A missing header is a value of its own.
 *
 * **Details**
 *
 * Compared are the first 512 characters without control characters, as they are stored. A browser changes them with every
 * update; `versions: "ignore"` allows for that.
 *
 * The header is no secret: this stops only a cookie that was copied without it.
 *
 * @since 0.1.0
 * @category guards
 */
export const userAgent: Guard = guardOf(agentCheck({}))

/**
 * `userAgent` with options.
 *
 * @since 0.1.0
 * @category guards
 */
export const userAgentWith = (options: AgentOptions): Guard => guardOf(agentCheck(options))

/**
 * Ends a session that was idle for `duration` or longer: a stricter limit than `SessionConfig.idleTimeout` for a part of
 * the app, such as the administration.
 *
 * **Details**
 *
 * `duration` is at least 1 second; anything else is thrown as a `SessionConfigError` at once.
 *
 * Activity anywhere in the app counts. Inside the guard it is stored at least every twentieth of `duration`; elsewhere only
 * every `SessionConfig.touchInterval` (1 minute), and a session may end early by as much. It never ends late.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Layer } from "effect"
 * import { SessionGuard, SessionMiddleware } from "effect-session"
 *
 * const admin = HttpLayerRouter.add("GET", "/admin", HttpServerResponse.text("hello"))
 *
 * export const routes = admin.pipe(
 *   Layer.provide(SessionGuard.idleTimeout("15 minutes").layer),
 *   Layer.provide(SessionMiddleware.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const idleTimeout = (duration: Duration.DurationInput): Guard => guardOf(idleCheck(duration))

/**
 * Makes one guard of several, which run in this order. Once one has ended the session, the others have nothing to guard.
 *
 * @since 0.1.0
 * @category combinators
 */
export const all = (...guards: ReadonlyArray<Guard>): Guard =>
  guardOf(Effect.forEach(guards, ({ check }) => check, { discard: true }))
