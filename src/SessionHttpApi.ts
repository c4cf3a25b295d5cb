/**
 * The session in an `HttpApi` definition: the middleware's tag and its error, without anything that needs Node, so that
 * a definition can be shared with a browser. The layer is `SessionMiddleware.layerHttpApi`.
 *
 * @since 0.1.0
 */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"
import { Session } from "./internal/tag.js"

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
