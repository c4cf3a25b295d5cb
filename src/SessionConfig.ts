/**
 * The settings of the session middleware. Every default is safe, so nothing needs configuring.
 *
 * Only the middleware reads them. Stores, garbage collection and administration take what they need as arguments.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { optionsProblem, settingsProblem } from "./internal/config/check.js"
import { environment, inVariables } from "./internal/config/environment.js"
import {
  cookieNameFor,
  type DurationField,
  defaults,
  type Options,
  type Settings
} from "./internal/config/model.js"
import { SessionConfig } from "./internal/config/tag.js"
import type { SessionConfigError } from "./internal/errors/errors.js"

export type {
  /**
   * The keys that encrypt payloads: `key` is 32 random bytes in base64, `id` is 1 to 32 characters of `[A-Za-z0-9_-]`.
   *
   * @since 0.1.0
   * @category models
   */
  Encryption,
  /**
   * What `layer` takes: any part of the settings.
   *
   * A duration is in any form Effect reads, at most 100 years, and is cut to whole milliseconds. A `touchInterval` over
   * a twentieth of the idle timeout is cut to that.
   *
   * @since 0.1.0
   * @category models
   */
  Options,
  /**
   * How many sessions a user may have, and what a login beyond that does: `evictOldest` ends the user's oldest sessions,
   * `reject` fails the login with `SessionRefused`.
   *
   * @since 0.1.0
   * @category models
   */
  SessionLimit,
  /**
   * All settings, checked and complete.
   *
   * @since 0.1.0
   * @category models
   */
  Settings
} from "./internal/config/model.js"
export {
  /**
   * The settings in force; the defaults where no layer provides others.
   *
   * @since 0.1.0
   * @category tags
   */
  SessionConfig
} from "./internal/config/tag.js"
export {
  /**
   * A setting is wrong. `field` names it, and the message says what it must be.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionConfigError
} from "./internal/errors/errors.js"

/**
 * Checks options and completes them with the defaults.
 *
 * Fails with a `SessionConfigError` that names the setting and says what it must be.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { SessionConfig } from "effect-session"
 *
 * export const idleTimeout = SessionConfig.make({ idleTimeout: "30 minutes" }).pipe(
 *   Effect.map((settings) => settings.idleTimeout)
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Settings, SessionConfigError> =>
  Effect.suspend(() => {
    const wrong = optionsProblem(options)
    if (wrong !== undefined) return Effect.fail(wrong)
    const settings = complete(options)
    const found = settingsProblem(settings)
    return found === undefined ? Effect.succeed(settings) : Effect.fail(found)
  })

/**
 * Provides settings. What is left out keeps its default.
 *
 * The layer fails with a `SessionConfigError` that names the setting and says what it must be.
 *
 * @example
 * ```ts
 * import { SessionConfig } from "effect-session"
 *
 * export const layer = SessionConfig.layer({
 *   ...SessionConfig.aal2,
 *   cookie: { sameSite: "strict" },
 *   trustedProxies: ["10.0.0.0/8"]
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<never, SessionConfigError> =>
  Layer.effect(SessionConfig, make(options))

/**
 * Provides settings from code and from the environment: a variable that is set wins over the setting in code.
 *
 * The variables are those of `layerEnv`. The settings in code must be right by themselves, and right together with the
 * variables. `SESSION_ENCRYPT=false` does not turn off an encryption that is set in code.
 *
 * The layer fails with a `SessionConfigError` that names the setting in code, or the variable, and tells no value.
 *
 * @example
 * ```ts
 * import { SessionConfig } from "effect-session"
 *
 * export const layer = SessionConfig.layerEnvWith({
 *   cookie: { name: "__Host-shop" },
 *   trustedProxies: ["10.0.0.0/8"]
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEnvWith = (options: Options): Layer.Layer<never, SessionConfigError> =>
  Layer.fresh(
    Layer.effect(
      SessionConfig,
      Effect.gen(function* () {
        yield* make(options)
        const together = over(options, yield* environment)
        return yield* Effect.mapError(make(together), inVariables)
      })
    )
  )

/**
 * Provides settings from the environment: from the `ConfigProvider` in force wherever the layer is provided.
 *
 * - `SESSION_LIFETIME`: the idle timeout in minutes.
 * - `SESSION_EXPIRE_ON_CLOSE`, `SESSION_ENCRYPT`, `SESSION_SECURE_COOKIE`: `true` or `false`.
 * - `SESSION_KEYS`: the keys for `SESSION_ENCRYPT`, the newest first, as `id:base64,olderId:base64`.
 * - `SESSION_LOTTERY`: two whole numbers, such as `2,100`.
 * - `SESSION_COOKIE`, `SESSION_PATH`, `SESSION_DOMAIN`, `SESSION_SAME_SITE`: the cookie.
 * - `SESSION_HTTP_ONLY`: may only be `true`.
 *
 * A variable that is empty or says `null` counts as not set. Without `SESSION_COOKIE` the cookie is called
 * `__Host-session` where the other variables allow that prefix, else `__Secure-session`, and `session` when
 * `SESSION_SECURE_COOKIE` is false. Change `SESSION_COOKIE` whenever you change `SESSION_PATH` or `SESSION_DOMAIN` in
 * production: a browser that holds a cookie of the old and one of the new under the same name has no session.
 *
 * The layer fails with a `SessionConfigError` that names the variable and never tells its value.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Layer } from "effect"
 * import { SessionConfig, SessionMiddleware, SessionStore } from "effect-session"
 *
 * const home = HttpLayerRouter.add("GET", "/", HttpServerResponse.text("hello"))
 *
 * export const server = HttpLayerRouter.serve(Layer.provide(home, SessionMiddleware.layer)).pipe(
 *   Layer.provide([SessionStore.layerMemory, SessionConfig.layerEnv])
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEnv: Layer.Layer<never, SessionConfigError> = layerEnvWith({})

/**
 * NIST SP 800-63B AAL1: a session ends after 30 days, however active it is.
 *
 * @since 0.1.0
 * @category presets
 */
export const aal1 = {
  idleTimeout: "30 days",
  absoluteTimeout: "30 days"
} as const satisfies Options

/**
 * NIST SP 800-63B AAL2: a session ends after 24 hours, or after 1 hour without activity.
 *
 * @since 0.1.0
 * @category presets
 */
export const aal2 = {
  idleTimeout: "1 hour",
  absoluteTimeout: "24 hours"
} as const satisfies Options

/**
 * NIST SP 800-63B AAL3: a session ends after 12 hours, or after 15 minutes without activity.
 *
 * @since 0.1.0
 * @category presets
 */
export const aal3 = {
  idleTimeout: "15 minutes",
  absoluteTimeout: "12 hours"
} as const satisfies Options

/** Options, and others that win where they are defined. */
const over = (options: Options, winning: Options): Options => ({
  ...options,
  ...defined(winning),
  cookie: { ...options.cookie, ...defined(winning.cookie ?? {}) }
})

const complete = (options: Options): Settings => {
  // Whole milliseconds: stores keep instants as integers.
  const given = (field: DurationField, otherwise: Duration.Duration) =>
    Duration.millis(Math.floor(Duration.toMillis(options[field] ?? otherwise)))
  const idleTimeout = given("idleTimeout", defaults.idleTimeout)
  const cookie = { ...defaults.cookie, ...defined(options.cookie ?? {}) }
  const twentieth = Duration.millis(Math.floor(Duration.toMillis(idleTimeout) / 20))
  return {
    ...defaults,
    ...defined(options),
    idleTimeout,
    absoluteTimeout: given("absoluteTimeout", Duration.max(defaults.absoluteTimeout, idleTimeout)),
    touchInterval: Duration.min(given("touchInterval", defaults.touchInterval), twentieth),
    rotationGrace: given("rotationGrace", defaults.rotationGrace),
    quarantine: given("quarantine", defaults.quarantine),
    cookie: { ...cookie, name: options.cookie?.name ?? cookieNameFor(cookie) }
  }
}

/** Without the fields that are undefined, which stand for the default. */
const defined = <A extends object>(options: A): { [K in keyof A]: Exclude<A[K], undefined> } =>
  // Only defined values are left.
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof A]: Exclude<A[K], undefined>
  }
