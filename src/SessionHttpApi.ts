/**
 * The session, the CSRF check and the guards in the definition of an `HttpApi`: the tags of the middlewares and their
 * errors.
 *
 * Nothing here needs Node, so a browser can share the definition. The server provides the layers:
 * `SessionMiddleware.layerHttpApi`, `Csrf.layerHttpApi`, and the `layerHttpApi` of a guard.
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
 *   // The last middleware is the outermost: the session comes last.
 *   .middleware(SessionHttpApi.HttpApi)
 *
 * export const Shop = HttpApi.make("shop").add(orders)
 * ```
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
 * Provides the session to the endpoints of an `HttpApi`. `SessionMiddleware.HttpApi` is the same.
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
