/** From a state to the record that is stored, and back: limits, expiry, sealing. */

import { isSealed, openPayload, sealPayload } from "../../core/record/encryption.js"
import {
  type CommitMark,
  complete,
  decode as decodeEnvelope,
  keyCount,
  maxKeys,
  type Origin,
  remember
} from "../../core/record/payload.js"
import type { PreviousId, SessionRecord } from "../../core/record/record.js"
import { makeEntryId } from "../../core/record/token.js"
import type { State } from "../../core/session/state.js"
import type { Compiled } from "../config/settings.js"
import { SessionEncodeError } from "../errors/errors.js"
import { isSynchronous } from "../store/synchronous.js"
import type { Base, Cell } from "./cell.js"

/** What became of a record that was read. */
export type Reading =
  | { readonly _tag: "base"; readonly base: Base }
  | { readonly _tag: "unknownKey" }
  | { readonly _tag: "corrupt" }

/**
 * What records were read as. Only of stores that hand out the very objects they were given: elsewhere no record is seen
 * twice.
 */
const readings = new WeakMap<Compiled, WeakMap<SessionRecord, Reading>>()

const readingsOf = (cell: Cell): WeakMap<SessionRecord, Reading> | undefined => {
  const { compiled, store } = cell.surroundings
  if (!isSynchronous(store)) return undefined
  const known = readings.get(compiled)
  if (known !== undefined) return known
  const made = new WeakMap<SessionRecord, Reading>()
  readings.set(compiled, made)
  return made
}

/** Remembers what a record that was written is read as; what was read of it itself stands. */
export const noteWritten = (cell: Cell, base: Base): void => {
  const known = readingsOf(cell)
  if (known?.has(base.record) === false) known.set(base.record, { _tag: "base", base })
}

/** Reads a record's payload. */
export const readRecord = (cell: Cell, record: SessionRecord): Reading => {
  const known = readingsOf(cell)
  const reading = known?.get(record)
  if (reading !== undefined) return reading
  const read = readPayload(cell, record)
  known?.set(record, read)
  return read
}

const readPayload = (cell: Cell, record: SessionRecord): Reading => {
  const { keyring } = cell.surroundings.compiled
  if (keyring === undefined && isSealed(record.payload)) return { _tag: "unknownKey" }
  const opened =
    keyring === undefined
      ? ({ _tag: "open", text: record.payload } as const)
      : openPayload(keyring, record.payload, record.id, cell.surroundings.compiled.namespace)
  if (opened._tag !== "open") return opened
  const envelope = decodeEnvelope(opened.text)
  if (envelope === undefined) return { _tag: "corrupt" }
  return { _tag: "base", base: { record, ...envelope } }
}

/**
 * Makes the id that tells a commit from others, should the answer of the store be lost. A store that never waits loses no
 * answer: its commits need none.
 */
export const makeCommitId = (cell: Cell): string =>
  isSynchronous(cell.surroundings.store) ? "" : makeEntryId()

/** The commit ids to store with what such a commit writes. */
export const withCommitId = (
  cell: Cell,
  commits: ReadonlyArray<CommitMark>,
  id: string,
  nowMillis: number
): ReadonlyArray<CommitMark> =>
  isSynchronous(cell.surroundings.store) ? commits : remember(commits, id, nowMillis)

/** The client of this request, as the one that begins a session. */
export const originOf = ({ surroundings }: Cell): Origin => ({
  ipAddress: surroundings.ipAddress(),
  userAgent: surroundings.userAgent()
})

/** What `writeRecord` needs beside the cell. */
export interface Draft {
  readonly id: string
  readonly state: State
  /** The state as text. */
  readonly text: string
  readonly commits: ReadonlyArray<CommitMark>
  readonly origin: Origin | null
  readonly before: SessionRecord | null
  readonly previous: PreviousId | null
  readonly nowMillis: number
}

/** Makes the record that stores a state, or says that it is too large. */
export const writeRecord = (cell: Cell, draft: Draft): SessionRecord | SessionEncodeError => {
  const { before, commits, id, nowMillis, origin, previous, state, text } = draft
  const { compiled } = cell.surroundings
  if (keyCount(state, nowMillis) > maxKeys)
    return refuse(`it has more than ${maxKeys} top-level keys`)
  // A code unit takes at most three bytes of UTF-8, so most payloads need no exact count.
  if (
    text.length * 3 > compiled.maxPayloadBytes &&
    Buffer.byteLength(text) > compiled.maxPayloadBytes
  ) {
    return refuse(`the payload is larger than ${compiled.maxPayloadBytes} bytes`)
  }
  const payload = complete(text, commits, origin)
  const lastActivityMillis = Math.max(before?.lastActivityMillis ?? 0, nowMillis)
  return {
    id,
    namespace: compiled.namespace,
    userId: state.userId,
    ipAddress: cell.surroundings.ipAddress() ?? before?.ipAddress ?? null,
    userAgent: cell.surroundings.userAgent() ?? before?.userAgent ?? null,
    createdAtMillis: before?.createdAtMillis ?? cell.blank.absoluteFromMillis,
    lastActivityMillis,
    expiresAtMillis: expiry(cell, state, lastActivityMillis),
    endedAtMillis: null,
    version: (before?.version ?? 0) + 1,
    previous,
    payload:
      compiled.keyring === undefined
        ? payload
        : sealPayload(compiled.keyring, payload, id, compiled.namespace)
  }
}

/**
 * When a session expires that was last active then: the earlier of its idle and its absolute timeout, but not before that
 * activity. A lifetime that was shortened below the session's age ends it with that activity.
 */
export const expiry = (cell: Cell, state: State, lastActivityMillis: number): number => {
  const { absoluteMillis, idleMillis } = cell.surroundings.compiled
  const own = typeof state.lifetime === "number" ? state.lifetime : undefined
  const timeout = Math.min(
    lastActivityMillis + (own ?? idleMillis),
    state.absoluteFromMillis + (own ?? absoluteMillis)
  )
  return Math.max(timeout, lastActivityMillis)
}

const refuse = (reason: string) => new SessionEncodeError({ operation: "commit", key: "", reason })
