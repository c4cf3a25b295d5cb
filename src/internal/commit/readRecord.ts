/** Reads records. The objects that a store in memory hands out are the very ones it was given: each of them is read once. */
import type { Reading } from "../../core/commit/arrival.js"
import type { Policy, Stored } from "../../core/commit/model.js"
import { isSealed, openPayload } from "../../core/record/encryption.js"
import { decode } from "../../core/record/payload.js"
import type { SessionRecord } from "../../core/record/record.js"
import { isMemoryStore } from "../store/memory/store.js"
import type { RequestContext } from "./RequestContext.js"

const readings = new WeakMap<Policy, WeakMap<SessionRecord, Reading>>()

/** What is known of the records of a store. Those of any other store come once: to remember them would cost more than to read them. */
const readingsOf = ({ settings, store }: Where): WeakMap<SessionRecord, Reading> | undefined => {
  if (!isMemoryStore(store)) return undefined
  const known = readings.get(settings) ?? new WeakMap()
  readings.set(settings, known)
  return known
}

/** Where a record was found. */
type Where = Pick<RequestContext, "settings" | "store">

/** Remembers what a record that was written is read as. */
export const noteWritten = (where: Where, stored: Stored): void => {
  readingsOf(where)?.set(stored.record, { _tag: "stored", stored })
}

/** Reads a record's payload. */
export const readRecord = (where: Where, record: SessionRecord): Reading => {
  const readings = readingsOf(where)
  const known = readings?.get(record)
  if (known !== undefined) return known
  const reading = readPayload(where.settings, record)
  readings?.set(record, reading)
  return reading
}

const readPayload = ({ keyring, namespace }: Policy, record: SessionRecord): Reading => {
  const { id, payload } = record
  if (keyring === undefined && isSealed(payload)) return { _tag: "unknownKey" }
  const opened =
    keyring === undefined
      ? ({ _tag: "open", text: payload } as const)
      : openPayload(keyring, payload, id, namespace)
  if (opened._tag !== "open") return opened
  const read = decode(opened.text)
  return read === undefined ? { _tag: "corrupt" } : { _tag: "stored", stored: { record, ...read } }
}
