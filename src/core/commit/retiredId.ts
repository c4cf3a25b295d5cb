/** The id that a session was moved away from: what its row remembers of it, and how a client follows an alias. */
import { openToken, sealToken } from "../record/encryption.js"
import type { PreviousId, SessionRecord } from "../record/record.js"
import type { IdChange, Policy, Position, Stored } from "./model.js"

/**
 * What a session that gets a new id remembers of its old one.
 *
 * A row remembers one retired id. If this request changed the id before, no client ever saw the id between, so the one
 * that the browser holds stays quarantined.
 */
export const retiredId = (
  { token, tokenFrom }: Position,
  { record }: Stored,
  change: IdChange,
  policy: Policy,
  nowMillis: number
): PreviousId => {
  const { id, previous } = record
  const quarantine = {
    kind: "quarantine",
    untilMillis: nowMillis + policy.quarantineMillis,
    sealedToken: null
  } as const
  if (tokenFrom === "here" && previous !== null) return { id: previous.id, ...quarantine }
  if (change.kind === "quarantine") return { id, ...quarantine }
  return {
    id,
    kind: "alias",
    untilMillis: nowMillis + policy.graceMillis,
    sealedToken: sealToken(token, change.token, change.id)
  }
}

/** The current token of a session that was found by an alias. Only the bearer of the old token can open it. */
export const tokenBehindAlias = (oldToken: string, { id, previous }: SessionRecord) =>
  previous?.kind === "alias" && previous.sealedToken !== null
    ? openToken(oldToken, previous.sealedToken, id)
    : undefined
