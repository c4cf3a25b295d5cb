/** The records that the library itself keeps in a store, in namespaces of its own. */
import type { SessionRecord } from "../../core/record/record.js"

/** Makes a record that belongs to no user and is written at `nowMillis`. */
export const ownRecord = ({
  nowMillis,
  ...given
}: Pick<SessionRecord, "id" | "namespace" | "expiresAtMillis" | "version" | "payload"> & {
  readonly nowMillis: number
}): SessionRecord => ({
  ...given,
  userId: null,
  ipAddress: null,
  userAgent: null,
  createdAtMillis: nowMillis,
  lastActivityMillis: nowMillis,
  endedAtMillis: null,
  previous: null
})
