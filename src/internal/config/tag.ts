/** The reference to the settings in force. */
import * as Context from "effect/Context"
import { defaults, type Settings } from "./model.js"

/**
 * The settings in force; the defaults where no layer provides others.
 *
 * @since 0.1.0
 * @category tags
 */
export class SessionConfig extends Context.Reference<SessionConfig>()(
  "effect-session/SessionConfig/SessionConfig",
  { defaultValue: (): Settings => defaults }
) {}
