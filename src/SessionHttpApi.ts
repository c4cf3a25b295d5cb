/**
 * The session, the CSRF check and the guards in an `HttpApi`: the tags of the middlewares and their errors, and what
 * middlewares and endpoints of your own need.
 *
 * Nothing here needs Node, so a browser can share a definition that imports only this module. The server provides the
 * layers: `SessionMiddleware.layerHttpApi`, `Csrf.layerHttpApi`, and the `layerHttpApi` of a guard.
 *
 * @example
 * ```ts
 * import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "@effect/platform"
 * import { Schema } from "effect"
 * import * as SessionHttpApi from "effect-session/SessionHttpApi"
 *
 * const orders = HttpApiGroup.make("orders")
 *   .add(HttpApiEndpoint.post("order", "/orders").addSuccess(Schema.String))
 *   .middleware(SessionHttpApi.CsrfHttpApi)
 *   .middleware(SessionHttpApi.HttpApi)
 *
 * export const Shop = HttpApi.make("shop").add(orders)
 * ```
 *
 * @since 0.1.0
 */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import type * as HttpRouter from "@effect/platform/HttpRouter"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { defaults } from "./internal/config/model.js"
import { answer, storeAway } from "./internal/errors/answers.js"
import { SessionConflict, SessionStoreError } from "./internal/errors/errors.js"
import { comeBackLater, inSession } from "./internal/request/apiSession.js"
import { Session } from "./internal/session/tag.js"

