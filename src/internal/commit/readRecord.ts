/** Reads records. The objects that a store in memory hands out are the very ones it was given: each of them is read once. */
import type { Reading } from "../../core/commit/arrival.js"
import type { Policy, Stored } from "../../core/commit/model.js"
import { isSealed, openPayload } from "../../core/record/encryption.js"
import { decode } from "../../core/record/payload.js"
import type { SessionRecord } from "../../core/record/record.js"
import { isMemoryStore } from "../store/memory/store.js"
import type { RequestContext } from "./RequestContext.js"

type Known = Extract<Reading, { readonly _tag: "stored" }>

/** By the ids of the records. A `WeakMap` by the records would keep every version until the engine looks through all of its memory. */
const known = new WeakMap<Policy, Map<string, Known>>()

/** So many are known at most. Then all of them are forgotten, which costs a reading each. */
const mostKnown = 10_000

/** Where a record was found. */
type Where = Pick<RequestContext, "settings" | "store">

/** What is known of the records of a store. Those of any other store come once: to remember them would cost more than to read them. */
const knownOf = ({ settings, store }: Where): Map<string, Known> | undefined => {
  if (!isMemoryStore(store)) return undefined
  const records = known.get(settings)
  if (records !== undefined) return records
  const made = new Map<string, Known>()
  known.set(settings, made)
  return made
}

/** Remembers what a record that was written is read as. */
export const noteWritten = (where: Where, stored: Stored): void => {
  const records = knownOf(where)
  if (records === undefined) return
  if (records.size >= mostKnown) records.clear()
  records.set(stored.record.id, { _tag: "stored", stored })
}

/** Reads a record's payload. */
export const readRecord = (where: Where, record: SessionRecord): Reading => {
  const before = knownOf(where)?.get(record.id)
  if (before?.stored.record === record) return before
  const reading = readPayload(where.settings, record)
  if (reading._tag === "stored") noteWritten(where, reading.stored)
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
