/**
 * The one mutable cell of a request: what was loaded, what the handler sees, what it recorded, and what the response
 * must do with the cookie. Accessors change it synchronously; `commit.ts` brings it to the store.
 */
import type * as Clock from "effect/Clock"
import type * as PubSub from "effect/PubSub"
import { makeSecret } from "../../core/http/csrf.js"
import type { CommitMark, Origin } from "../../core/record/payload.js"
import type { SessionRecord } from "../../core/record/record.js"
import { makeToken, tokenId } from "../../core/record/token.js"
import { isFault } from "../../core/session/fault.js"
import { apply, applyAll, type Operation } from "../../core/session/operation.js"
import { display, type Key } from "../../core/session/path.js"
import { carryOn, flashIds, flashOf, initial, type State } from "../../core/session/state.js"
import type { Compiled } from "../config/settings.js"
import { isFree } from "../effect/turns.js"
import { raise } from "../errors/toSessionError.js"
import type { SessionEvent } from "../events/event.js"
import type { LocalInstant, Service } from "../store/contract.js"
import type { Unsure } from "./unsure.js"

/** What does not change during a request. */
export interface Surroundings {
  readonly store: Service
  readonly compiled: Compiled
  readonly clock: Clock.Clock
  readonly began: LocalInstant
  /** Where events go; without one to the hub of the fiber that publishes. */
  readonly events?: PubSub.PubSub<SessionEvent> | undefined
  /** The client's address and agent, worked out when a record is written. */
  readonly ipAddress: () => string | null
  readonly userAgent: () => string | null
  /** The host the request was sent to, where there is a request. */
  readonly host?: (() => string | undefined) | undefined
}

/** A stored session as this request last saw it. */
export interface Base {
  readonly record: SessionRecord
  readonly state: State
  /** The state as text, where it is known. */
  readonly text?: string
  readonly commits: ReadonlyArray<CommitMark>
  readonly origin: Origin | null
}

/** What a cookie is made of. */
export interface Owed {
  readonly token: string
  readonly base: Base
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

const nothingSeen: ReadonlyArray<string> = []
const noneUnsure: ReadonlyArray<Unsure> = []

/**
 * The session of one request. A visitor who writes nothing needs no token, id or CSRF secret: they are made when
 * somebody asks for them.
 */
export class Cell {
  /** The id of the cookie that came with the request, when it is retired. */
  retiredId: string | null = null
  private stored: Base | null = null
  /** What an unwritten session looks like, to tell whether a new one was written to. */
  blank: State
  state: State
  operations: Array<Operation> = []
  /**
   * What the pending operations make of the base's state. While the handler sees just that, a commit need not run them
   * again; `null` where something else has a part in what it sees.
   */
  replayed: State | null = null
  /** The stored flash entries this request's snapshot held. */
  seenFlash: ReadonlyArray<string> = nothingSeen
  move: PendingMove | null = null
  /** The handler asked for a session, even an empty one. */
  started = false
  /** The id that a commit of this request has moved the session to: no client has its cookie yet. */
  unsentId: string | null = null
  /** The request came with an id that is an alias, or that has become one since. */
  viaAlias = false
  /** The token behind that alias, where it was found only at a commit: the client's from now on, come what may. */
  newerToken: string | null = null
  cookie: "none" | "set" | "delete" = "none"
  /** The cookie of a session that was given up after it was committed: the client must have it all the same. */
  owed: Owed | null = null
  aged = false
  /** No stored session came with the request, or what came has ended in it. */
  isNew = true
  /** Set once the response head has left: tells of a write that comes too late to be committed. */
  late: ((verb: string, key: string) => void) | null = null
  /** How things stood when a commit failed for good and the handler was told so. */
  private refused: Pick<Cell, "state" | "move" | "started"> | null = null
  /** Commits that may have been done although they failed. */
  unsure: ReadonlyArray<Unsure> = noneUnsure
  private settledMove: PendingMove | null = null
  /** The owner of this cell's queue; another one once the session is given up, which nothing that hangs may hold up. */
  line: object = this
  private ownToken: string | null = null
  private ownId: string | null = null

  constructor(
    readonly surroundings: Surroundings,
    public mode: Mode
  ) {
    this.blank = initial("", surroundings.clock.unsafeCurrentTimeMillis())
    this.state = this.blank
  }

  /** The stored session as this request last saw it. */
  get base(): Base | null {
    return this.stored
  }

  set base(base: Base | null) {
    this.stored = base
    this.replayed = null
  }

  /** The token of the session as the client has it or will get it. */
  get token(): string {
    this.ownToken ??= makeToken()
    return this.ownToken
  }

  set token(token: string) {
    this.newerToken = null
    this.ownToken = token
    this.ownId = null
  }

  /** The public id the session has, or will have once it is committed. */
  get id(): string {
    if (this.move !== null) return this.move.id
    if (this.base !== null) return this.base.record.id
    this.ownId ??= tokenId(this.token, this.surroundings.compiled.namespace)
    return this.ownId
  }

  /** Makes sure that the state has a CSRF secret, and gives it. */
  withSecret(): State {
    if (this.state.csrfSecret === "") this.state = { ...this.state, csrfSecret: makeSecret() }
    return this.state
  }

  /** Forgets everything but what the response owes the client: an empty session of its own. */
  clear(mode: Mode): void {
    this.mode = mode
    this.line = {}
    this.retiredId = null
    this.base = null
    this.blank = initial("", now(this))
    this.state = this.blank
    this.operations = []
    this.seenFlash = nothingSeen
    this.move = null
    this.started = false
    this.unsentId = null
    this.viaAlias = false
    this.newerToken = null
    this.unsure = noneUnsure
    this.isNew = true
    this.cookie = "none"
    this.owed = null
    this.ownToken = null
    this.ownId = null
  }

