/** What a request finds under the id of its cookie. */
import type { SessionRecord } from "../record/record.js"
import type { Stored, StoredPosition } from "./model.js"
import { tokenBehindAlias } from "./retiredId.js"

/** What came of reading a record's payload. */
export type Reading =
  | { readonly _tag: "stored"; readonly stored: Stored }
  /** It was sealed with a key that this server lacks: another server may have it. */
  | { readonly _tag: "unknownKey" }
  | { readonly _tag: "corrupt" }

/** Where a request arrives. */
export type Arrival =
  | { readonly _tag: "Found"; readonly at: StoredPosition }
  /** The session was moved away from this id, or is sealed with a key of another server: the request sees nothing. */
  | { readonly _tag: "Retired"; readonly unknownKey: boolean }
  | { readonly _tag: "Corrupt" }

/** Tells where the bearer of `token`, whose id is `id`, arrives at a record that was found. */
export const arrivalAt = (
  record: SessionRecord,
  read: (record: SessionRecord) => Reading,
  token: string,
  id: string
): Arrival => {
  const isMoved = record.id !== id
  if (isMoved && record.previous?.kind !== "alias") return { _tag: "Retired", unknownKey: false }
  const reading = read(record)
  if (reading._tag === "corrupt") return { _tag: "Corrupt" }
  if (reading._tag === "unknownKey") return { _tag: "Retired", unknownKey: true }
  const { stored } = reading
  if (!isMoved) return { _tag: "Found", at: { stored, token, id, tokenFrom: "client" } }
  const current = tokenBehindAlias(token, record)
  return current === undefined
    ? { _tag: "Retired", unknownKey: false }
    : { _tag: "Found", at: { stored, token: current, id: record.id, tokenFrom: "alias" } }
}
