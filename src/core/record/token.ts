/**
 * Tokens and the ids that are made of them.
 *
 * A token is what the cookie carries: 32 random bytes as base64url. An id is what the store knows: the first 160 bits of
 * the token's hash. From an id nobody gets back to a token, so a leaked table or directory opens no session.
 */
import { randomFillSync } from "node:crypto"
import { sha256Hex } from "./digest.js"

const TOKEN_BYTES = 32
const ENTRY_ID_BYTES = 9
const INSTANT_LENGTH = 9
const WRITER_LENGTH = 7
const COMMITS_PER_MILLI = 32
const ID_LENGTH = 40
const NOT_A_DIGIT = 255

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
const DIGITS = new Uint8Array(128).fill(NOT_A_DIGIT)
for (let value = 0; value < ALPHABET.length; value++) DIGITS[ALPHABET.charCodeAt(value)] = value

const POOL = Buffer.alloc(4096)
// The pool starts used up, so that nothing random is made at import (a process snapshot would repeat it).
let pooledFrom = POOL.length

/**
 * Fills `target`, of at most 4096 bytes, with random bytes from the system's generator.
 *
 * One call to the system serves many small requests; what was handed out is erased from the pool.
 */
export const fillRandom = (target: Uint8Array): void => {
  if (target.length > POOL.length - pooledFrom) {
    randomFillSync(POOL)
    pooledFrom = 0
  }
  const end = pooledFrom + target.length
  target.set(POOL.subarray(pooledFrom, end))
  POOL.fill(0, pooledFrom, end)
  pooledFrom = end
}

const randomText = (scratch: Buffer): string => {
  fillRandom(scratch)
  const text = scratch.toString("base64url")
  scratch.fill(0)
  return text
}

const tokenScratch = Buffer.alloc(TOKEN_BYTES)
const entryScratch = Buffer.alloc(ENTRY_ID_BYTES)
const numberScratch = Buffer.alloc(4)

/** Makes a new token: 32 random bytes as 43 characters of base64url. */
export const makeToken = (): string => randomText(tokenScratch)

/** Makes a short random id of 72 bits (12 characters of base64url), for flash entries and owners of locks. */
export const makeEntryId = (): string => randomText(entryScratch)

/** The length of a commit's id: its instant, then its writer. */
export const commitIdLength = INSTANT_LENGTH + WRITER_LENGTH

/** Makes the number by which the writers of one store in one process are told from those of others. */
export const makeServerNumber = (): number => {
  fillRandom(numberScratch)
  return numberScratch.readUInt32LE()
}

/** The writer of a commit: what one server does with a session under one of its ids, one after the other. */
export const writerOf = (serverNumber: number, id: string): string =>
  ((serverNumber ^ Number.parseInt(id.slice(0, 8), 16)) >>> 0)
    .toString(36)
    .padStart(WRITER_LENGTH, "0")

/** Makes the id of a commit. No two commits of a writer have the same one. */
export const makeCommitId = (nowMillis: number, writer: string): string =>
  instantText(nowMillis) + writer

/** The instant of the commit whose id begins there in a text of ids. */
export const commitInstant = (ids: string, at: number): number =>
  Math.floor(Number.parseInt(ids.slice(at, at + INSTANT_LENGTH), 36) / COMMITS_PER_MILLI)

/** The writer of a commit. */
export const commitWriter = (id: string): string => id.slice(INSTANT_LENGTH)

/** True when the commit whose id begins there in a text of ids is of a writer. */
export const isOfWriter = (ids: string, at: number, writer: string): boolean =>
  ids.startsWith(writer, at + INSTANT_LENGTH)

let commits = 0

// A writer makes no 32 commits in a millisecond.
const instantText = (millis: number): string =>
  (Math.trunc(millis) * COMMITS_PER_MILLI + (commits++ % COMMITS_PER_MILLI))
    .toString(36)
    .padStart(INSTANT_LENGTH, "0")
    .slice(-INSTANT_LENGTH)

/**
 * True when `text` is the base64url form, without padding, of exactly `bytes` bytes.
 *
 * The bits of the last character that carry nothing must be 0, so that one value has one text.
 */
export const isBase64Url = (text: string, bytes: number): boolean => {
  if (typeof text !== "string" || text.length !== Math.ceil((bytes * 4) / 3)) return false
  let digit = 0
  for (let index = 0; index < text.length; index++) {
    digit = DIGITS[text.charCodeAt(index)] ?? NOT_A_DIGIT
    if (digit === NOT_A_DIGIT) return false
  }
  const spareBits = text.length * 6 - bytes * 8
  return (digit & ((1 << spareBits) - 1)) === 0
}

/** True when `text` has the form of a token; it says nothing about whether a session has it. */
export const isToken = (text: string): boolean => isBase64Url(text, TOKEN_BYTES)

/** Where the bytes to be hashed are laid out, one per namespace: a fixed head, then room for the token. */
const layouts = new Map<string, Buffer>()
const MAX_LAYOUTS = 64

const layoutOf = (namespace: string): Buffer => {
  const known = layouts.get(namespace)
  if (known !== undefined) return known
  if (layouts.size >= MAX_LAYOUTS) layouts.clear()
  const layout = Buffer.concat([Buffer.from(`sess:v1:${namespace}\0`), Buffer.alloc(TOKEN_BYTES)])
  layouts.set(namespace, layout)
  return layout
}

/**
 * Derives the public id of a session from its token: 40 lower-case hex characters.
 *
 * The namespace is part of the hash, so the same token names different sessions in two namespaces. A text that is not a
 * token gets an id that no session has.
 */
export const tokenId = (token: string, namespace: string): string => {
  if (!isToken(token)) return derivedId("not a token", namespace, token)
  const layout = layoutOf(namespace)
  const start = layout.length - TOKEN_BYTES
  decodeInto(layout, start, token)
  const id = sha256Hex(layout).slice(0, ID_LENGTH)
  for (let at = start; at < layout.length; at++) layout[at] = 0
  return id
}

/** Writes the bytes of a checked base64url text. For so few, calling what Node has costs several times as much. */
const decodeInto = (target: Uint8Array, start: number, text: string): void => {
  let at = start
  let held = 0
  let bits = 0
  for (let index = 0; index < text.length; index++) {
    held = (held << 6) | (DIGITS[text.charCodeAt(index)] as number)
    bits += 6
    if (bits < 8) continue
    bits -= 8
    target[at++] = (held >> bits) & 0xff
  }
}

/** True when `text` has the form of an id: 40 lower-case hex characters. */
export const isId = (text: string): boolean => {
  if (typeof text !== "string" || text.length !== ID_LENGTH) return false
  for (let index = 0; index < ID_LENGTH; index++) {
    const code = text.charCodeAt(index)
    const isHex = (code >= 48 && code <= 57) || (code >= 97 && code <= 102)
    if (!isHex) return false
  }
  return true
}

/**
 * Derives an id from texts, for records that are no sessions (markers).
 *
 * Different lists of texts give different ids, wherever the boundaries between the texts lie, and none of them is the id
 * of a token.
 */
export const derivedId = (purpose: string, ...parts: ReadonlyArray<string>): string => {
  const framed = [purpose, ...parts].map((part) => `${part.length}:${part}`).join("")
  // UTF-16 keeps apart texts with lone surrogates, which UTF-8 would all turn into the same replacement character.
  return sha256Hex(Buffer.from(`sess:derived:v1:${framed}`, "utf16le")).slice(0, ID_LENGTH)
}
