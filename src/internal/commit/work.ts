/** One commit on its way: what it brings to the store, and how the cell stands when it has arrived. */
import * as Effect from "effect/Effect"
import { applyAll, type Operation } from "../../core/session/operation.js"
import { carryOn, type State, withoutNow } from "../../core/session/state.js"
import type { SessionConflict, SessionEncodeError, SessionStoreError } from "../errors/errors.js"
import { type Base, type Cell, type PendingMove, retire } from "./cell.js"
import { makeCommitId, noteWritten } from "./codec.js"
import type { Unsure } from "./unsure.js"

/** How a commit can fail. */
export type CommitError = SessionStoreError | SessionConflict | SessionEncodeError

/** How a commit can end well. `gone`: the session does not exist any more and everything was dropped. */
export type Outcome = "done" | "gone"

/** What a commit does beside the pending operations. */
export interface CommitOptions {
  /** Removes the flash this request's snapshot held. */
  readonly ages: boolean
  /** The store's word in errors: `commit`, `login`, ... */
  readonly operation: string
}

/** The outcome of a commit that had nothing left to do. */
export const done: Effect.Effect<Outcome> = Effect.succeed("done")

/** One commit of one cell. */
export class Work {
  /** Nobody waits for it any more: it must leave the cell alone. */
  abandoned = false
  operations: ReadonlyArray<Operation> = []
  /** What the operations make of the cell's base, where that is known. */
  replayed: State | null = null
  move: PendingMove | null = null
  /** The token that opens the alias of the base this work stands on. */
  token = ""
  attempts = 0
  readonly commitId: string
  /** Where it waits: a cell that has given that up by its turn has nothing to do with it any more. */
  private readonly line: object
  /** When its turn came; before that it waits for the earlier commits of this process. */
  beganMillis: number | undefined
  private taken: ReadonlyArray<Operation> = []
  /** Whether what settles is an earlier commit of the cell, which aged nothing. */
  private isEarlier = false

  constructor(
    readonly cell: Cell,
    readonly options: CommitOptions
  ) {
    this.commitId = makeCommitId(cell)
    this.line = cell.line
  }

  /** Whether the cell has gone on without it. */
  get isLeft(): boolean {
    return this.abandoned || this.line !== this.cell.line
  }

  /** Takes over what is pending now; what is recorded from here on stays for the next commit. */
  take(): void {
    const { cell } = this
    this.beganMillis ??= performance.now()
    if (cell.base === null && cell.move !== null) {
      // What was being stored when the move was planned was not stored after all.
      cell.token = cell.move.token
      cell.move = null
    }
    const ages = this.options.ages && !cell.aged && cell.seenFlash.length > 0
    this.isEarlier = false
    this.taken = cell.operations.slice()
    this.operations = ages ? [...this.taken, { _tag: "age", seen: cell.seenFlash }] : this.taken
    this.replayed = !ages && cell.replayed === cell.state ? cell.state : null
    this.move = cell.move
    this.token = cell.base === null ? "" : cell.token
  }

  /** The cell after this commit: this request's own flash still readable, later operations still pending. */
  settle(base: Base, token: string): void {
    const { cell } = this
    if (this.isLeft) return
    // What was for this request alone is not part of what is stored.
    const state = withoutNow(base.state)
    cell.base = state === base.state ? base : { ...base, state }
    noteWritten(cell, cell.base)
    cell.token = token
    if (this.options.ages && !this.isEarlier) cell.aged = true
    cell.noteSettled(this.taken, this.move)
    this.taken = []
    const later = applyAll(base.state, cell.operations)
    cell.replayed = "fault" in later ? null : later
    cell.state = carryOn(cell.state, "fault" in later ? base.state : later)
  }

  /** Notes that nobody knows whether the store has done this commit. */
  noteUnsure(): void {
    const { cell, commitId, move, taken } = this
    if (!this.isLeft) cell.unsure = [...cell.unsure, { commitId, operations: taken, move }]
  }

  /** Lets an earlier commit settle in this one's place; what else is pending stays so. */
  becomeEarlier({ move, operations }: Unsure): void {
    this.taken = operations
    this.move = move
    this.isEarlier = true
  }

  /** The response must hand the client its cookie. */
  owesCookie(): void {
    if (!this.isLeft) this.cell.cookie = "set"
  }

  /** Drops everything: the session is gone. */
  get gone(): Effect.Effect<Outcome> {
    return Effect.sync(() => {
      if (!this.isLeft) retire(this.cell)
      return "gone"
    })
  }
}