  /** Notes that what is pending cannot be committed, and that the handler has the error. */
  noteRefused(): void {
    const { move, started, state } = this
    this.refused = { move, started, state }
  }

  /** Drops what was refused. Where the handler has changed something since, it is worth another try. */
  dropRefused(): void {
    const { base, move, refused, started, state } = this
    if (refused === null || refused.state !== state) return
    if (refused.move !== move || refused.started !== started) return
    this.state = base?.state ?? this.blank
    this.operations = []
    this.move = null
    this.started = false
  }

  /** Notes that a commit has brought this move and these of the pending operations to the store. */
  noteSettled(operations: ReadonlyArray<Operation>, move: PendingMove | null): void {
    this.operations = without(this.operations, operations)
    this.unsure = noneUnsure
    // One that was planned meanwhile is for the next commit.
    if (this.move === move) this.move = null
    if (move !== null) this.settledMove = move
  }

  /** Puts the cell on another base; what the handler was told of a refused commit still holds. */
  rebase(base: Base, state: State): void {
    if (this.refused?.state === this.state) this.refused = { ...this.refused, state }
    this.base = base
    this.state = state
  }

  /**
   * Gives the way back to how things stand now, for operations that may fail as one. What other fibers of the request have
   * recorded or committed since stays so.
   */
  snapshot(): (failed: ReadonlyArray<Operation>, failedMove: PendingMove | null) => void {
    const { base, mode, move, operations, ownId, ownToken, settledMove, started, state } = this
    const recorded = operations.length
    return (failed, failedMove) => {
      this.operations = without(this.operations, failed)
      Object.assign(this, { mode, started })
      if (this.move === failedMove) {
        this.move = this.settledMove === settledMove || this.settledMove !== move ? move : null
      }
      if (this.base === base && this.operations.length === recorded) {
        Object.assign(this, { state, ownId, ownToken })
        return
      }
      const stored = this.base?.state ?? this.blank
      const replayed = applyAll(stored, this.operations)
      this.state = carryOn(this.state, "fault" in replayed ? stored : replayed)
    }
  }
}

/** Most commits take all there is. */
const without = (
  operations: ReadonlyArray<Operation>,
  taken: ReadonlyArray<Operation>
): Array<Operation> =>
  taken.length === operations.length && taken.every((operation, at) => operation === operations[at])
    ? []
    : operations.filter((operation) => !taken.includes(operation))

/** Makes the cell of a request that has no session. */
export const makeCell = (surroundings: Surroundings, mode: Mode = "open"): Cell =>
  new Cell(surroundings, mode)

/** Puts a stored session into a cell. */
export const adopt = (cell: Cell, base: Base, token: string): void => {
  cell.mode = "open"
  cell.isNew = false
  cell.base = base
  cell.token = token
  cell.state = base.state
  cell.replayed = base.state
  cell.seenFlash = flashIds(base.state)
}

/** Begins anew with an empty session that is stored only when something is written. */
export const reset = (cell: Cell): void =>
  cell.clear(cell.mode === "ephemeral" ? "ephemeral" : "open")

/** Drops everything, because the stored session is gone: nothing of it may come back under another id. */
export const retire = (cell: Cell): void => {
  const retiredId = cell.base?.record.id ?? cell.retiredId
  cell.clear("retired")
  cell.retiredId = retiredId
}

/** Gives the session up because the store does not answer; what is committed already gets its cookie. */
export const giveUp = (cell: Cell): void => {
  const owed = owedNow(cell)
  const { cookie } = cell
  retire(cell)
  cell.owed = owed
  if (cookie === "delete") cell.cookie = "delete"
}

/** The cookie that the response must carry, if any. */
export const owedNow = (cell: Cell): Owed | null =>
  cell.cookie === "set" && cell.base !== null
    ? { token: cell.newerToken ?? cell.token, base: cell.base }
    : cell.owed

/** The instant an operation happens at. */
export const now = (cell: Cell): number => cell.surroundings.clock.unsafeCurrentTimeMillis()

/** Runs an operation on the state and records it; one that does not fit is thrown as the error of that `verb`. */
export const record = (cell: Cell, verb: string, key: Key, operation: Operation): void => {
  const next = apply(cell.state, operation)
  if (isFault(next)) throw raise(next, verb, display(key))
  cell.replayed = cell.replayed === cell.state ? next : null
  cell.state = next
  cell.operations.push(operation)
  cell.late?.(verb, display(key))
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

/** The key of a cell's queue: what one request asks of the store for its session is asked one after the other. */
export const ownTurn = ""

/** Plans a new id; a quarantine is never weakened to an alias. */
export const planMove = (
  cell: Cell,
  kind: PendingMove["kind"],
  reason: PendingMove["reason"]
): string => {
  if (cell.late !== null) {
    // The client could not be told its new cookie any more.
    cell.late(reason, "")
    return cell.id
  }
  const token = makeToken()
  // A session that is being stored just now, or may have been, has its id already.
  if (cell.base === null && isFree(cell.line, ownTurn) && cell.unsure.length === 0) {
    cell.token = token
  } else {
    const strongest = cell.move?.kind === "quarantine" ? "quarantine" : kind
    const id = tokenId(token, cell.surroundings.compiled.namespace)
    cell.move = { token, id, kind: strongest, reason }
  }
  return cell.id
}
