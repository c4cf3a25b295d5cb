import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"

export class CsrfHttpApi extends HttpApiMiddleware.Service<CsrfHttpApi, { requires: Session }>()(
  "effect-session/Csrf/HttpApi",
  { error: CsrfRejected }
) {}

export class GuardHttpApi extends HttpApiMiddleware.Service<GuardHttpApi, { requires: Session }>()(
  "effect-session/SessionGuard/HttpApi",
  { error: SessionUnavailable }
) {}

/**
 * The session's cookie as a security scheme, for the `security` of a middleware of your own: OpenAPI then shows which
 * endpoints need a login. The name of the cookie is `__Host-session`; `securityWith` takes another.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { HttpApiMiddleware } from "effect/http-api"
 * import { Session } from "effect-session"
 * import * as SessionHttpApi from "effect-session/SessionHttpApi"
 *
 * class LoggedIn extends HttpApiMiddleware.Service<LoggedIn, { requires: Session.Session }>()("LoggedIn", {
 *   error: SessionHttpApi.SessionUnauthenticated,
 *   security: { session: SessionHttpApi.security }
 * }) {}
 *
 * // The session middleware has read the cookie, so nothing is done with it here.
 * export const LoggedInLive = Layer.succeed(LoggedIn, {
 *   session: (endpoint) => Effect.andThen(Session.requireUser, endpoint)
 * })
 * ```
 *
 * @since 0.1.0
 * @category OpenAPI
 */
export const security: HttpApiSecurity.ApiKey = cookieScheme(defaults.cookie.name)
