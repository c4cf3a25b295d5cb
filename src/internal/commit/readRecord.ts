/** Reads records, each object once: stores in memory hand out the very objects they were given. */
import type { Reading } from "../../core/commit/arrival.js"
import type { Policy, Stored } from "../../core/commit/model.js"
import { isSealed, openPayload } from "../../core/record/encryption.js"
import { decode } from "../../core/record/payload.js"
import type { SessionRecord } from "../../core/record/record.js"

const readings = new WeakMap<Policy, WeakMap<SessionRecord, Reading>>()

const readingsOf = (policy: Policy): WeakMap<SessionRecord, Reading> => {
  const known = readings.get(policy)
  if (known !== undefined) return known
  const made = new WeakMap<SessionRecord, Reading>()
  readings.set(policy, made)
  return made
}

/** Remembers what a record that was written is read as. */
export const noteWritten = (policy: Policy, stored: Stored): void => {
  readingsOf(policy).set(stored.record, { _tag: "stored", stored })
}

/** Reads a record's payload. */
export const readRecord = (policy: Policy, record: SessionRecord): Reading => {
  const known = readingsOf(policy)
  const reading = known.get(record) ?? readPayload(policy, record)
  known.set(record, reading)
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
