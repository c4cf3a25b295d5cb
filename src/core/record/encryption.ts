/**
 * Encryption of what is stored: payloads under the keys of the configuration, the token of an alias under the old token.
 *
 * AES-256-GCM throughout, each key for one purpose. Each session has a key of its own, so random nonces never run out,
 * and each text is bound to its row, so it opens nowhere else. What does not open is never read in another way.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject
} from "node:crypto"
import { fillRandom, isToken } from "./token.js"

const VERSION = "s1"
const MARKER = `${VERSION}.`
const CIPHER = "aes-256-gcm"
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const SALT = "effect-session"
const ALIAS_CHARACTERS = 80

/** A key of the configuration. */
export interface KeyEntry {
  /** 1 to 32 characters of `A-Za-z0-9_-`; stands in the clear in each row. */
  readonly id: string
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** One key, derived and ready. The root is private, so that the package's declarations name no type of Node. */
class RingKey {
  readonly id: string
  private readonly root: KeyObject

  constructor({ id, key }: KeyEntry, namespace: string) {
    this.id = id
    this.root = derivedKey(key, `payload-aead/${namespace}`)
  }

  /** The session's own key. The root is uniform already, so HKDF's expand step, one HMAC, is all that is needed. */
  ofSession(sessionId: string): Uint8Array {
    return createHmac("sha256", this.root)
      .update(`effect-session/v1/session/${sessionId}\u0001`)
      .digest()
  }
}

/** The keys of one namespace, derived and ready; made once by `makeKeyring`, and of no use but to this module. */
export interface Keyring {
  readonly writing: RingKey
  readonly reading: ReadonlyMap<string, RingKey>
}

/** Finds the first reason why no keyring can be made of `keys`; it goes on after the setting's name and tells no key. */
export const keysProblem = (keys: ReadonlyArray<KeyEntry>): string | undefined => {
  if (keys.length === 0) return "must name at least one key"
  const ids = new Set(keys.map(({ id }) => id))
  if (ids.size < keys.length) return "must give each key an id of its own"
  if (!keys.every(({ id }) => isKeyId(id))) {
    return "must have key ids of 1 to 32 letters, digits, hyphens or underscores"
  }
  if (!keys.every(({ key }) => key.length === KEY_BYTES)) {
    return `must have keys of exactly ${KEY_BYTES} bytes`
  }
  return undefined
}

const isKeyId = (text: string): boolean => /^[A-Za-z0-9_-]{1,32}$/.test(text)

/**
 * Makes the keyring of a namespace: the first key writes, all of them read.
 *
 * Throws a `RangeError` where `keysProblem` finds something, so ask that first.
 */
export const makeKeyring = (keys: ReadonlyArray<KeyEntry>, namespace: string): Keyring => {
  const [writing] = keys
  const problem = keysProblem(keys)
  if (writing === undefined || problem !== undefined) throw new RangeError(`The keys ${problem}`)
  return {
    writing: new RingKey(writing, namespace),
    reading: new Map(keys.map((entry) => [entry.id, new RingKey(entry, namespace)]))
  }
}

const derivedKey = (key: Uint8Array, purpose: string): KeyObject =>
  createSecretKey(
    Buffer.from(hkdfSync("sha256", key, SALT, `effect-session/v1/${purpose}`, KEY_BYTES))
  )

/** What a sealed payload is bound to; the lengths keep the parts apart. */
const rowOf = (keyId: string, sessionId: string, namespace: string): Buffer =>
  Buffer.from(
    [VERSION, keyId, sessionId, namespace].map((part) => `${part.length}:${part}`).join("")
  )

/**
 * Seals a payload for the row of one session: the marker, the key's id and the ciphertext, about a third longer than
 * the payload. `plain` is JSON text, thus well-formed; a lone surrogate would come back replaced.
 */
export const sealPayload = (
  ring: Keyring,
  plain: string,
  sessionId: string,
  namespace: string
): string => {
  const key = ring.writing
  const row = rowOf(key.id, sessionId, namespace)
  const sealed = encrypt(key.ofSession(sessionId), Buffer.from(plain), row)
  return `${MARKER}${key.id}.${sealed.toString("base64url")}`
}

/** What came of opening a sealed payload. */
export type Opening =
  | { readonly _tag: "open"; readonly text: string }
  /** The ring has no key of this id: another server may have. */
  | { readonly _tag: "unknownKey" }
  /** Altered, cut, moved from another row, or never sealed. */
  | { readonly _tag: "corrupt" }

const CORRUPT: Opening = { _tag: "corrupt" }
const UNKNOWN_KEY: Opening = { _tag: "unknownKey" }

/** Opens a payload that was sealed for this session; a payload in the clear is corrupt. */
export const openPayload = (
  ring: Keyring,
  sealed: string,
  sessionId: string,
  namespace: string
): Opening => {
  if (!isSealed(sealed)) return CORRUPT
  const dot = sealed.indexOf(".", MARKER.length)
  const id = sealed.slice(MARKER.length, Math.max(dot, MARKER.length))
  const bytes = decode(sealed.slice(dot + 1))
  if (!isKeyId(id) || bytes === undefined) return CORRUPT
  const key = ring.reading.get(id)
  if (key === undefined) return UNKNOWN_KEY
  const row = rowOf(id, sessionId, namespace)
  const plain = decrypt(key.ofSession(sessionId), bytes, row)
  return plain === undefined ? CORRUPT : { _tag: "open", text: plain.toString("utf8") }
}

/** True for a payload that `sealPayload` may have made; no JSON text starts like one. */
export const isSealed = (payload: string): boolean => payload.startsWith(MARKER)

/**
 * Seals the token of a moved session under its old token, so that only a bearer of the old one can follow.
 *
 * `newId` is the id of the row in which the result is kept. Both tokens must be tokens, or the result never opens.
 */
export const sealToken = (oldToken: string, newToken: string, newId: string): string =>
  encrypt(aliasKey(oldToken), Buffer.from(newToken, "base64url"), Buffer.from(newId)).toString(
    "base64url"
  )

/** Opens a token that was sealed under `oldToken` for the row `newId`; gives `undefined` when it does not open. */
export const openToken = (oldToken: string, sealed: string, newId: string): string | undefined => {
  if (!isToken(oldToken) || sealed.length !== ALIAS_CHARACTERS) return undefined
  const bytes = decode(sealed)
  if (bytes === undefined) return undefined
  const token = decrypt(aliasKey(oldToken), bytes, Buffer.from(newId))?.toString("base64url")
  return token !== undefined && isToken(token) ? token : undefined
}

const aliasKey = (oldToken: string): KeyObject =>
  derivedKey(Buffer.from(oldToken, "base64url"), "alias-token")

/** Decodes base64url in its canonical form only; Node's decoder skips what it does not know. */
const decode = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, "base64url")
  return bytes.toString("base64url") === text ? bytes : undefined
}

/** The nonce, the ciphertext and the tag, in this order. */
const encrypt = (key: KeyObject | Uint8Array, plain: Buffer, bound: Buffer): Buffer => {
  const nonce = Buffer.alloc(NONCE_BYTES)
  fillRandom(nonce)
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(bound)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

const decrypt = (
  key: KeyObject | Uint8Array,
  sealed: Buffer,
  bound: Buffer
): Buffer | undefined => {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const end = sealed.length - TAG_BYTES
  // Without `authTagLength` Node takes a tag of 4 bytes for a whole one.
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(bound)
  decipher.setAuthTag(sealed.subarray(end))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()])
  } catch {
    return undefined
  }
}
