/**
 * The CSRF token: a secret kept with the session, shown to pages in a masked form that differs each time.
 *
 * The mask keeps the secret from being guessed through the length of compressed responses (BREACH). Where the token is
 * looked for, and when, is decided elsewhere.
 */
import { timingSafeEqual } from "node:crypto"
import { fillRandom, isBase64Url, isToken, makeToken } from "./token.js"

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
