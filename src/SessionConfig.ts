/**
 * The settings of the session middleware, with safe defaults: nothing needs configuring.
 *
 * Only the middleware reads them. Stores, collection and administration take what they need as arguments.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import {
  type DurationField,
  defaults,
  type Options,
  type Settings
} from "./internal/config/model.js"
import {
  durationProblem,
  keysProblem,
  type Problem,
  settingsProblem
} from "./internal/config/settings.js"
import { SessionConfig } from "./internal/config/tag.js"
import { fail, flag, secret, text } from "./internal/config/variables.js"
import { SessionConfigError } from "./internal/errors/errors.js"

export type {
  /**
   * Keys for sealing payloads: `key` is the base64 text of 32 random bytes, `id` 1 to 32 of `[A-Za-z0-9_-]`.
   *
   * @since 0.1.0
   * @category models
   */
  Encryption,
  /**
   * What `layer` takes: any part of the settings. Durations come in any form Effect reads, are longer than nothing, at most 100 years, and cut to whole milliseconds; a `touchInterval` over a twentieth of the idle timeout is cut to that.
   *
   * @since 0.1.0
   * @category models
   */
  Options,
  /**
   * The bound on a user's parallel sessions, and what a login beyond it does.
   *
   * @since 0.1.0
   * @category models
   */
  SessionLimit,
  /**
   * The settings, checked and complete.
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
   * A setting is wrong: for who deploys. `field` names it, the message says what to do.
   *
   * @since 0.1.0
   * @category errors
   */
  SessionConfigError
} from "./internal/errors/errors.js"

/**
 * Completes and checks settings; fails with a `SessionConfigError` that names the field and says what to do.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Settings, SessionConfigError> =>
  Effect.suspend(() => {
    const problem = unknownField(options) ?? durationProblem(options)
    if (problem !== undefined) return Effect.fail(new SessionConfigError(problem))
    const settings = complete(options)
    const found = settingsProblem(settings)
    return found === undefined
      ? Effect.succeed(settings)
      : Effect.fail(new SessionConfigError(found))
  })

/**
 * Provides settings; what is left out keeps its default. Checked when the layer is built.
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
 * Provides settings from the environment: `SESSION_LIFETIME` (minutes), `SESSION_EXPIRE_ON_CLOSE`, `SESSION_ENCRYPT` and
 * `SESSION_KEYS` (`id:base64,olderId:base64`), `SESSION_LOTTERY` (`2,100`), `SESSION_COOKIE`, `SESSION_PATH`,
 * `SESSION_DOMAIN`, `SESSION_SECURE_COOKIE`, `SESSION_HTTP_ONLY`, `SESSION_SAME_SITE`. A variable that is empty or says
 * `null` is as none. An error names the variable and never tells its value.
 *
 * Without `SESSION_COOKIE` the cookie's name follows the other variables: `__Host-session` where the prefix is allowed,
 * else `__Secure-session`, and `session` when `SESSION_SECURE_COOKIE` is false.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEnv: Layer.Layer<never, SessionConfigError> = Layer.effect(
  SessionConfig,
  Effect.suspend(() =>
    Effect.flatMap(fromEnv, (options) => Effect.mapError(make(options), inVariables))
  )
)

/**
 * NIST SP 800-63B AAL1: 30 days, activity not required.
 *
 * @since 0.1.0
 * @category presets
 */
export const aal1 = {
  idleTimeout: "30 days",
  absoluteTimeout: "30 days"
} as const satisfies Options

/**
 * NIST SP 800-63B AAL2: 24 hours, 1 hour without activity.
 *
 * @since 0.1.0
 * @category presets
 */
export const aal2 = {
  idleTimeout: "1 hour",
  absoluteTimeout: "24 hours"
} as const satisfies Options

/**
 * NIST SP 800-63B AAL3: 12 hours, 15 minutes without activity.
 *
 * @since 0.1.0
 * @category presets
 */
export const aal3 = {
  idleTimeout: "15 minutes",
  absoluteTimeout: "12 hours"
} as const satisfies Options

const unknownField = (options: Options): Problem | undefined =>
  unknownIn(options, defaults, "") ?? unknownIn(options.cookie ?? {}, defaults.cookie, "cookie.")

const unknownIn = (given: object, known: object, prefix: string): Problem | undefined => {
  const field = Object.keys(given).find((name) => !Object.hasOwn(known, name))
  if (field === undefined) return undefined
  const names = Object.keys(known).map((name) => prefix + name)
  return { field: prefix + field, reason: `does not exist: there are ${names.join(", ")}.` }
}

