/**
 * Settings checked at build, and prepared for the hot path: milliseconds, cookie attributes, keys and proxies, worked
 * out once per settings object and looked up once per request.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { makeProxyMatcher, type ProxyMatcher } from "../../core/http/address.js"
import { type CookieAttributes, cookieProblem } from "../../core/http/cookie.js"
import { type Keyring, makeKeyring } from "../../core/record/encryption.js"
import type { Encryption, Options, SessionLimit, Settings } from "./model.js"

/** Settings ready for use. */
export interface Compiled {
  readonly settings: Settings
  readonly namespace: string
  readonly idleMillis: number
  readonly absoluteMillis: number
  readonly touchMillis: number
  readonly graceMillis: number
  readonly quarantineMillis: number
  readonly maxPayloadBytes: number
  readonly cookie: CookieAttributes
  readonly keyring: Keyring | undefined
  readonly isTrustedProxy: ProxyMatcher
}

const cache = new WeakMap<Settings, Compiled>()

/** Prepares settings, once per object. */
export const compile = (settings: Settings): Compiled => {
  const known = cache.get(settings)
  if (known !== undefined) return known
  const compiled = prepare(settings)
  cache.set(settings, compiled)
  return compiled
}

const prepare = (settings: Settings): Compiled => {
  const proxies = makeProxyMatcher(settings.trustedProxies)
  return {
    settings,
    namespace: settings.namespace,
    idleMillis: Duration.toMillis(settings.idleTimeout),
    absoluteMillis: Duration.toMillis(settings.absoluteTimeout),
    touchMillis: Duration.toMillis(settings.touchInterval),
    graceMillis: Duration.toMillis(settings.rotationGrace),
    quarantineMillis: Duration.toMillis(settings.quarantine),
    maxPayloadBytes: settings.maxPayloadBytes,
    cookie: settings.cookie,
    keyring:
      settings.encrypt === undefined
        ? undefined
        : makeKeyring(
            settings.encrypt.keys.map(({ id, key }) => ({
              id,
              key: new Uint8Array(Buffer.from(Redacted.value(key), "base64"))
            })),
            settings.namespace
          ),
    isTrustedProxy: typeof proxies === "function" ? proxies : trustsNobody
  }
}

const trustsNobody = () => false

/** What is wrong with a setting; `reason` goes on after the field's name and ends the sentence. */
export interface Problem {
  readonly field: string
  readonly reason: string
}

const durationFields = [
  "idleTimeout",
  "absoluteTimeout",
  "touchInterval",
  "rotationGrace",
  "quarantine"
] as const

const longestMillis = Duration.toMillis("36525 days")

/** Finds the first duration that is none, or out of bounds; without a duration the rest cannot be worked out. */
export const durationProblem = (options: Options): Problem | undefined => {
  for (const field of durationFields) {
    const given = options[field]
    const isTimeout = field === "idleTimeout" || field === "absoluteTimeout"
    const least = isTimeout ? 1000 : 1
    if (given === undefined || isWithin(given, least)) continue
    const unit = isTimeout ? "1 second" : "1 millisecond"
    return { field, reason: `must be a duration from ${unit} to 100 years.` }
  }
  return undefined
}

const isWithin = (given: Duration.DurationInput, leastMillis: number): boolean =>
  Option.exists(Duration.decodeUnknown(given), (duration) => {
    const millis = Duration.toMillis(duration)
    return millis >= leastMillis && millis <= longestMillis
  })

/** Finds the first setting that is wrong, or nothing. Durations have been checked before. */
export const settingsProblem = (settings: Settings): Problem | undefined =>
  kindProblem(settings) ??
  cookieTrouble(settings.cookie) ??
  encryptProblem(settings.encrypt) ??
  proxiesProblem(settings.trustedProxies) ??
  limitsProblem(settings) ??
  choiceProblem(settings)

/** Plain JavaScript may say `"false"`, which counts as true, or `null`, on which a check would stumble. */
const kindProblem = ({ cookie, expireOnClose, namespace }: Settings): Problem | undefined => {
  const flags = { expireOnClose, "cookie.secure": cookie.secure }
  for (const [field, value] of Object.entries(flags)) {
    if (typeof value !== "boolean") return { field, reason: "must be true or false." }
  }
  const { domain = "", name, path } = cookie
  const texts = { namespace, "cookie.name": name, "cookie.path": path, "cookie.domain": domain }
  for (const [field, value] of Object.entries(texts)) {
    if (typeof value !== "string") return { field, reason: "must be a text." }
  }
  return undefined
}

