/** The service tag. It is apart from all that needs Node, so that an API definition in a browser can name it. */
import * as Context from "effect/Context"
import type { RequestSession } from "../commit/RequestSession.js"

declare const opaque: unique symbol

/**
 * The session of a request. Only the functions of this library can use it: it shows nothing, and nothing can be written to
 * it.
 *
 * @since 0.1.0
 * @category models
 */
export interface CurrentSession {
  readonly [opaque]: never
}

/**
 * The session of the current request. `SessionMiddleware` provides it; in tests, `Session.layerTest` does.
 *
 * @since 0.1.0
 * @category tags
 */
export class Session extends Context.Tag("effect-session/Session/Session")<
  Session,
  CurrentSession
>() {}

/** The service as users of the library have it. */
export const toService = (session: RequestSession): CurrentSession =>
  // Only the type hides it.
  session as unknown as CurrentSession

/** What stands behind the service. */
export const fromService = (service: CurrentSession): RequestSession =>
  // Only `toService` makes one.
  service as unknown as RequestSession
