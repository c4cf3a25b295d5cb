/**
 * The content of a file: `<SHA-256 of the rest in hex> <header as JSON>\n<payload>`, in UTF-8.
 *
 * The checksum covers all of the rest and the header names the id, so `decode` notices a file that was cut off, changed
 * or put in the place of another. It is no signature: anybody who can write the file can compute it.
 */
import { isNumber, isString } from "effect/Predicate"
import { sha256Hex } from "../../core/record/digest.js"
import type { SessionRecord } from "../../core/record/record.js"

/** What a file holds: a session, or where the session of this id was moved to. */
export type Stored = StoredSession | StoredMove

/** A session. In a pending file `from` is the id that it is moved from. */
export interface StoredSession {
  readonly kind: "session"
  readonly record: SessionRecord
  readonly from: string | null
}

/** A stub or pointer: the session has the id `to` now. */
export interface StoredMove {
  readonly kind: "moved"
  readonly to: string
}

const format = "effect-session/1"
const sumLength = 64

const seal = (header: object, payload: string): Buffer => {
  const rest = Buffer.from(`${JSON.stringify(header)}\n${payload}`)
  return Buffer.concat([Buffer.from(`${sha256Hex(rest)} `, "latin1"), rest])
}

/** Makes the content of a session's file. */
export const encodeSession = (record: SessionRecord, from: string | null): Buffer => {
  const { payload, ...header } = record
  return seal({ format, ...header, from }, payload)
}

/** Makes the content of the stub or pointer of `id`. */
export const encodeMove = (id: string, to: string): Buffer => seal({ format, id, to }, "")

/** Reads the content of a file that must be about `id`; `undefined` unless it is whole. */
export const decode = (bytes: Uint8Array, id: string): Stored | undefined => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length < sumLength + 2 || buffer[sumLength] !== 0x20) return undefined
  const rest = buffer.subarray(sumLength + 1)
  if (buffer.toString("latin1", 0, sumLength) !== sha256Hex(rest)) return undefined
  const end = rest.indexOf(0x0a)
  if (end < 0) return undefined
  const header = parse(rest.toString("utf8", 0, end))
  if (header?.format !== format || header.id !== id) return undefined
  if (typeof header.to === "string") return { kind: "moved", to: header.to }
  return session(header, rest.toString("utf8", end + 1))
}

type Header = Readonly<Record<string, unknown>>

const isHeader = (value: unknown): value is Header => typeof value === "object" && value !== null

const parse = (text: string): Header | undefined => {
  try {
    const header: unknown = JSON.parse(text)
    return isHeader(header) ? header : undefined
  } catch {
    return undefined
  }
}

const orNull = (check: (value: unknown) => boolean) => (value: unknown) =>
  value === null || check(value)

const isPrevious = (value: unknown) =>
  isHeader(value) &&
  isString(value.id) &&
  (value.kind === "quarantine" || value.kind === "alias") &&
  isNumber(value.untilMillis) &&
  orNull(isString)(value.sealedToken)

/** What the header of a session holds beside its format. */
type Fields = Omit<SessionRecord, "payload"> & { readonly from: string | null }

const checks = {
  id: isString,
  namespace: isString,
  userId: orNull(isString),
  ipAddress: orNull(isString),
  userAgent: orNull(isString),
  createdAtMillis: isNumber,
  lastActivityMillis: isNumber,
  expiresAtMillis: isNumber,
  endedAtMillis: orNull(isNumber),
  version: isNumber,
  previous: orNull(isPrevious),
  from: orNull(isString)
} satisfies Record<keyof Fields, (value: unknown) => boolean>

const fieldChecks = Object.entries(checks)

const hasFields = (header: Header): header is Header & Fields =>
  fieldChecks.every(([field, isRight]) => isRight(header[field]))

const session = (header: Header, payload: string): StoredSession | undefined => {
  if (!hasFields(header)) return undefined
  const { format: _, from, ...fields } = header
  return { kind: "session", record: { ...fields, payload }, from }
}
