/**
 * How a session is one text in Redis. It begins with numbers of a fixed width, so that a script reads them by their place, and a
 * touch overwrites two of them and no payload:
 *
 * ```
 * kind (1) version (17) last activity (17) expiry (17) end (17, blank until then)
 * [id, namespace, user, address, user agent, creation] as JSON, and a line break
 * [length of the payload, previous id, its kind, until when] as JSON, and a line break
 * payload
 * ```
 *
 * The kind is 1, or 2 when a sealed token is kept beside the text.
 */
import type { PreviousId, SessionEntry, SessionRecord } from "../../core/record/record.js"

/** The text of a record. The sealed token is no part of it, because it expires earlier. */
export const textOf = (record: SessionRecord): string => {
  const { payload, previous, version } = record
  const kind = tokenOf(record) === "" ? "1" : "2"
  const times = [version, record.lastActivityMillis, record.expiresAtMillis, record.endedAtMillis]
  const identity = [
    record.id,
    record.namespace,
    record.userId,
    record.ipAddress,
    record.userAgent,
    record.createdAtMillis
  ]
  const before = previous === null ? [] : [previous.id, previous.kind, previous.untilMillis]
  const rest = [Buffer.byteLength(payload), ...before]
  const numbers = times.map((number) => String(number ?? "").padStart(width)).join("")
  return `${kind}${numbers}${JSON.stringify(identity)}\n${JSON.stringify(rest)}\n${payload}`
}

/** The sealed token of a record; nothing if it has none. */
export const tokenOf = ({ previous }: SessionRecord): string => previous?.sealedToken ?? ""

const width = 17
const numbersEnd = 1 + 4 * width

/** The record of a text. Throws where this store cannot have written the text. */
export const recordIn = (text: string, sealedToken: string | null): SessionRecord => {
  const { entry, kind, payloadStart, untilMillis } = read(text)
  const { payloadBytes, previousId, ...rest } = entry
  const previous: PreviousId | null =
    previousId === null ? null : { id: previousId, kind, untilMillis, sealedToken }
  return { version: numberAt(text, 0), previous, payload: text.slice(payloadStart), ...rest }
}

/** The entry of a text, which may lack the payload. */
export const entryIn = (text: string): SessionEntry => read(text).entry

const read = (text: string) => {
  const identityEnd = text.indexOf("\n", numbersEnd)
  const restEnd = text.indexOf("\n", identityEnd + 1)
  if (!/^[12]$/.test(text.charAt(0)) || identityEnd < 0 || restEnd < 0) throw unreadable()
  // What these lists hold is what `textOf` wrote: nobody else knows how a text begins.
  const [id, namespace, userId, ipAddress, userAgent, createdAtMillis] = JSON.parse(
    text.slice(numbersEnd, identityEnd)
  )
  const [payloadBytes, previousId = null, kind, untilMillis] = JSON.parse(
    text.slice(identityEnd + 1, restEnd)
  )
  const entry: SessionEntry = {
    id,
    namespace,
    userId,
    ipAddress,
    userAgent,
    createdAtMillis,
    lastActivityMillis: numberAt(text, 1),
    expiresAtMillis: numberAt(text, 2),
    endedAtMillis: fieldAt(text, 3).trim() === "" ? null : numberAt(text, 3),
    previousId,
    payloadBytes
  }
  return { entry, kind, untilMillis, payloadStart: restEnd + 1 }
}

const fieldAt = (text: string, index: number): string =>
  text.slice(1 + index * width, 1 + (index + 1) * width)

const numberAt = (text: string, index: number): number => {
  const field = fieldAt(text, index).trim()
  const number = field === "" ? Number.NaN : Number(field)
  if (!Number.isSafeInteger(number)) throw unreadable()
  return number
}

const unreadable = () => new Error("The text of a session cannot be read.")
