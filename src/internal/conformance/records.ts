/** Builders of records. */
import { randomBytes } from "node:crypto"
import type { SessionRecord } from "../../core/record/record.js"
import { hour, second } from "./clock.js"

/** A record's fields to give; the builder fills in the others. */
export interface RecordOptions extends Partial<SessionRecord> {
  /** Milliseconds from now to the expiry: an hour by default, negative for a session that expired. */
  readonly expiresIn?: number
}

/** Makes the builder of a test's records. */
export const recordBuilder =
  (namespace: string, now: number) =>
  ({ expiresIn = hour, ...given }: RecordOptions = {}): SessionRecord => ({
    id: anId(),
    namespace,
    userId: null,
    ipAddress: "192.0.2.7",
    userAgent: "conformance suite",
    createdAtMillis: now,
    lastActivityMillis: now,
    expiresAtMillis: now + expiresIn,
    endedAtMillis: null,
    version: 1,
    previous: null,
    payload: '{"data":{"visits":1}}',
    ...given
  })

/** A random id of the shape the library makes. */
export const anId = (): string => randomBytes(20).toString("hex")

/** The record after a commit: the next version, with changes. */
export const next = (record: SessionRecord, changes?: Partial<SessionRecord>): SessionRecord => ({
  ...record,
  version: record.version + 1,
  ...changes
})

/**
 * The record after a commit that gives the session a new id. The old id is in quarantine until five seconds after the
 * session's last activity.
 */
export const moved = (record: SessionRecord, changes?: Partial<SessionRecord>): SessionRecord =>
  next(record, {
    id: anId(),
    previous: {
      id: record.id,
      kind: "quarantine",
      untilMillis: record.lastActivityMillis + 5 * second,
      sealedToken: null
    },
    ...changes
  })