export {
  /**
   * Another request of the session came first: HTTP 409.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionConflict,
  /**
   * The user must log in again: HTTP 403.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionReauthenticationRequired,
  /**
   * A login was refused: HTTP 403.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionRefused,
  /**
   * Nobody is logged in: HTTP 401.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionUnauthenticated
} from "./internal/errors/errors.js"

/**
 * The session store could not be reached: HTTP 503.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionUnavailable extends Schema.TaggedError<SessionUnavailable>(
  "effect-session/SessionHttpApi/SessionUnavailable"
)("SessionUnavailable", {}, storeAway.annotations("SessionUnavailable")) {}

/**
 * Provides the session to the endpoints of an `HttpApi`. `SessionMiddleware.HttpApi` is the same.
 *
 * Each endpoint may end with `SessionUnavailable` (503) or `SessionConflict` (409), because what it changed is committed when
 * it has given its response.
 *
 * @since 0.1.0
 * @category tags
 */
export class HttpApi extends HttpApiMiddleware.Tag<HttpApi>()(
  "effect-session/SessionMiddleware/HttpApi",
  { provides: Session, failure: Schema.Union(SessionUnavailable, SessionConflict) }
) {}

/**
 * The CSRF check refused the request: HTTP 403. It does not say why.
 *
 * @since 0.1.0
 * @category errors
 */
export class CsrfRejected extends Schema.TaggedError<CsrfRejected>(
  "effect-session/SessionHttpApi/CsrfRejected"
)(
  "CsrfRejected",
  {},
  answer(403, "The CSRF check refused the request.", "CsrfRejected").annotations("CsrfRejected")
) {}

/**
 * Checks the unsafe endpoints of an `HttpApi` against cross-site request forgery. `Csrf.HttpApi` is the same.
 *
 * @since 0.1.0
 * @category tags
 */
export class CsrfHttpApi extends HttpApiMiddleware.Tag<CsrfHttpApi>()(
  "effect-session/Csrf/HttpApi",
  { failure: CsrfRejected }
) {}

/**
 * Guards the sessions of the endpoints of an `HttpApi`. `SessionGuard.HttpApi` is the same.
 *
 * @since 0.1.0
 * @category tags
 */
export class GuardHttpApi extends HttpApiMiddleware.Tag<GuardHttpApi>()(
  "effect-session/SessionGuard/HttpApi",
  { failure: SessionUnavailable }
) {}

/**
 * Makes a middleware of your own that uses the session.
 *
 * **Details**
 *
 * An `HttpApiMiddleware` may need nothing but the request. This finds the session for it, so that `effect` may use every
 * function of `Session`. In the definition, the middleware may stand before `HttpApi` or after it. When the store cannot be
 * reached, the request ends with `SessionUnavailable`, which `HttpApi` declares.
 *
 * @example
 * ```ts
 * import { HttpApiMiddleware } from "@effect/platform"
 * import { Context, Effect, Layer } from "effect"
 * import { Session } from "effect-session"
 * import * as SessionHttpApi from "effect-session/SessionHttpApi"
 *
 * class CurrentUser extends Context.Tag("CurrentUser")<CurrentUser, { readonly id: string }>() {}
 *
 * class Authentication extends HttpApiMiddleware.Tag<Authentication>()("Authentication", {
 *   provides: CurrentUser,
 *   failure: SessionHttpApi.SessionUnauthenticated
 * }) {}
 *
 * export const AuthenticationLive = Layer.effect(
 *   Authentication,
 *   SessionHttpApi.withSession(Effect.map(Session.requireUser, (id) => ({ id })))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const withSession = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<
  Effect.Effect<A, E, Exclude<R, Session> | HttpRouter.HttpRouter.Provided>,
  never,
  HttpApi
> => Effect.map(HttpApi, (service) => inSession(service, effect))

/**
 * Turns a failure of the store into `SessionUnavailable`, which `HttpApi` declares, and logs it. For endpoints that call what
 * acts at once: `Session.login`, `logout`, `destroy`, `consume`, `commit`, and the calls of `SessionAdmin`.
 *
 * @example
 * ```ts
 * import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "@effect/platform"
 * import { Schema } from "effect"
 * import { Session } from "effect-session"
 * import * as SessionHttpApi from "effect-session/SessionHttpApi"
 *
 * const users = HttpApiGroup.make("users")
 *   .add(
 *     HttpApiEndpoint.post("login", "/login")
 *       .setPayload(Schema.Struct({ userId: Schema.String }))
 *       .addError(SessionHttpApi.SessionRefused)
 *   )
 *   .add(HttpApiEndpoint.post("logout", "/logout"))
 *   .middleware(SessionHttpApi.HttpApi)
 *
 * const Shop = HttpApi.make("shop").add(users)
 *
 * export const Users = HttpApiBuilder.group(Shop, "users", (handlers) =>
 *   handlers
 *     .handle("login", ({ payload }) => SessionHttpApi.orUnavailable(Session.login(payload.userId)))
 *     .handle("logout", () => SessionHttpApi.orUnavailable(Session.logout))
 * )
 * ```
 *
 * @since 0.1.0
 * @category error handling
 */
export const orUnavailable = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, Exclude<E, SessionStoreError> | SessionUnavailable, R> =>
  Effect.catchAll(
    effect,
    (error): Effect.Effect<never, Exclude<E, SessionStoreError> | SessionUnavailable> =>
      error instanceof SessionStoreError
        ? error.logged.pipe(
            Effect.zipRight(comeBackLater),
            Effect.zipRight(new SessionUnavailable())
          )
        : // What is no failure of the store stays in the type.
          Effect.fail(error as Exclude<E, SessionStoreError>)
  )

const cookieScheme = (name: string): HttpApiSecurity.ApiKey =>
  HttpApiSecurity.annotate(
    HttpApiSecurity.apiKey({ in: "cookie", key: name }),
    OpenApi.Description,
    "The cookie of the session. A login sets it."
  )

/**
 * The session's cookie as a security scheme, for the `security` of a middleware of your own: OpenAPI then shows which
 * endpoints need a login. The name of the cookie is `__Host-session`; `securityWith` takes another.
 *
 * @example
 * ```ts
 * import { HttpApiMiddleware } from "@effect/platform"
 * import { Effect, Layer } from "effect"
 * import { Session } from "effect-session"
 * import * as SessionHttpApi from "effect-session/SessionHttpApi"
 *
 * class LoggedIn extends HttpApiMiddleware.Tag<LoggedIn>()("LoggedIn", {
 *   failure: SessionHttpApi.SessionUnauthenticated,
 *   security: { session: SessionHttpApi.security }
 * }) {}
 *
 * // The session middleware has read the cookie, so nothing is done with it here.
 * export const LoggedInLive = Layer.effect(
 *   LoggedIn,
 *   Effect.map(SessionHttpApi.withSession(Effect.asVoid(Session.requireUser)), (loggedIn) => ({
 *     session: () => loggedIn
 *   }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category OpenAPI
 */
export const security: HttpApiSecurity.ApiKey = cookieScheme(defaults.cookie.name)

/**
 * As `security`, for the cookie name that `SessionConfig` sets.
 *
 * @since 0.1.0
 * @category OpenAPI
 */
export const securityWith = (options: { readonly cookie: string }): HttpApiSecurity.ApiKey =>
  cookieScheme(options.cookie)
