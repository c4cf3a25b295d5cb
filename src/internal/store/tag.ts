/** The service tag of the store. */
import * as Context from "effect/Context"
import type { Service } from "./contract.js"

/**
 * The service that keeps the sessions.
 *
 * @since 0.1.0
 * @category tags
 */
export class SessionStore extends Context.Tag("effect-session/SessionStore/SessionStore")<
  SessionStore,
  Service
>() {}
