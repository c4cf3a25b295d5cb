/**
 * The rules against cross-site request forgery: which methods are safe, where a request may come from, and the token.
 *
 * The token is a secret kept with the session. Pages see it under a mask that differs each time, so that nobody can guess
 * it from the length of compressed responses (BREACH).
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
 * A text that does not come from `makeSecret` is masked into one that never verifies.
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
 * Any other text gives `false`, never an exception. The comparison takes the same time wherever the bytes differ.
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

/** True for GET, HEAD and OPTIONS, in upper case only. */
export const isSafeMethod = (method: string): boolean => safeMethods.has(method)

/** The headers of a request that say where it comes from. */
export interface Provenance {
  /** `Sec-Fetch-Site` */
  readonly site: string | undefined
  /** `Origin` */
  readonly origin: string | undefined
  /** `Host` */
  readonly host: string | undefined
}

/**
 * Tells which header speaks against a request: `site`, `origin`, or none.
 *
 * A request from one of `origins` is always right. Otherwise `Sec-Fetch-Site` decides, where a browser sends it. Where it
 * does not, the origin must be one of `origins`, or without those the request's own host with either scheme. Nothing speaks
 * against a request that has neither header.
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

// Anything else in a host could change what a URL that it is put into means.
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
 * The path of a request target without its query, neither decoded nor resolved.
 *
 * The absolute form (`http://host/path`) loses its scheme and host. Gives `undefined` where there is no path.
 */
export const rawPath = (target: string): string | undefined => {
  const parts = /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]*)?(\/[^?]*)/i.exec(target)
  return parts?.[1]
}
