import { anId } from "../../src/internal/conformance/records.js"
import type { SessionRecord } from "../../src/SessionStore.js"

/** A guest's record that lives for an hour from `nowMillis`. */
export const aRecord = ({
  nowMillis = Date.now(),
  ...given
}: Partial<SessionRecord> & { readonly nowMillis?: number } = {}): SessionRecord => ({
  id: anId(),
  namespace: "session",
  userId: null,
  ipAddress: null,
  userAgent: null,
  createdAtMillis: nowMillis,
  lastActivityMillis: nowMillis,
  expiresAtMillis: nowMillis + 3_600_000,
  endedAtMillis: null,
  version: 1,
  previous: null,
  payload: "{}",
  ...given
})
