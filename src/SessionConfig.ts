/**
 * The settings of the session middleware, with safe defaults: nothing needs configuring.
 *
 * Only the middleware reads them. Stores, collection and administration take what they need as arguments.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { makeProxyMatcher } from "./core/address.js"
import { cookieProblem } from "./core/cookie.js"
import { SessionConfigError } from "./internal/errors.js"

export {
  /**
   * @since 0.1.0
   * @category errors
   */
  SessionConfigError
} from "./internal/errors.js"

/**
 * The settings, checked and complete.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  /** A session ends this long after its last activity. Default 120 minutes. */
  readonly idleTimeout: Duration.Duration
  /** A session ends this long after its login (a guest's: its creation). Default 24 hours, at least `idleTimeout`. */
  readonly absoluteTimeout: Duration.Duration
  /** The cookie ends with the browser. Default false. */
  readonly expireOnClose: boolean
  readonly cookie: {
    /** Default `__Host-session`. */
    readonly name: string
    /** Default true. */
    readonly secure: boolean
    /** Always true. */
    readonly httpOnly: true
    /** Default `lax`. */
    readonly sameSite: "lax" | "strict" | "none"
    /** Default `/`. */
    readonly path: string
    /** Default none: the host that set the cookie, and no other. */
    readonly domain: string | undefined
  }
  /** A request that changed nothing writes at most once in this time. Default 1 minute, at most idle timeout / 20. */
  readonly touchInterval: Duration.Duration
  /** How long the old id of `Session.migrate` still works. Default 30 seconds. */
  readonly rotationGrace: Duration.Duration
  /** How long requests with an id retired by `login` or `regenerate` are kept from beginning a session. Default 5 seconds. */
  readonly quarantine: Duration.Duration
  /** Default 65536. */
  readonly maxPayloadBytes: number
  /** Seals payloads with AES-256-GCM; the first key writes, all read. Default off. */
  readonly encrypt: Encryption | undefined
  /** Part of the id's hash and of the row, so that two middlewares on one store stay apart. Default `session`. */
  readonly namespace: string
  /** Addresses and CIDR ranges whose X-Forwarded-For is believed. Default none. */
  readonly trustedProxies: ReadonlyArray<string>
  /** `[2, 100]` collects garbage after 2 of 100 requests. Default off. */
  readonly lottery: readonly [number, number] | undefined
  /** What a payload that cannot be read does: `discard` starts empty, `fail` answers 503 and keeps the row. Default `discard`. */
  readonly onInvalidPayload: "discard" | "fail"
  /** How many sessions a user may have, checked at login. Default unlimited. */
  readonly maxSessionsPerUser: SessionLimit | undefined
}

/**
 * Keys for sealing payloads: `key` is the base64 text of 32 random bytes, `id` 1 to 32 of `[A-Za-z0-9_-]`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Encryption {
  readonly keys: ReadonlyArray<{ readonly id: string; readonly key: Redacted.Redacted<string> }>
}

/**
 * The bound on a user's parallel sessions, and what a login beyond it does.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionLimit {
  readonly max: number
  readonly onLimit: "evictOldest" | "reject"
}

/**
 * What `layer` takes: any part of the settings, durations in any form Effect reads.
 *
 * @since 0.1.0
 * @category models
 */
export type Options = {
  readonly [K in Exclude<keyof Settings, "cookie" | DurationField>]?: Settings[K] | undefined
} & { readonly [K in DurationField]?: Duration.DurationInput | undefined } & {
  readonly cookie?:
    | { readonly [K in keyof Settings["cookie"]]?: Settings["cookie"][K] | undefined }
    | undefined
}

type DurationField =
  | "idleTimeout"
  | "absoluteTimeout"
  | "touchInterval"
  | "rotationGrace"
  | "quarantine"

