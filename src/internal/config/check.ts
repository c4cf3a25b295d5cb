/** Finds what is wrong with settings: an error names the setting and says what it must be. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { makeProxyMatcher } from "../../core/http/address.js"
import { cookieProblem } from "../../core/http/cookie.js"
import { keysProblem } from "../../core/record/encryption.js"
import { SessionConfigError } from "../errors/errors.js"
import { keyEntries } from "./compile.js"
import {
  defaults,
  durationFields,
  type Options,
  type SessionLimit,
  type Settings
} from "./model.js"

type Found = SessionConfigError | undefined

/** What is wrong, if anything; goes on after the setting's name and ends the sentence. */
type Reason = string | undefined

const problem = (field: string, reason: Reason): Found =>
  reason === undefined ? undefined : new SessionConfigError({ field, reason })

/** Finds the first option that does not exist or is a wrong duration; the others are checked by `settingsProblem`. */
export const optionsProblem = (options: Options): Found =>
  unknownField(options, defaults, "") ??
  unknownField(options.cookie ?? {}, defaults.cookie, "cookie.") ??
  durationProblem(options)

const unknownField = (given: object, known: object, prefix: string): Found => {
  const field = Object.keys(given).find((name) => !Object.hasOwn(known, name))
  if (field === undefined) return undefined
  const names = Object.keys(known).map((name) => prefix + name)
  return problem(prefix + field, `does not exist. The settings are ${names.join(", ")}.`)
}

const longestMillis = Duration.toMillis("36525 days")

const durationProblem = (options: Options): Found => {
  for (const field of durationFields) {
    const isTimeout = field === "idleTimeout" || field === "absoluteTimeout"
    if (isBetween(options[field], isTimeout ? 1000 : 1, longestMillis)) continue
    const least = isTimeout ? "1 second" : "1 millisecond"
    return problem(field, `must be a duration from ${least} to 100 years.`)
  }
  return undefined
}

const isBetween = (given: Duration.DurationInput | undefined, least: number, most: number) =>
  given === undefined ||
  Option.exists(Duration.decodeUnknown(given), (duration) => {
    const millis = Duration.toMillis(duration)
    return millis >= least && millis <= most
  })

/** Finds the first setting that is wrong. */
export const settingsProblem = (settings: Settings): Found => {
  const broken = rules.find(([, , isMet]) => !isMet(settings))
  if (broken !== undefined) return problem(broken[0], broken[1])
  const cookie = cookieProblem(settings.cookie)
  return (
    (cookie && problem(cookie.field, `${cookie.reason}.`)) ??
    problem("encrypt.keys", encryptReason(settings.encrypt)) ??
    problem("trustedProxies", proxiesReason(settings.trustedProxies))
  )
}

type Rule = readonly [field: string, reason: string, isMet: (settings: Settings) => boolean]

// A caller of plain JavaScript may pass what the types forbid.
const rules: ReadonlyArray<Rule> = [
  ["expireOnClose", "must be true or false.", (all) => typeof all.expireOnClose === "boolean"],
  ["cookie.secure", "must be true or false.", ({ cookie }) => typeof cookie.secure === "boolean"],
  ["cookie.name", "must be a text.", ({ cookie }) => typeof cookie.name === "string"],
  ["cookie.path", "must be a text.", ({ cookie }) => typeof cookie.path === "string"],
  [
    "cookie.domain",
    "must be a text.",
    ({ cookie: { domain } }) => domain === undefined || typeof domain === "string"
  ],
  [
    "cookie.httpOnly",
    "is always true: scripts never need the cookie.",
    ({ cookie }) => cookie.httpOnly === true
  ],
  [
    "cookie.sameSite",
    'must be "lax", "strict" or "none".',
    ({ cookie }) => ["lax", "strict", "none"].includes(cookie.sameSite)
  ],
  [
    "absoluteTimeout",
    "must be at least the idle timeout.",
    (all) => Duration.greaterThanOrEqualTo(all.absoluteTimeout, all.idleTimeout)
  ],
  [
    "maxPayloadBytes",
    "must be a whole number from 1024 to 16777216.",
    ({ maxPayloadBytes: bytes }) => Number.isInteger(bytes) && bytes >= 1024 && bytes <= 2 ** 24
  ],
  [
    "namespace",
    "must be 1 to 64 printable ASCII characters without spaces.",
    ({ namespace }) => typeof namespace === "string" && /^[\x21-\x7e]{1,64}$/.test(namespace)
  ],
  [
    "namespace",
    'must not start with "effect-session/", which the library keeps for itself.',
    ({ namespace }) => !namespace.startsWith("effect-session/")
  ],
  [
    "lottery",
    "must be two whole numbers, such as [2, 100], the first from 1 to the second.",
    ({ lottery }) => lottery === undefined || isLottery(lottery)
  ],
  [
    "onInvalidPayload",
    'must be "discard" or "fail".',
    ({ onInvalidPayload: policy }) => policy === "discard" || policy === "fail"
  ],
  [
    "maxSessionsPerUser",
    'must have a max of at least 1 and an onLimit of "evictOldest" or "reject".',
    ({ maxSessionsPerUser: limit }) => limit === undefined || isLimit(limit)
  ]
]

const isLottery = (lottery: readonly [number, number]): boolean => {
  if (!Array.isArray(lottery) || lottery.length !== 2) return false
  const [chance, total] = lottery
  return Number.isInteger(chance) && Number.isInteger(total) && chance > 0 && chance <= total
}

const isLimit = (limit: SessionLimit): boolean =>
  Number.isInteger(limit?.max) &&
  limit.max >= 1 &&
  (limit.onLimit === "evictOldest" || limit.onLimit === "reject")

/** Checks what only settings have, the wrapping and the base64; the rest is checked on the bytes. Tells no key. */
const encryptReason = (encrypt: Settings["encrypt"]): Reason => {
  if (encrypt === undefined) return undefined
  if (!Array.isArray(encrypt?.keys)) return "must be a list of keys."
  if (!encrypt.keys.every(({ key }) => Redacted.isRedacted(key))) {
    return "must have keys wrapped by Redacted.make."
  }
  if (!encrypt.keys.every(({ key }) => isBase64(Redacted.value(key)))) {
    return "must have keys in base64."
  }
  const reason = keysProblem(keyEntries(encrypt))
  return reason === undefined ? undefined : `${reason}.`
}

const isBase64 = (text: string): boolean =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=))?$/.test(text)

const proxiesReason = (proxies: Settings["trustedProxies"]): Reason => {
  const isNumber = typeof proxies === "number"
  if (
    !isNumber &&
    !(Array.isArray(proxies) && proxies.every((entry) => typeof entry === "string"))
  ) {
    return "must be a list of addresses, or the number of proxies."
  }
  const matcher = makeProxyMatcher(proxies)
  if (!("bad" in matcher)) return undefined
  return isNumber
    ? "must be a whole number from 0 to 64, or a list of addresses."
    : `must list IP addresses and CIDR ranges: "${matcher.bad}" is neither.`
}
