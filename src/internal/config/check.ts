/** Finds what is wrong with settings: an error names the setting and says what it must be. */
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import { makeProxyMatcher } from "../../core/http/address.js"
import { cookieProblem } from "../../core/http/cookie.js"
import { keysProblem } from "../../core/record/encryption.js"
import { longestMillis, millisOf } from "../errors/durations.js"
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
  noObject("options", options) ??
  noObject("cookie", options.cookie ?? {}) ??
  unknownField(options, defaults, "") ??
  unknownField(options.cookie ?? {}, defaults.cookie, "cookie.") ??
  durationProblem(options)

const noObject = (field: string, given: unknown): Found =>
  typeof given === "object" && given !== null && !Array.isArray(given)
    ? undefined
    : problem(field, "must be an object.")

const unknownField = (given: object, known: object, prefix: string): Found => {
  const field = Object.keys(given).find((name) => !Object.hasOwn(known, name))
  if (field === undefined) return undefined
  const names = Object.keys(known).map((name) => prefix + name)
  return problem(prefix + field, `does not exist. The settings are ${names.join(", ")}.`)
}

const durationProblem = (options: Options): Found => {
  for (const field of durationFields) {
    const given = options[field]
    const millis = given === undefined ? 1000 : (millisOf(given) ?? 0)
    const isTimeout = field === "idleTimeout" || field === "absoluteTimeout"
    if (millis >= (isTimeout ? 1000 : 1) && millis <= longestMillis) continue
    const least = isTimeout ? "1 second" : "1 millisecond"
    return problem(field, `must be a duration from ${least} to 100 years.`)
  }
  return undefined
}

/** Finds the first setting that is wrong. */
export const settingsProblem = (settings: Settings): Found => {
  const broken = rulesOf(settings).find(([, isMet]) => !isMet)
  if (broken !== undefined) return problem(broken[0], broken[2])
  const cookie = cookieProblem(settings.cookie)
  return (
    (cookie && problem(cookie.field, `${cookie.reason}.`)) ??
    problem("encrypt.keys", encryptReason(settings.encrypt)) ??
    problem("trustedProxies", proxiesReason(settings.trustedProxies))
  )
}

type Rule = readonly [field: string, isMet: boolean, reason: string]

const flag = "must be true or false."
const text = "must be a text."
const sameSite = 'must be "lax", "strict" or "none".'
const order = "must be at least the idle timeout."
const size = "must be a whole number from 1024 to 16777216."
const name = "must be 1 to 64 printable ASCII characters without spaces."
const ownName = 'must not start with "effect-session/", which the library keeps for itself.'
const lots = "must be two whole numbers, such as [2, 100], the first from 1 to the second."
const policy = 'must be "discard" or "fail".'
const limit = 'must have a max of at least 1 and an onLimit of "evictOldest" or "reject".'

// A caller of plain JavaScript may pass what the types forbid.
const rulesOf = ({ cookie, ...all }: Settings): ReadonlyArray<Rule> => [
  ["expireOnClose", isOneOf(all.expireOnClose, true, false), flag],
  ["cookie.secure", isOneOf(cookie.secure, true, false), flag],
  ["cookie.name", isText(cookie.name), text],
  ["cookie.path", isText(cookie.path), text],
  ["cookie.domain", cookie.domain === undefined || isText(cookie.domain), text],
  ["cookie.httpOnly", cookie.httpOnly, "is always true: scripts never need the cookie."],
  ["cookie.sameSite", isOneOf(cookie.sameSite, "lax", "strict", "none"), sameSite],
  ["absoluteTimeout", !Duration.lessThan(all.absoluteTimeout, all.idleTimeout), order],
  ["maxPayloadBytes", isWhole(all.maxPayloadBytes, 1024, 2 ** 24), size],
  ["namespace", /^[\x21-\x7e]{1,64}$/.test(all.namespace) && isText(all.namespace), name],
  ["namespace", !/^effect-session\//.test(all.namespace), ownName],
  ["lottery", isLottery(all.lottery), lots],
  ["onInvalidPayload", isOneOf(all.onInvalidPayload, "discard", "fail"), policy],
  ["maxSessionsPerUser", isLimit(all.maxSessionsPerUser), limit]
]

const isOneOf = (given: unknown, ...known: ReadonlyArray<unknown>): boolean => known.includes(given)

const isText = (given: unknown): boolean => typeof given === "string"

const isWhole = (given: number, least: number, most: number): boolean =>
  Number.isInteger(given) && given >= least && given <= most

const isLottery = (lottery: Settings["lottery"]): boolean =>
  lottery === undefined ||
  (Array.isArray(lottery) &&
    lottery.length === 2 &&
    lottery.every(Number.isInteger) &&
    isWhole(lottery[0], 1, lottery[1]))

const isLimit = (limit: SessionLimit | undefined): boolean =>
  limit === undefined ||
  (isWhole(limit?.max, 1, Number.MAX_SAFE_INTEGER) &&
    isOneOf(limit.onLimit, "evictOldest", "reject"))

/** Checks what only settings have, the wrapping and the base64; the rest is checked on the bytes. Tells no key. */
const encryptReason = (encrypt: Settings["encrypt"]): Reason => {
  if (encrypt === undefined) return undefined
  if (!Array.isArray(encrypt?.keys)) return "must be a list of keys."
  if (!encrypt.keys.every((entry) => Redacted.isRedacted(entry?.key))) {
    return "must have keys wrapped by Redacted.make."
  }
  if (!encrypt.keys.every(({ key }) => isBase64(Redacted.value(key)))) {
    return "must have keys in base64."
  }
  const reason = keysProblem(keyEntries(encrypt))
  return reason === undefined ? undefined : `${reason}.`
}

const isBase64 = (text: string): boolean => /^[A-Za-z0-9+/]+={0,2}$/.test(text)

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