const defaults: Settings = {
  idleTimeout: Duration.minutes(120),
  absoluteTimeout: Duration.hours(24),
  expireOnClose: false,
  cookie: {
    name: "__Host-session",
    secure: true,
    httpOnly: true,
    sameSite: "lax",
    path: "/",
    domain: undefined
  },
  touchInterval: Duration.minutes(1),
  rotationGrace: Duration.seconds(30),
  quarantine: Duration.seconds(5),
  maxPayloadBytes: 65_536,
  encrypt: undefined,
  namespace: "session",
  trustedProxies: [],
  lottery: undefined,
  onInvalidPayload: "discard",
  maxSessionsPerUser: undefined
}

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
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<never, SessionConfigError> =>
  Layer.effect(SessionConfig, make(options))

/**
 * Provides settings from the environment: `SESSION_LIFETIME` (minutes), `SESSION_EXPIRE_ON_CLOSE`, `SESSION_ENCRYPT` and
 * `SESSION_KEYS` (`id:base64,olderId:base64`), `SESSION_LOTTERY` (`2,100`), `SESSION_COOKIE`, `SESSION_PATH`,
 * `SESSION_DOMAIN`, `SESSION_SECURE_COOKIE`, `SESSION_HTTP_ONLY`, `SESSION_SAME_SITE`. An empty variable is as none.
 *
 * Without `SESSION_COOKIE` the cookie's name follows the other variables: `__Host-session` where the prefix is allowed,
 * else `__Secure-session`, and `session` when `SESSION_SECURE_COOKIE` is false.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEnv: Layer.Layer<never, SessionConfigError> = Layer.effect(
  SessionConfig,
  Effect.suspend(() => Effect.flatMap(fromEnv, make))
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

type Problem = { readonly field: string; readonly reason: string }

const durationFields: ReadonlyArray<DurationField> = [
  "idleTimeout",
  "absoluteTimeout",
  "touchInterval",
  "rotationGrace",
  "quarantine"
]

const unknownField = (options: Options): Problem | undefined => {
  for (const field of Object.keys(options)) {
    if (!Object.hasOwn(defaults, field)) return { field, reason: "does not exist." }
  }
  for (const field of Object.keys(options.cookie ?? {})) {
    if (!Object.hasOwn(defaults.cookie, field)) {
      return { field: `cookie.${field}`, reason: "does not exist." }
    }
  }
  return undefined
}

const durationProblem = (options: Options): Problem | undefined => {
  for (const field of durationFields) {
    const given = options[field]
    if (given === undefined) continue
    const millis = Option.map(Duration.decodeUnknown(given), Duration.toMillis)
    const least = field === "idleTimeout" || field === "absoluteTimeout" ? 1000 : 0
    if (!Option.exists(millis, (value) => Number.isFinite(value) && value >= least)) {
      return { field, reason: `must be a finite duration of at least ${least / 1000} seconds.` }
    }
  }
  return undefined
}

const complete = (options: Options): Settings => {
  const given = <K extends DurationField>(field: K, otherwise: Duration.Duration) =>
    Duration.decode(options[field] ?? otherwise)
  const idleTimeout = given("idleTimeout", defaults.idleTimeout)
  return {
    ...defaults,
    ...defined(options),
    idleTimeout,
    absoluteTimeout: given("absoluteTimeout", Duration.max(defaults.absoluteTimeout, idleTimeout)),
    touchInterval: Duration.min(
      given("touchInterval", defaults.touchInterval),
      Duration.times(idleTimeout, 1 / 20)
    ),
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

const settingsProblem = (settings: Settings): Problem | undefined =>
  cookieTrouble(settings) ??
  keysTrouble(settings.encrypt) ??
  proxiesTrouble(settings.trustedProxies) ??
  simpleTrouble(settings)

const cookieTrouble = (settings: Settings): Problem | undefined => {
  // A plain JavaScript caller may say false.
  if ((settings.cookie.httpOnly as boolean) !== true) {
    return { field: "cookie.httpOnly", reason: "is always true: scripts never need the cookie." }
  }
  return cookieProblem(settings.cookie)
}

const keysTrouble = (encrypt: Encryption | undefined): Problem | undefined => {
  if (encrypt === undefined) return undefined
  const field = "encrypt.keys"
  if (encrypt.keys.length === 0) return { field, reason: "must name at least one key." }
  if (new Set(encrypt.keys.map(({ id }) => id)).size !== encrypt.keys.length) {
    return { field, reason: "must not use one id twice." }
  }
  for (const { id, key } of encrypt.keys) {
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(id)) {
      return { field, reason: "must have ids of 1 to 32 letters, digits, - or _." }
    }
    const text = Redacted.value(key)
    if (!/^[A-Za-z0-9+/]{43}=$/.test(text) || Buffer.from(text, "base64").length !== 32) {
      return { field, reason: "must have keys of 32 bytes in base64 (44 characters)." }
    }
  }
  return undefined
}

const proxiesTrouble = (proxies: ReadonlyArray<string>): Problem | undefined =>
  "bad" in makeProxyMatcher(proxies)
    ? { field: "trustedProxies", reason: "must list IP addresses and CIDR ranges only." }
    : undefined

const simpleTrouble = (settings: Settings): Problem | undefined => {
  const { absoluteTimeout, idleTimeout, lottery, maxPayloadBytes, maxSessionsPerUser } = settings
  if (Duration.lessThan(absoluteTimeout, idleTimeout)) {
    return { field: "absoluteTimeout", reason: "must be at least the idle timeout." }
  }
  if (!Number.isInteger(maxPayloadBytes) || maxPayloadBytes < 1024 || maxPayloadBytes > 2 ** 24) {
    return { field: "maxPayloadBytes", reason: "must be a whole number from 1024 to 16777216." }
  }
  if (!/^[\x21-\x7e]{1,64}$/.test(settings.namespace)) {
    return { field: "namespace", reason: "must be 1 to 64 printable ASCII characters." }
  }
  if (lottery !== undefined && !isLottery(lottery)) {
    return { field: "lottery", reason: "must be two whole numbers, such as [2, 100]." }
  }
  if (settings.onInvalidPayload !== "discard" && settings.onInvalidPayload !== "fail") {
    return { field: "onInvalidPayload", reason: 'must be "discard" or "fail".' }
  }
  if (maxSessionsPerUser !== undefined && !isLimit(maxSessionsPerUser)) {
    return {
      field: "maxSessionsPerUser",
      reason: 'must have a max of at least 1 and onLimit "evictOldest" or "reject".'
    }
  }
  return undefined
}

const isLottery = ([chance, total]: readonly [number, number]): boolean =>
  Number.isInteger(chance) && Number.isInteger(total) && chance > 0 && chance <= total

const isLimit = ({ max, onLimit }: SessionLimit): boolean =>
  Number.isInteger(max) && max >= 1 && (onLimit === "evictOldest" || onLimit === "reject")

const fail = (field: string, reason: string) =>
  Effect.fail(new SessionConfigError({ field, reason }))

const text = (name: string) =>
  Effect.map(
    Effect.orElseSucceed(Config.option(Config.string(name)), () => Option.none<string>()),
    (given) => Option.getOrUndefined(Option.filter(given, (value) => value.trim() !== ""))?.trim()
  )

const flag = (name: string) =>
  Effect.flatMap(text(name), (given) => {
    if (given === undefined) return Effect.succeed(undefined)
    if (/^(?:true|1|yes|on)$/i.test(given)) return Effect.succeed(true)
    if (/^(?:false|0|no|off)$/i.test(given)) return Effect.succeed(false)
    return fail(name, "must be true or false.")
  })

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
  const minutes = Number(given)
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
  const given = yield* text("SESSION_KEYS")
  if (given === undefined) {
    return yield* fail("SESSION_KEYS", "must name a key, as id:base64, when SESSION_ENCRYPT is on.")
  }
  const keys = given.split(",").map((entry) => {
    const colon = entry.indexOf(":")
    return {
      id: entry.slice(0, Math.max(colon, 0)).trim(),
      key: Redacted.make(entry.slice(colon + 1).trim())
    }
  })
  const trouble = keysTrouble({ keys })
  return trouble === undefined ? { keys } : yield* fail("SESSION_KEYS", trouble.reason)
})

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
