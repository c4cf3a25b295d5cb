/** The service tag, apart from everything that needs Node, so that an API definition in a browser can name it. */
import * as Context from "effect/Context"
import type { Cell } from "../commit/cell.js"

/**
 * The session of the current request. `SessionMiddleware` provides it, in tests `Session.layerTest`.
 *
 * @since 0.1.0
 * @category tags
 */
export class Session extends Context.Tag("effect-session/Session/Session")<Session, Cell>() {}
