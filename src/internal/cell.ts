/**
 * The one mutable cell of a request: what was loaded, what the handler sees, what it recorded, and what the response
 * must do with the cookie. Accessors change it synchronously; `commit.ts` brings it to the store.
 */
import type * as Clock from "effect/Clock"
import { makeSecret } from "../core/csrf.js"
import type { CommitMark } from "../core/envelope.js"
import { isFault } from "../core/fault.js"
import { apply, type Operation } from "../core/operation.js"
import type { SessionRecord } from "../core/record.js"
import { flashIds, flashOf, initial, type State } from "../core/state.js"
import { makeToken, tokenId } from "../core/token.js"
import type { LocalInstant, Service } from "../SessionStore.js"
import { raise } from "./raise.js"
import type { Compiled } from "./settings.js"

/** What does not change during a request. */
export interface Surroundings {
  readonly store: Service
  readonly compiled: Compiled
  readonly clock: Clock.Clock
  readonly began: LocalInstant
  /** The client's address and agent, worked out when a record is written. */
  readonly ipAddress: () => string | null
  readonly userAgent: () => string | null
}

/** A stored session as this request last saw it. */
export interface Base {
  readonly record: SessionRecord
  readonly state: State
  readonly commits: ReadonlyArray<CommitMark>
}

/** A change of id that waits for the commit. */
export interface PendingMove {
  readonly token: string
  readonly id: string
  readonly kind: "quarantine" | "alias"
  readonly reason: "login" | "regenerate" | "migrate" | "invalidate"
}

/**
 * `open`: works on a stored session or may begin one. `retired`: the request's id was moved away from, or its session
 * is gone: it sees a session of its own that is never stored. `ephemeral`: the middleware skips this request.
 */
export type Mode = "open" | "retired" | "ephemeral"

/** The session of one request. */
export interface Cell {
  readonly surroundings: Surroundings
  mode: Mode
  /** The token of the session as the client has it or will get it. */
  token: string
  id: string
  /** The id of the cookie that came with the request, when it is retired. */
  retiredId: string | null
  base: Base | null
  /** No stored session came with the request, or what came has been destroyed. */
  isNew: boolean
  /** What an unwritten session looks like, to tell whether a new one was written to. */
  blank: State
  state: State
  operations: Array<Operation>
  /** The stored flash entries this request's snapshot held. */
  seenFlash: ReadonlyArray<string>
  move: PendingMove | null
  /** The handler asked for a session, even an empty one. */
  started: boolean
  /** The request came with an id that is an alias. */
  viaAlias: boolean
  cookie: "none" | "set" | "delete"
  aged: boolean
}

/** Makes the cell of a request that has no session. */
export const makeCell = (surroundings: Surroundings, mode: Mode = "open"): Cell => {
  const token = makeToken()
  const blank = initial(makeSecret(), surroundings.clock.unsafeCurrentTimeMillis())
  return {
    surroundings,
    mode,
    token,
    id: tokenId(token, surroundings.compiled.namespace),
    retiredId: null,
    base: null,
    isNew: true,
    blank,
    state: blank,
    operations: [],
    seenFlash: [],
    move: null,
    started: false,
    viaAlias: false,
    cookie: "none",
    aged: false
  }
}

/** Puts a stored session into a cell. */
export const adopt = (cell: Cell, base: Base, token: string): void => {
  cell.mode = "open"
  cell.base = base
  cell.isNew = false
  cell.token = token
  cell.id = base.record.id
  cell.state = base.state
  cell.seenFlash = flashIds(base.state)
}

/** Begins anew with an empty session that is stored only when something is written. */
export const reset = (cell: Cell): void => {
  const fresh = makeCell(cell.surroundings, cell.mode === "ephemeral" ? "ephemeral" : "open")
  Object.assign(cell, fresh, { aged: cell.aged })
}

/** The instant an operation happens at. */
export const now = (cell: Cell): number => cell.surroundings.clock.unsafeCurrentTimeMillis()

/** Runs an operation on the state and records it; one that does not fit is thrown as the error of that `verb`. */
export const record = (cell: Cell, verb: string, key: string, operation: Operation): void => {
  const next = apply(cell.state, operation)
  if (isFault(next)) throw raise(next, verb, key)
  cell.state = next
  cell.operations.push(operation)
}

/** The ids of the flash entries that shadow these top-level keys now. */
export const seen = (cell: Cell, ...names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const ids: Array<string> = []
  for (const name of names) {
    const entry = flashOf(cell.state, name)
    if (entry !== undefined) ids.push(entry.id)
    const stored = Object.hasOwn(cell.state.flash, name) ? cell.state.flash[name] : undefined
    if (stored !== undefined && stored !== entry) ids.push(stored.id)
  }
  return ids
}

/** Plans a new id; a quarantine is never weakened to an alias. */
export const planMove = (
  cell: Cell,
  kind: PendingMove["kind"],
  reason: PendingMove["reason"]
): string => {
  const token = makeToken()
  const id = tokenId(token, cell.surroundings.compiled.namespace)
  if (cell.base === null) {
    cell.token = token
  } else {
    const strongest = cell.move?.kind === "quarantine" ? "quarantine" : kind
    cell.move = { token, id, kind: strongest, reason }
  }
  cell.id = id
  return id
}
