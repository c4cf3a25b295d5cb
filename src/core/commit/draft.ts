/** The record that stores a state: limits, expiry, sealing. */
import { sealPayload } from "../record/encryption.js"
import {
  complete,
  encodeState,
  keyCount,
  maxKeys,
  type Origin,
  remember
} from "../record/payload.js"
import type { PreviousId, SessionRecord } from "../record/record.js"
import { withoutNow } from "../session/flash.js"
import type { State } from "../session/state.js"
import type { Intent, PlanContext, Policy, Stored } from "./model.js"

/** What is to be stored, and under which id. */
export interface Draft {
  readonly id: string
  readonly state: State
  /** The state as text, as `encodeState` writes it. */
  readonly text: string
  readonly before: Stored | null
  readonly previous: PreviousId | null
}

/** Makes what is stored next. */
export const draftOf = (
  intent: Intent,
  { before, id, previous, state, text }: Draft,
  context: PlanContext
): Stored => {
  const { nowMillis, policy } = context
  const client = context.client()
  const commits = remember(before?.commits ?? "", intent.commitId, nowMillis)
  const origin = originOf(before, intent, client)
  const lastActivityMillis = Math.max(before?.record.lastActivityMillis ?? 0, nowMillis)
  const record: SessionRecord = {
    id,
    namespace: policy.namespace,
    userId: state.userId,
    ipAddress: client.ipAddress ?? before?.record.ipAddress ?? null,
    userAgent: client.userAgent ?? before?.record.userAgent ?? null,
    createdAtMillis: before?.record.createdAtMillis ?? context.empty.absoluteFromMillis,
    lastActivityMillis,
    expiresAtMillis: expiryOf(policy, state, lastActivityMillis),
    endedAtMillis: null,
    version: (before?.record.version ?? 0) + 1,
    previous,
    payload: sealed(policy, complete(text, commits, origin), id)
  }
  return { record, state: withoutNow(state), text, commits, origin }
}

/** A session is bound to the client that logged in, before that to the one that began it. */
const originOf = (before: Stored | null, { change }: Intent, client: Origin): Origin | null =>
  before === null || change?.reason === "login" ? client : before.origin

/** Which limit a state breaks; `undefined` if it breaks none. */
export const limitBroken = (
  state: State,
  text: string,
  { nowMillis, policy: { maxPayloadBytes } }: PlanContext
): string | undefined => {
  if (keyCount(state, nowMillis) > maxKeys) return `it has more than ${maxKeys} top-level keys`
  // A code unit takes at most three bytes of UTF-8, so most payloads need no exact count.
  const isTooLarge = text.length * 3 > maxPayloadBytes && Buffer.byteLength(text) > maxPayloadBytes
  return isTooLarge ? `the payload is larger than ${maxPayloadBytes} bytes` : undefined
}

const sealed = ({ keyring, namespace }: Policy, payload: string, id: string): string =>
  keyring === undefined ? payload : sealPayload(keyring, payload, id, namespace)

/**
 * When a session expires that was last active at an instant: the earlier of its idle and its absolute timeout, but not
 * before that activity. So a lifetime that was shortened below the session's age ends it with that activity.
 */
export const expiryOf = (policy: Policy, state: State, lastActivityMillis: number): number => {
  const own = typeof state.lifetime === "number" ? state.lifetime : undefined
  const timeout = Math.min(
    lastActivityMillis + (own ?? policy.idleMillis),
    state.absoluteFromMillis + (own ?? policy.absoluteMillis)
  )
  return Math.max(timeout, lastActivityMillis)
}

/** The text that is stored of a state. A text that was written stands until one of its keys expires. */
export const textOf = ({ state, text }: Stored, nowMillis: number): string =>
  text !== undefined && Object.values(state.ttl).every((atMillis) => atMillis > nowMillis)
    ? text
    : encodeState(state, nowMillis)
