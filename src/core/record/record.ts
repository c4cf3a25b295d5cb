/**
 * The row a store keeps for a session, as plain data.
 *
 * Times are milliseconds since the Unix epoch. A store sees `payload` as one opaque text: what is in it is the business
 * of `envelope.ts`. The token of the cookie is never part of a record, only the id that is derived from it.
 */

/** The id a session was moved away from last, kept in the row of the session itself. */
export interface PreviousId {
  /** The retired id: 40 lower-case hex characters. */
  readonly id: string
  /** `quarantine`: requests with the old id see nothing. `alias`: they work on this session until the grace is over. */
  readonly kind: "quarantine" | "alias"
  /** From this instant on the old id finds nothing any more. */
  readonly untilMillis: number
  /** The current token, sealed under a key derived from the old token; `null` for a quarantine and after the grace. */
  readonly sealedToken: string | null
}

/**
 * True for what can be a user's id: 1 to 255 bytes of UTF-8, without NUL and lone surrogates, which some databases refuse
 * and some change.
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
  /** Never before `lastActivityMillis`: a store may look for recent activity among recent expiries. */
  readonly expiresAtMillis: number
  /** When the session ended, for a store that keeps ended sessions; `null` while it lives. */
  readonly endedAtMillis: number | null
  /** Counts the commits, from 1. A touch does not change it. */
  readonly version: number
  readonly previous: PreviousId | null
  readonly payload: string
}

/** What a listing tells about a session: the record without its payload. */
export interface SessionEntry extends Omit<SessionRecord, "payload" | "previous" | "version"> {
  readonly previousId: string | null
  /** Length of the payload in bytes of UTF-8. */
  readonly payloadBytes: number
}

/** Tells which sessions a listing is about; what is left out does not restrict. */
export interface SessionFilter {
  readonly namespace?: string | undefined
  readonly userId?: string | undefined
  /** Only sessions whose last activity is at this instant or later. */
  readonly activeSinceMillis?: number | undefined
  /**
   * `live` (default): neither ended nor expired. `all`: also those that ended or expired and are still kept.
   * `over`: only those that ended or expired.
   */
  readonly state?: "live" | "all" | "over" | undefined
}

/** True once the session has expired or ended, seen at `nowMillis`; the instant of expiry itself is over. */
export const isOver = (
  record: Pick<SessionRecord, "endedAtMillis" | "expiresAtMillis">,
  nowMillis: number
): boolean => record.endedAtMillis !== null || record.expiresAtMillis <= nowMillis

/** Describes a record without its payload. */
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

/** True when the filter lets this summary through, seen at `nowMillis`. */
export const matches = (
  filter: SessionFilter,
  summary: SessionEntry,
  nowMillis: number
): boolean => {
  if (filter.namespace !== undefined && filter.namespace !== summary.namespace) return false
  if (filter.userId !== undefined && filter.userId !== summary.userId) return false
  if (
    filter.activeSinceMillis !== undefined &&
    summary.lastActivityMillis < filter.activeSinceMillis
  ) {
    return false
  }
  const state = filter.state ?? "live"
  return state === "all" || (state === "over") === isOver(summary, nowMillis)
}
