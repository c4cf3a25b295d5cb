/**
 * The store that the environment names: the same code in memory, on files or on a database, as the variables of the
 * deployment say.
 *
 * It stands at `effect-session/EnvSessionStore` only, and loads nothing but the driver it needs: what is not in use need
 * not be installed.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Choice from "./internal/env/choice.js"
import type { SessionConfigError, SessionStoreError } from "./internal/errors/errors.js"
import type { SessionStore } from "./SessionStore.js"

/**
 * What can be said beside the environment.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long a session that ended is kept, without its payload. Default: `SESSION_KEEP_ENDED`, else 0. */
  readonly keepEnded?: Duration.DurationInput | undefined
}

/**
 * Provides the store that the environment names, with settings that it does not have.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (
  options: Options
): Layer.Layer<SessionStore, SessionConfigError | SessionStoreError> =>
  Layer.unwrapEffect(Effect.map(Choice.choose(options), ({ store }) => store))

/**
 * Provides the store that the environment names.
 *
 * - `SESSION_DRIVER`: `memory` or `array`, `file` (the default), `database`.
 * - `SESSION_FILES`: the directory of `file`; default `storage/sessions`. Needs `@effect/platform-node`.
 * - `SESSION_CONNECTION`, or else `DATABASE_URL`: the database's URL, `postgres:`, `mysql:` or `sqlite:` (a file:
 *   `sqlite:./data/app.db`). Needs `@effect/sql` and `@effect/sql-pg`, `@effect/sql-mysql2` or `@effect/sql-sqlite-node`.
 * - `SESSION_TABLE`: the table of `database`; default `sessions`. `effect-session migrate` makes it.
 * - `SESSION_KEEP_ENDED`: how long a session that ended is kept, such as `7 days`; default 0.
 *
 * A variable that is empty or says `null` is as none. Fails with `SessionConfigError`, a sentence that names the
 * variable or the package that is missing and never tells a URL, and with `SessionStoreError` when the store does not
 * answer.
 *
 * @example
 * ```ts
 * import { HttpRouter, HttpServer } from "@effect/platform"
 * import { Layer } from "effect"
 * import { SessionMiddleware } from "effect-session"
 * import * as EnvSessionStore from "effect-session/EnvSessionStore"
 *
 * export const server = HttpRouter.empty.pipe(
 *   SessionMiddleware.middleware,
 *   HttpServer.serve(),
 *   Layer.provide(EnvSessionStore.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<SessionStore, SessionConfigError | SessionStoreError> = layerWith(
  {}
)
