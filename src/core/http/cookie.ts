/**
 * The session cookie: how it is read from the raw `Cookie` header, and which settings a browser would refuse.
 *
 * The reader is stricter than a general cookie parser. It does not decode, unquote or trim what a browser would not have
 * sent, because each of these would let another site plant a cookie under a protected name (RFC 6265bis).
 */
import { isToken } from "../record/token.js"

/** What the `Cookie` header says about the session. */
export type CookieReading =
  /** The cookie was not sent. */
  | { readonly _tag: "none" }
  /** One token, sent once or several times. */
  | { readonly _tag: "token"; readonly token: string }
  /** The cookie's value is not a token. */
  | { readonly _tag: "malformed" }
  /** The cookie was sent with different values, and nothing tells which one is the server's own. */
  | { readonly _tag: "ambiguous" }

const NONE: CookieReading = { _tag: "none" }
const MALFORMED: CookieReading = { _tag: "malformed" }
const AMBIGUOUS: CookieReading = { _tag: "ambiguous" }

const TAB = 0x09
const SPACE = 0x20
const SEMICOLON = 0x3b
const EQUALS = 0x3d

/**
 * Reads the session cookie `name` from the raw `Cookie` header.
 *
 * Names are case-sensitive. Nameless cookies are ignored. Only spaces and tabs around names and values are dropped. A value
 * that is not a token in its canonical form is malformed. The time it takes is linear in the length of the header.
 */
export const readCookie = (header: string | undefined, name: string): CookieReading => {
  if (header === undefined || name.length === 0) return NONE
  let found: string | undefined
  let at = header.indexOf(name)
  while (at !== -1) {
    const value = valueOf(header, at, name.length)
    if (value !== undefined && value !== found) {
      if (found !== undefined) return AMBIGUOUS
      found = value
    }
    at = header.indexOf(name, at + name.length)
  }
  if (found === undefined) return NONE
  return isToken(found) ? { _tag: "token", token: found } : MALFORMED
}

/** The value of the pair whose name stands at `at`; nothing where that is only a part of another name or value. */
const valueOf = (header: string, at: number, nameLength: number): string | undefined => {
  const before = skipBlanksBack(header, at, 0)
  if (before > 0 && header.charCodeAt(before - 1) !== SEMICOLON) return undefined
  const equals = skipBlanks(header, at + nameLength, header.length)
  if (header.charCodeAt(equals) !== EQUALS) return undefined
  const semicolon = header.indexOf(";", equals)
  const end = semicolon === -1 ? header.length : semicolon
  const start = skipBlanks(header, equals + 1, end)
  return header.slice(start, skipBlanksBack(header, end, start))
}

const isBlank = (code: number): boolean => code === SPACE || code === TAB

const skipBlanks = (text: string, from: number, end: number): number => {
  let at = from
  while (at < end && isBlank(text.charCodeAt(at))) at++
  return at
}

const skipBlanksBack = (text: string, from: number, start: number): number => {
  let at = from
  while (at > start && isBlank(text.charCodeAt(at - 1))) at--
  return at
}

/** The attributes of the session cookie, which is always `HttpOnly`. */
export interface CookieAttributes {
  readonly name: string
  readonly secure: boolean
  readonly sameSite: "lax" | "strict" | "none"
  readonly path: string
  readonly domain?: string | undefined
}

/** A setting of the cookie that browsers would refuse or misread; `reason` goes on after the field's name. */
export interface CookieProblem {
  readonly field: "cookie.name" | "cookie.path" | "cookie.domain" | "cookie.sameSite"
  readonly reason: string
}

const TOKEN_LENGTH = 43
const MAX_PAIR_OCTETS = 4096
const MAX_ATTRIBUTE_OCTETS = 1024
const MAX_DOMAIN_OCTETS = 253

/** Finds the first reason why a browser would refuse this cookie. */
export const cookieProblem = (attributes: CookieAttributes): CookieProblem | undefined =>
  problem("cookie.name", nameReason(attributes.name) ?? prefixReason(attributes)) ??
  problem("cookie.path", pathReason(attributes.path)) ??
  problem("cookie.domain", domainReason(attributes.domain)) ??
  problem("cookie.sameSite", sameSiteReason(attributes))

const problem = (
  field: CookieProblem["field"],
  reason: string | undefined
): CookieProblem | undefined => (reason === undefined ? undefined : { field, reason })

const nameReason = (name: string): string | undefined => {
  if (!/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(name)) {
    return "must be one or more letters, digits or characters of !#$%&'*+-.^_`|~"
  }
  if (name.length + TOKEN_LENGTH > MAX_PAIR_OCTETS) {
    return `must be at most ${MAX_PAIR_OCTETS - TOKEN_LENGTH} characters long`
  }
  return undefined
}

// Browsers compare the prefixes without regard to case, so "__host-" binds as "__Host-" does.
const prefixReason = (attributes: CookieAttributes): string | undefined => {
  const prefix = /^__(?:Host|Secure|Http)-/i.exec(attributes.name)?.[0]
  if (prefix === undefined) return undefined
  const without = `must not start with "${prefix}"`
  const rename = `choose a name without that prefix, such as "session"`
  if (!attributes.secure) return `${without} while cookie.secure is false: ${rename}`
  if (prefix.toLowerCase() !== "__host-") return undefined
  const shared = `choose a name without that prefix, such as "__Secure-session"`
  if (attributes.domain !== undefined) return `${without} while cookie.domain is set: ${shared}`
  if (attributes.path !== "/") return `${without} while cookie.path is not "/": ${shared}`
  return undefined
}

const pathReason = (path: string): string | undefined => {
  // A space or a character beyond ASCII never stands in the path of a request, so such a path would match nothing.
  if (!/^\/[!-:<-~]*$/.test(path)) {
    return `must start with "/" and hold only visible ASCII characters other than ";": percent-encode the rest`
  }
  if (path.length > MAX_ATTRIBUTE_OCTETS) {
    return `must be at most ${MAX_ATTRIBUTE_OCTETS} characters long`
  }
  return undefined
}

const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

const domainReason = (domain: string | undefined): string | undefined => {
  if (domain === undefined) return undefined
  if (domain.length > MAX_DOMAIN_OCTETS) {
    return `must be at most ${MAX_DOMAIN_OCTETS} characters long`
  }
  const labels = (domain.startsWith(".") ? domain.slice(1) : domain).split(".")
  const isHost = labels.length > 1 && labels.every((label) => LABEL.test(label))
  // Browsers do not accept an address or a single word (a top-level domain) as a domain.
  if (!isHost || /^[0-9]+$/.test(labels[labels.length - 1] ?? "")) {
    return "must be a host name such as example.com: leave it out for a cookie of this host alone"
  }
  return undefined
}

const sameSiteReason = (attributes: CookieAttributes): string | undefined =>
  attributes.sameSite === "none" && !attributes.secure
    ? `must not be "none" while cookie.secure is false: use "lax" or a secure cookie`
    : undefined