const complete = (options: Options): Settings => {
  // Whole milliseconds: stores keep instants as integers.
  const given = (field: DurationField, otherwise: Duration.Duration) =>
    Duration.millis(Math.floor(Duration.toMillis(options[field] ?? otherwise)))
  const idleTimeout = given("idleTimeout", defaults.idleTimeout)
  const twentieth = Duration.millis(Math.floor(Duration.toMillis(idleTimeout) / 20))
  return {
    ...defaults,
    ...defined(options),
    idleTimeout,
    absoluteTimeout: given("absoluteTimeout", Duration.max(defaults.absoluteTimeout, idleTimeout)),
    touchInterval: Duration.min(given("touchInterval", defaults.touchInterval), twentieth),
    rotationGrace: given("rotationGrace", defaults.rotationGrace),
    quarantine: given("quarantine", defaults.quarantine),
    cookie: { ...defaults.cookie, ...defined(options.cookie ?? {}) }
  }
}

/** Without the fields that are undefined, which stand for the default. */
const defined = <A extends object>(options: A): { [K in keyof A]: Exclude<A[K], undefined> } =>
  // Only defined values are left.
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof A]: Exclude<A[K], undefined>
  }

/** Which variable sets which field. */
const variables: Readonly<Record<string, string>> = {
  idleTimeout: "SESSION_LIFETIME",
  lottery: "SESSION_LOTTERY",
  "encrypt.keys": "SESSION_KEYS",
  "cookie.name": "SESSION_COOKIE",
  "cookie.secure": "SESSION_SECURE_COOKIE",
  "cookie.sameSite": "SESSION_SAME_SITE",
  "cookie.path": "SESSION_PATH",
  "cookie.domain": "SESSION_DOMAIN"
}

/** The same error for a deployer who knows variables, not fields. */
const inVariables = ({ field, reason }: SessionConfigError): SessionConfigError => {
  let translated = reason
  for (const [name, variable] of Object.entries(variables)) {
    translated = translated.replaceAll(name, variable)
  }
  return new SessionConfigError({ field: variables[field] ?? field, reason: translated })
}

const fromEnv: Effect.Effect<Options, SessionConfigError> = Effect.gen(function* () {
  if ((yield* flag("SESSION_HTTP_ONLY")) === false) {
    return yield* fail("SESSION_HTTP_ONLY", "is always true: scripts never need the cookie.")
  }
  return {
    idleTimeout: yield* lifetimeFromEnv,
    expireOnClose: yield* flag("SESSION_EXPIRE_ON_CLOSE"),
    lottery: yield* lotteryFromEnv,
    encrypt: yield* encryptFromEnv,
    cookie: yield* cookieFromEnv
  }
})

const lifetimeFromEnv = Effect.flatMap(text("SESSION_LIFETIME"), (given) => {
  if (given === undefined) return Effect.succeed(undefined)
  const minutes = /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : 0
  return Number.isFinite(minutes) && minutes > 0
    ? Effect.succeed(Duration.minutes(minutes))
    : fail("SESSION_LIFETIME", "must be a number of minutes greater than 0.")
})

const lotteryFromEnv = Effect.flatMap(text("SESSION_LOTTERY"), (given) => {
  if (given === undefined) return Effect.succeed(undefined)
  const parts = /^\[?\s*(\d+)\s*,\s*(\d+)\s*\]?$/.exec(given)
  return parts === null
    ? fail("SESSION_LOTTERY", "must be two whole numbers, such as 2,100.")
    : Effect.succeed([Number(parts[1]), Number(parts[2])] as const)
})

const encryptFromEnv = Effect.gen(function* () {
  if ((yield* flag("SESSION_ENCRYPT")) !== true) return undefined
  const given = yield* secret("SESSION_KEYS")
  if (given === undefined) {
    return yield* fail("SESSION_KEYS", "must name a key, as id:base64, when SESSION_ENCRYPT is on.")
  }
  const [first, ...others] = Redacted.value(given).split(",").map(keyOf)
  // Splitting gives at least one part.
  const keys = [first ?? keyOf(""), ...others] as const
  const reason = keysProblem(keys)
  return reason === undefined ? { keys } : yield* fail("SESSION_KEYS", reason)
})

const keyOf = (entry: string) => {
  const colon = entry.indexOf(":")
  return {
    id: entry.slice(0, Math.max(colon, 0)).trim(),
    key: Redacted.make(entry.slice(colon + 1).trim())
  }
}

const cookieFromEnv = Effect.gen(function* () {
  const secure = (yield* flag("SESSION_SECURE_COOKIE")) ?? true
  const path = (yield* text("SESSION_PATH")) ?? "/"
  const domain = yield* text("SESSION_DOMAIN")
  const given = ((yield* text("SESSION_SAME_SITE")) ?? "lax").toLowerCase()
  if (given !== "lax" && given !== "strict" && given !== "none") {
    return yield* fail("SESSION_SAME_SITE", "must be lax, strict or none.")
  }
  const secureName = domain === undefined && path === "/" ? "__Host-session" : "__Secure-session"
  const name = (yield* text("SESSION_COOKIE")) ?? (secure ? secureName : "session")
  return { name, secure, path, domain, sameSite: given } as const
})
