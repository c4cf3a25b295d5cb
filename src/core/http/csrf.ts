/**
 * The rules against cross-site request forgery, apart from HTTP: which requests are checked, where a request may come
 * from, and the token: a secret kept with the session, shown to pages in a masked form that differs each time.
 *
 * The mask keeps the secret from being guessed through the length of compressed responses (BREACH). How the token is
 * found in a request is decided elsewhere.
 */
import { timingSafeEqual } from "node:crypto"
import { fillRandom, isBase64Url, isToken, makeToken } from "../record/token.js"

const SECRET_BYTES = 32
const MASKED_BYTES = 2 * SECRET_BYTES

/** Makes a new secret: 32 random bytes as 43 characters of base64url. */
export const makeSecret = (): string => makeToken()

/**
 * Masks the secret for one rendering: 86 characters of base64url, different at each call.
 *
 * A text that no `makeSecret` gave is masked into one that never verifies.
 */
export const mask = (secret: string): string => {
  const masked = Buffer.alloc(MASKED_BYTES)
  const pad = masked.subarray(0, SECRET_BYTES)
  fillRandom(pad)
  masked.write(secret, SECRET_BYTES, SECRET_BYTES, "base64url")
  xorInto(masked.subarray(SECRET_BYTES), pad)
  return masked.toString("base64url")
}

/**
 * True when `token` is the secret under any mask.
 *
 * Whatever else comes is `false`, never an exception. The comparison takes the same time wherever the bytes differ.
 */
export const verify = (secret: string, token: string): boolean => {
  if (!isToken(secret) || !isBase64Url(token, MASKED_BYTES)) return false
  const bytes = Buffer.from(token, "base64url")
  const unmasked = bytes.subarray(SECRET_BYTES)
  xorInto(unmasked, bytes.subarray(0, SECRET_BYTES))
  return timingSafeEqual(unmasked, Buffer.from(secret, "base64url"))
}

const xorInto = (target: Uint8Array, pad: Uint8Array): void => {
  for (let index = 0; index < target.length; index++) {
    target[index] = (target[index] ?? 0) ^ (pad[index] ?? 0)
  }
}

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"])

/** True for exactly GET, HEAD and OPTIONS, as they are written here. */
export const isSafeMethod = (method: string): boolean => safeMethods.has(method)

/** What the headers of a request say about where it comes from, as they came. */
export interface Provenance {
  /** `Sec-Fetch-Site` */
  readonly site: string | undefined
  /** `Origin` */
  readonly origin: string | undefined
  /** `Host` */
  readonly host: string | undefined
}

/**
 * Tells what speaks against a request: `site` or `origin`, or nothing.
 *
 * An origin of `origins` is always right. Otherwise `Sec-Fetch-Site` decides where a browser sends it, and else the
 * origin must be one of `origins`, or without them the request's own host with either scheme. A request with neither
 * header has nothing against it.
 */
export const siteProblem = (
  from: Provenance,
  origins: ReadonlyArray<string> | undefined
): "site" | "origin" | undefined => {
  const { origin, site } = from
  if (origin !== undefined && origins?.includes(origin) === true) return undefined
  if (site !== undefined) return site === "same-origin" || site === "none" ? undefined : "site"
  if (origin === undefined) return undefined
  return origins === undefined && isOwnOrigin(origin, from.host) ? undefined : "origin"
}

// A host with anything else in it could move the end of the host when it is put into a URL.
const isOwnOrigin = (origin: string, host: string | undefined): boolean =>
  host !== undefined &&
  /^[A-Za-z0-9._:[\]-]+$/.test(host) &&
  (origin === parseOrigin(`http://${host}`) || origin === parseOrigin(`https://${host}`))

/** The origin as browsers write it, from a text that holds an http(s) origin and nothing else. */
export const parseOrigin = (text: string): string | undefined => {
  if (!/^https?:\/\/[^/?#@\\\s]+\/?$/i.test(text)) return undefined
  try {
    return new URL(text).origin
  } catch {
    return undefined
  }
}

/**
 * The path of a request target as it came: nothing decoded, nothing resolved, the query cut off.
 *
 * The absolute form (`http://host/path`) loses its scheme and host. Gives `undefined` for what has no path.
 */
export const rawPath = (target: string): string | undefined => {
  const parts = /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]*)?(\/[^?]*)/i.exec(target)
  return parts?.[1]
}
