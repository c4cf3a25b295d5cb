/**
 * The record that a store keeps for each session, as plain data, and the rules that every store shares: when a record is
 * over, who finds it, how it is touched, what is left of it when it ends.
 *
 * Times are milliseconds since the Unix epoch. A store sees `payload` as one opaque text; `payload.ts` knows what is in
 * it. A record never contains the token of the cookie, only the id that is derived from it.
 */

/** The id that a session had before its id changed last, kept in the record of the session itself. */
export interface PreviousId {
  /** The retired id: 40 lower-case hex characters. */
  readonly id: string
  /** `quarantine`: a request with the old id sees nothing. `alias`: it works on this session until the grace is over. */
  readonly kind: "quarantine" | "alias"
  /** From this instant on the old id finds nothing. */
  readonly untilMillis: number
  /** The current token, sealed under a key derived from the old token; `null` for a quarantine and after the grace. */
  readonly sealedToken: string | null
}

/**
 * True for a text that can be a user's id: 1 to 255 bytes of UTF-8, without NUL and lone surrogates, because some
 * databases refuse or change those.
 */
export const isUserId = (text: string): boolean =>
  typeof text === "string" &&
  text !== "" &&
  text.length <= maxUserIdBytes &&
  Buffer.byteLength(text) <= maxUserIdBytes &&
  !text.includes("\0") &&
  !/\p{Surrogate}/u.test(text)

const maxUserIdBytes = 255

/** A stored session. */
export interface SessionRecord {
  /** The public id: 40 lower-case hex characters. */
  readonly id: string
  readonly namespace: string
  /** As `isUserId` says. */
  readonly userId: string | null
  /** At most 45 characters. */
  readonly ipAddress: string | null
  /** At most 512 characters. */
  readonly userAgent: string | null
  readonly createdAtMillis: number
  readonly lastActivityMillis: number
  /** Never before `lastActivityMillis`, so a store may look for recent activity among recent expiries. */
  readonly expiresAtMillis: number
  /** When the session ended; `null` until then. Only a store that keeps ended sessions has records where it is set. */
  readonly endedAtMillis: number | null
  /** Counts the commits, from 1. A touch does not change it. */
  readonly version: number
  readonly previous: PreviousId | null
  readonly payload: string
}

/** A session as a listing shows it: the record without its payload. */
export interface SessionEntry extends Omit<SessionRecord, "payload" | "previous" | "version"> {
  readonly previousId: string | null
  /** The length of the payload in bytes of UTF-8. */
  readonly payloadBytes: number
}

/** Which sessions a call is about. A field that is left out restricts nothing. */
export interface SessionFilter {
  readonly namespace?: string | undefined
  readonly userId?: string | undefined
  /** Only sessions whose last activity is at this instant or later. */
  readonly activeSinceMillis?: number | undefined
  /**
   * `live` (default): sessions that neither ended nor expired. `over`: those that ended or expired and are still kept.
   * `all`: both.
   */
  readonly state?: "live" | "all" | "over" | undefined
}

/** True once the session has ended or expired, seen at `nowMillis`. At the instant of its expiry it has expired. */
export const isOver = (record: Lifetime, nowMillis: number): boolean =>
  record.endedAtMillis !== null || record.expiresAtMillis <= nowMillis

type Lifetime = Pick<SessionRecord, "endedAtMillis" | "expiresAtMillis">

/** True when `find(id)` gives this record: it is live, and `id` is its id or its previous id within its time. */
export const isFoundBy = (id: string, record: SessionRecord, nowMillis: number): boolean => {
  if (isOver(record, nowMillis)) return false
  const { previous } = record
  return (
    record.id === id ||
    (previous !== null && previous.id === id && previous.untilMillis > nowMillis)
  )
}

/** True when a conditional write replaces this record: it is live, and this is its version. */
export const isCurrent = (record: SessionRecord, version: number, nowMillis: number): boolean =>
  record.version === version && !isOver(record, nowMillis)

/** The record with a later activity and expiry, or the record itself. Neither instant ever goes back. */
export const touched = (
  record: SessionRecord,
  lastActivityMillis: number,
  expiresAtMillis: number
): SessionRecord =>
  record.lastActivityMillis >= lastActivityMillis && record.expiresAtMillis >= expiresAtMillis
    ? record
    : {
        ...record,
        lastActivityMillis: Math.max(record.lastActivityMillis, lastActivityMillis),
        expiresAtMillis: Math.max(record.expiresAtMillis, expiresAtMillis)
      }

/** What a store keeps of a session that ends at `nowMillis`, or that expired or ended earlier. */
export const ended = (record: SessionRecord, nowMillis: number): SessionRecord => ({
  ...record,
  payload: "",
  previous: null,
  endedAtMillis: endOf(record, nowMillis)
})

const endOf = ({ endedAtMillis, expiresAtMillis }: Lifetime, nowMillis: number): number =>
  endedAtMillis ?? Math.min(nowMillis, expiresAtMillis)

/** True when a store that removes this record deletes it: its session ended `keepEndedMillis` ago or earlier. */
export const isDueForDeletion = (
  record: Lifetime,
  keepEndedMillis: number,
  nowMillis: number
): boolean => endOf(record, nowMillis) + keepEndedMillis <= nowMillis

/** True when `collect` has something to do: the session has expired, or it ended and is due for deletion. */
export const isCollectable = (
  record: Lifetime,
  keepEndedMillis: number,
  nowMillis: number
): boolean =>
  record.endedAtMillis === null
    ? isOver(record, nowMillis)
    : isDueForDeletion(record, keepEndedMillis, nowMillis)

/** The record without its sealed token once the grace of its previous id is over, else the record itself. */
export const withoutStaleToken = (record: SessionRecord, nowMillis: number): SessionRecord => {
  const { previous } = record
  return previous !== null && previous.sealedToken !== null && previous.untilMillis <= nowMillis
    ? { ...record, previous: { ...previous, sealedToken: null } }
    : record
}

/** True when a removal spares this session: `except` is its id or its previous id. */
export const isSpared = (
  { id, previousId }: Pick<SessionEntry, "id" | "previousId">,
  except: string | undefined
): boolean => except !== undefined && (id === except || previousId === except)

/** Makes the entry of a record. */
export const entryOf = (record: SessionRecord): SessionEntry => ({
  id: record.id,
  namespace: record.namespace,
  userId: record.userId,
  ipAddress: record.ipAddress,
  userAgent: record.userAgent,
  createdAtMillis: record.createdAtMillis,
  lastActivityMillis: record.lastActivityMillis,
  expiresAtMillis: record.expiresAtMillis,
  endedAtMillis: record.endedAtMillis,
  previousId: record.previous?.id ?? null,
  payloadBytes: Buffer.byteLength(record.payload)
})

/** True when the filter lets this entry through, seen at `nowMillis`. */
export const matches = (filter: SessionFilter, entry: SessionEntry, nowMillis: number): boolean => {
  if (filter.namespace !== undefined && filter.namespace !== entry.namespace) return false
  if (filter.userId !== undefined && filter.userId !== entry.userId) return false
  if (
    filter.activeSinceMillis !== undefined &&
    entry.lastActivityMillis < filter.activeSinceMillis
  ) {
    return false
  }
  const state = filter.state ?? "live"
  return state === "all" || (state === "over") === isOver(entry, nowMillis)
}
