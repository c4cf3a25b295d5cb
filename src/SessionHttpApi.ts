/**
 * The session, the CSRF check and the guards in an `HttpApi` definition: the tags of the middlewares and their errors,
 * without anything that needs Node, so that a definition can be shared with a browser. The layers are
 * `SessionMiddleware.layerHttpApi`, `Csrf.layerHttpApi` and that of a guard.
 *
 * @since 0.1.0
 */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"
import { Session } from "./internal/session/tag.js"

/**
 * The session store could not be reached: HTTP 503.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionUnavailable extends Schema.TaggedError<SessionUnavailable>(
  "effect-session/SessionHttpApi/SessionUnavailable"
)("SessionUnavailable", {}, HttpApiSchema.annotations({ status: 503 })) {}

/**
 * Gives the endpoints of an `HttpApi` the session.
 *
 * @since 0.1.0
 * @category tags
 */
export class HttpApi extends HttpApiMiddleware.Tag<HttpApi>()(
  "effect-session/SessionMiddleware/HttpApi",
  { provides: Session, failure: SessionUnavailable }
) {}

/**
 * The CSRF check refused the request: HTTP 403. It does not say why.
 *
 * @since 0.1.0
 * @category errors
 */
export class CsrfRejected extends Schema.TaggedError<CsrfRejected>(
  "effect-session/SessionHttpApi/CsrfRejected"
)("CsrfRejected", {}, HttpApiSchema.annotations({ status: 403 })) {}

/**
 * Checks the unsafe endpoints of an `HttpApi` against cross-site request forgery. `Csrf.HttpApi` is the same.
 *
 * @since 0.1.0
 * @category tags
 */
export class CsrfHttpApi extends HttpApiMiddleware.Tag<CsrfHttpApi>()(
  "effect-session/Csrf/HttpApi",
  {
    failure: CsrfRejected
  }
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