const cookieTrouble = (cookie: Settings["cookie"]): Problem | undefined => {
  // The type says true, a plain JavaScript caller may say false.
  if ((cookie.httpOnly as boolean) !== true) {
    return { field: "cookie.httpOnly", reason: "is always true: scripts never need the cookie." }
  }
  if (!["lax", "strict", "none"].includes(cookie.sameSite)) {
    return { field: "cookie.sameSite", reason: 'must be "lax", "strict" or "none".' }
  }
  const found = cookieProblem(cookie)
  return found === undefined ? undefined : { field: found.field, reason: `${found.reason}.` }
}

const encryptProblem = (encrypt: Settings["encrypt"]): Problem | undefined => {
  const reason = encrypt === undefined ? undefined : keysProblem(encrypt?.keys)
  return reason === undefined ? undefined : { field: "encrypt.keys", reason }
}

/** Finds why keys cannot encrypt; tells no key. */
export const keysProblem = (
  keys: ReadonlyArray<Encryption["keys"][number]>
): string | undefined => {
  if (!Array.isArray(keys) || keys.length === 0) return "must name at least one key."
  for (const { id, key } of keys) {
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(id)) {
      return "must have ids of 1 to 32 letters, digits, - or _."
    }
    if (!Redacted.isRedacted(key)) return "must have keys wrapped by Redacted.make."
    if (!/^[A-Za-z0-9+/]{43}=$/.test(String(Redacted.value(key)))) {
      return "must have keys of 32 bytes in base64 (44 characters)."
    }
  }
  return new Set(keys.map(({ id }) => id)).size === keys.length
    ? undefined
    : "must not use one id twice."
}

const proxiesProblem = (proxies: Settings["trustedProxies"]): Problem | undefined => {
  const field = "trustedProxies"
  if (typeof proxies === "number") {
    return typeof makeProxyMatcher(proxies) === "function"
      ? undefined
      : { field, reason: "must be a whole number from 0 to 64, or a list of addresses." }
  }
  if (!Array.isArray(proxies) || !proxies.every((entry) => typeof entry === "string")) {
    return { field, reason: "must be a list of texts, or how many proxies there are." }
  }
  const matcher = makeProxyMatcher(proxies)
  return "bad" in matcher
    ? { field, reason: `must list IP addresses and CIDR ranges: "${matcher.bad}" is neither.` }
    : undefined
}

const limitsProblem = (settings: Settings): Problem | undefined => {
  const { absoluteTimeout, idleTimeout, maxPayloadBytes, namespace } = settings
  if (Duration.lessThan(absoluteTimeout, idleTimeout)) {
    return { field: "absoluteTimeout", reason: "must be at least the idle timeout." }
  }
  if (!Number.isInteger(maxPayloadBytes) || maxPayloadBytes < 1024 || maxPayloadBytes > 2 ** 24) {
    return { field: "maxPayloadBytes", reason: "must be a whole number from 1024 to 16777216." }
  }
  if (!/^[\x21-\x7e]{1,64}$/.test(namespace)) {
    const reason = "must be 1 to 64 printable ASCII characters without spaces."
    return { field: "namespace", reason }
  }
  // Stores keep the marks of revocations under such a name.
  return namespace.startsWith("effect-session/")
    ? { field: "namespace", reason: 'must not start with "effect-session/", the library\'s own.' }
    : undefined
}

const choiceProblem = (settings: Settings): Problem | undefined => {
  const { lottery, maxSessionsPerUser, onInvalidPayload } = settings
  if (lottery !== undefined && !isLottery(lottery)) {
    const reason = "must be two whole numbers, such as [2, 100], the first from 1 to the second."
    return { field: "lottery", reason }
  }
  if (onInvalidPayload !== "discard" && onInvalidPayload !== "fail") {
    return { field: "onInvalidPayload", reason: 'must be "discard" or "fail".' }
  }
  return maxSessionsPerUser === undefined || isLimit(maxSessionsPerUser)
    ? undefined
    : {
        field: "maxSessionsPerUser",
        reason: 'must have a max of at least 1 and an onLimit of "evictOldest" or "reject".'
      }
}

const isLottery = (lottery: readonly [number, number]): boolean => {
  if (!Array.isArray(lottery) || lottery.length !== 2) return false
  const [chance, total] = lottery
  return Number.isInteger(chance) && Number.isInteger(total) && chance > 0 && chance <= total
}

const isLimit = (limit: SessionLimit): boolean =>
  Number.isInteger(limit?.max) &&
  limit.max >= 1 &&
  (limit.onLimit === "evictOldest" || limit.onLimit === "reject")
