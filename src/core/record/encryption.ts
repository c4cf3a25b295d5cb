/**
 * Encrypts what a row holds: the payload under a configured key, the new token of a moved session under its old token.
 *
 * The cipher is AES-256-GCM, and each derived key has one purpose. Each session has its own key, so random nonces never
 * run out. Each text is bound to its row and opens in no other. What does not open is never read in another way.
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

/** A configured key. */
export interface KeyEntry {
  /** 1 to 32 characters of `A-Za-z0-9_-`; every row shows it in the clear. */
  readonly id: string
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** A key that is ready for use. Its root is private, so that the package's declarations name no type of Node. */
class RingKey {
  readonly id: string
  private readonly root: KeyObject

  constructor({ id, key }: KeyEntry, namespace: string) {
    this.id = id
    this.root = derivedKey(key, `payload-aead/${namespace}`)
  }

  /** The session's own key. The root is uniform, so HKDF's expand step (one HMAC) is enough. */
  ofSession(sessionId: string): Uint8Array {
    return createHmac("sha256", this.root)
      .update(`effect-session/v1/session/${sessionId}\u0001`)
      .digest()
  }
}

/** The keys of one namespace: the one that writes, and all of them by their ids. */
export interface Keyring {
  readonly writing: RingKey
  readonly reading: ReadonlyMap<string, RingKey>
}

/** Finds why these keys cannot encrypt, as the end of a sentence about them; tells no key. */
export const keysProblem = (keys: ReadonlyArray<KeyEntry>): string | undefined => {
  if (keys.length === 0) return "must name at least one key"
  const ids = new Set(keys.map(({ id }) => id))
  if (ids.size < keys.length) return "must give each key an id of its own"
  if (!keys.every(({ id }) => isKeyId(id))) {
    return "must have key ids of 1 to 32 letters, digits, hyphens or underscores"
  }
  return keys.every(({ key }) => key.length === KEY_BYTES)
    ? undefined
    : `must have keys of exactly ${KEY_BYTES} bytes`
}

const isKeyId = (text: string): boolean => /^[A-Za-z0-9_-]{1,32}$/.test(text)

/**
 * Makes the keyring of a namespace: the first key writes, all of them read.
 *
 * Throws a `RangeError` where `keysProblem` finds something.
 */
export const makeKeyring = (keys: ReadonlyArray<KeyEntry>, namespace: string): Keyring => {
  const problem = keysProblem(keys)
  const reading = new Map(keys.map((entry) => [entry.id, new RingKey(entry, namespace)]))
  const [writing] = reading.values()
  if (writing === undefined || problem !== undefined) throw new RangeError(`The keys ${problem}`)
  return { writing, reading }
}

const derivedKey = (key: Uint8Array, purpose: string): KeyObject =>
  createSecretKey(
    Buffer.from(hkdfSync("sha256", key, SALT, `effect-session/v1/${purpose}`, KEY_BYTES))
  )

/** What a sealed payload is bound to. The lengths keep the parts apart. */
const rowOf = (keyId: string, sessionId: string, namespace: string): Buffer =>
  Buffer.from(
    [VERSION, keyId, sessionId, namespace].map((part) => `${part.length}:${part}`).join("")
  )

/**
 * Seals a payload for the row of one session.
 *
 * The result is `s1.<key id>.<base64url>`, about a third longer than the payload. `plain` must be well-formed, as JSON
 * text is: a lone surrogate would come back replaced.
 */
export const sealPayload = (
  ring: Keyring,
  plain: string,
  sessionId: string,
  namespace: string
): string => {
  const key = ring.writing
  const row = rowOf(key.id, sessionId, namespace)
  return `${MARKER}${key.id}.${encrypt(key.ofSession(sessionId), Buffer.from(plain), row)}`
}

/** The result of opening a sealed payload. */
export type Opening =
  | { readonly _tag: "open"; readonly text: string }
  /** The ring has no key of this id; another server may have one. */
  | { readonly _tag: "unknownKey" }
  /** It was altered, cut or moved from another row, or it was never sealed. */
  | { readonly _tag: "corrupt" }

const CORRUPT: Opening = { _tag: "corrupt" }
const UNKNOWN_KEY: Opening = { _tag: "unknownKey" }

/** Opens a payload that was sealed for this session. A payload in the clear is corrupt. */
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
  const plain = decrypt(key.ofSession(sessionId), bytes, rowOf(id, sessionId, namespace))
  return plain === undefined ? CORRUPT : { _tag: "open", text: plain.toString("utf8") }
}

/** Tells whether a payload is sealed, by its marker. No JSON text begins like one. */
export const isSealed = (payload: string): boolean => payload.startsWith(MARKER)

/**
 * Seals the new token of a moved session under its old token, so that only a bearer of the old one can follow.
 *
 * `newId` is the id of the row that keeps the result. A result of anything but tokens never opens.
 */
export const sealToken = (oldToken: string, newToken: string, newId: string): string =>
  encrypt(aliasKey(oldToken), Buffer.from(newToken, "base64url"), Buffer.from(newId))

/** Opens a token that was sealed under `oldToken` for the row `newId`; `undefined` when it does not open. */
export const openToken = (oldToken: string, sealed: string, newId: string): string | undefined => {
  if (!isToken(oldToken) || sealed.length !== ALIAS_CHARACTERS) return undefined
  const bytes = decode(sealed)
  if (bytes === undefined) return undefined
  const token = decrypt(aliasKey(oldToken), bytes, Buffer.from(newId))?.toString("base64url")
  return token !== undefined && isToken(token) ? token : undefined
}

const aliasKey = (oldToken: string): KeyObject =>
  derivedKey(Buffer.from(oldToken, "base64url"), "alias-token")

/** Decodes base64url in its canonical form only. Node's decoder skips what it does not know. */
const decode = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, "base64url")
  return bytes.toString("base64url") === text ? bytes : undefined
}

type Key = KeyObject | Uint8Array

/** Gives the nonce, the ciphertext and the tag, in this order, as base64url. */
const encrypt = (key: Key, plain: Buffer, bound: Buffer): string => {
  const nonce = Buffer.alloc(NONCE_BYTES)
  fillRandom(nonce)
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(bound)
  const sealed = [nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(sealed).toString("base64url")
}

const decrypt = (key: Key, sealed: Buffer, bound: Buffer): Buffer | undefined => {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const end = sealed.length - TAG_BYTES
  // Without `authTagLength` Node accepts a tag of 4 bytes.
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(bound)
  decipher.setAuthTag(sealed.subarray(end))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()])
  } catch {
    return undefined
  }
}
