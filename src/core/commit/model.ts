/**
 * What one commit is made of, as values. A request stands at a `Position`; an `Intent` says what it brings; `planCommit` says
 * what to do in the store; `fateOf` says what became of it; `cookieAfter` says what the response owes the client.
 *
 * All of it is plain data, so that "what would this request commit?" is asked without a store or a server.
 */
import type { Keyring } from "../record/encryption.js"
import type { Origin } from "../record/payload.js"
import type { SessionRecord } from "../record/record.js"
import type { Operation } from "../session/operation.js"
import type { State } from "../session/state.js"

/** A stored session as this request last saw it. */
export interface Stored {
  readonly record: SessionRecord
  readonly state: State
  /** The state as text, where this process has written it. */
  readonly text?: string | undefined
  readonly commits: string
  readonly origin: Origin | null
}

/** Where a request stands in the store, and by which token. Never changed, only replaced. */
export interface Position {
  readonly stored: Stored | null
  /** The token of the session as the client has it, or will get it. */
  readonly token: string
  /** The public id: that of the stored session, or the one it gets when it is stored. */
  readonly id: string
  /** `here`: made by this request, so no other response can carry a newer one. `alias`: found behind an alias. */
  readonly tokenFrom: "client" | "alias" | "here"
}

/** A position on a session that is stored. */
export type StoredPosition = Position & { readonly stored: Stored }

/** A new id for the session. */
export interface IdChange {
  readonly token: string
  readonly id: string
  /** What becomes of the old id: it sees nothing for a while, or it leads to the session for a while. */
  readonly kind: "quarantine" | "alias"
  readonly reason: "login" | "regenerate" | "migrate" | "invalidate"
}

/** What is asked of a commit, in the words of errors. */
export type CommitVerb = "commit" | "login" | "consume" | "touch" | "serialize"

/** What one commit brings. Made once: what a handler records later is for the next one. */
export interface Intent {
  /** Stands in the row once the commit is done, so that a lost reply is recognised; `null` where none can be lost. */
  readonly commitId: string | null
  readonly verb: CommitVerb
  /** The operations for the newest state. They are constant, except for `consume`, which removes what it finds there. */
  readonly operations: (newest: State) => ReadonlyArray<Operation>
  /** What the operations make of one state, where the handler has been shown just that. */
  readonly predicted: Prediction | null
  readonly change: IdChange | null
  /** The operations that the handler sees only once the commit is done. */
  readonly unseen: (shown: State) => ReadonlyArray<Operation>
  /** What is pending no more once the commit is done. */
  readonly takes: {
    readonly operations: ReadonlyArray<Operation>
    readonly change: IdChange | null
  }
}

/** For an intent that shows the handler nothing new. */
export const noOperations = (): ReadonlyArray<Operation> => []

/** For an intent that takes nothing of what is pending. */
export const takesNothing: Intent["takes"] = { operations: [], change: null }

/** The state that some operations make of another one. */
export interface Prediction {
  readonly from: State
  readonly state: State
}

/** The settings that decide what is stored. */
export interface Policy {
  readonly namespace: string
  readonly idleMillis: number
  readonly absoluteMillis: number
  readonly touchMillis: number
  /** How long an alias lives. */
  readonly graceMillis: number
  readonly quarantineMillis: number
  readonly maxPayloadBytes: number
  readonly keyring: Keyring | undefined
}

/** What a plan depends on beside position and intent. */
export interface PlanContext {
  readonly policy: Policy
  /** The client of this request, worked out where a record is written. */
  readonly client: () => Origin
  /** What an unwritten session looks like. */
  readonly empty: State
  readonly nowMillis: number
}

/** What there is to do in the store: one call each, or none. */
export type CommitPlan =
  /** Nothing is stored: there is nothing to say, or what is said is stored already. */
  | { readonly _tag: "Skip" }
  | { readonly _tag: "Touch"; readonly next: Stored }
  | { readonly _tag: "Insert"; readonly next: Stored; readonly token: string }
  | { readonly _tag: "Update"; readonly next: Stored; readonly version: number }
  | {
      readonly _tag: "Move"
      readonly next: Stored
      readonly version: number
      readonly fromId: string
      readonly token: string
    }
  | Refusal

/** Why nothing can be stored: an operation does not fit what is stored now, or the payload breaks a limit. */
export interface Refusal {
  readonly _tag: "Refuse"
  readonly kind: "conflict" | "busy" | "limit"
  /** The operation that does not fit, or the verb. */
  readonly operation: string
  readonly reason: string
}

/** What the row that is there now says of a write that missed, or whose reply was lost. */
export type Fate =
  /** The write took effect. */
  | { readonly _tag: "Done"; readonly at: Position }
  /** It did not: the intent is tried again from where the session is now. */
  | { readonly _tag: "Again"; readonly at: Position; readonly intent: Intent }
  /** The session has ended, or is not this client's any more. */
  | { readonly _tag: "Gone" }

/** What the response must say of the cookie. */
export type CookieDuty =
  | { readonly _tag: "Keep" }
  | { readonly _tag: "Set"; readonly at: Position }
  | { readonly _tag: "Delete" }

/** The duty of a response that leaves the client's cookie alone. */
export const keepCookie: CookieDuty = { _tag: "Keep" }
