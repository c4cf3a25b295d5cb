/**
 * The store that the environment names. The same code keeps sessions in memory, in files, in a database or in Redis, as the
 * variables of the deployment say.
 *
 * This module is not exported from `effect-session`, only from `effect-session/EnvSessionStore`. It loads the driver that
 * is in use and no other, so the others need not be installed.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { configProviderOf } from "./internal/effect/fiber.js"
import { oncePer } from "./internal/effect/oncePer.js"
import { choose } from "./internal/env/choice.js"
import type { SessionConfigError, SessionStoreError } from "./internal/errors/errors.js"
import type { SessionStore } from "./SessionStore.js"

/**
 * Options that come before what the environment says.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long an ended session is kept, without its payload. Default: `SESSION_KEEP_ENDED`, else 0. */
  readonly keepEnded?: Duration.DurationInput | undefined
}

/**
 * Provides the store that the environment names.
 *
 * - `SESSION_DRIVER`: `memory` or `array`, `file` (the default), `database`, `redis`.
 * - `SESSION_FILES`: the directory of `file`; default `storage/sessions`. Needs `@effect/platform-node`.
 * - `SESSION_CONNECTION`, or else `DATABASE_URL`: the database's URL, `postgres:`, `mysql:`, `mariadb:` or `sqlite:` (a
 *   file: `sqlite:./data/app.db`). Needs `@effect/sql` and `@effect/sql-pg`, `@effect/sql-mysql2` or
 *   `@effect/sql-sqlite-node`.
 * - `SESSION_TABLE`: the table of `database`; default `sessions`. `effect-session migrate` makes it.
 * - `REDIS_URL`: the URL of Redis, `redis://user:password@host:6379/0`, `rediss:` for TLS; `RedisSessionStore` says what else
 *   it may have. Or else `REDIS_HOST`, with `REDIS_PORT` and `REDIS_PASSWORD`. Needs `redis`.
 * - `SESSION_KEEP_ENDED`: how long an ended session is kept, such as `7 days`; default 0.
 *
 * A variable that is empty or says `null` counts as not set.
 *
 * Provided in several places of an app, it is one store, also one in memory: one for each `ConfigProvider`.
 *
 * The layer fails with a `SessionConfigError` that names the wrong variable or the missing package and never tells a URL,
 * and with a `SessionStoreError` when the store does not answer.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Layer } from "effect"
 * import { SessionMiddleware } from "effect-session"
 * import * as EnvSessionStore from "effect-session/EnvSessionStore"
 *
 * const home = HttpLayerRouter.add("GET", "/", HttpServerResponse.text("hello"))
 *
 * export const server = HttpLayerRouter.serve(Layer.provide(home, SessionMiddleware.layer)).pipe(
 *   Layer.provide(EnvSessionStore.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<SessionStore, SessionConfigError | SessionStoreError> = oncePer(
  configProviderOf,
  Layer.suspend(() => layerWith({}))
)

/**
 * As `layer`, with options that come before what the environment says.
 *
 * @example
 * ```ts
 * import * as EnvSessionStore from "effect-session/EnvSessionStore"
 *
 * export const store = EnvSessionStore.layerWith({ keepEnded: "7 days" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = ({
  keepEnded
}: Options): Layer.Layer<SessionStore, SessionConfigError | SessionStoreError> =>
  oncePer(configProviderOf, Layer.unwrapEffect(Effect.map(choose(keepEnded), ({ store }) => store)))
