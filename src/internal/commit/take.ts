/** Consume: one operation on the stored session, committed at once by itself, so that exactly one request gets it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { encodeState } from "../../core/record/payload.js"
import type { SessionRecord } from "../../core/record/record.js"
import { isFault } from "../../core/session/fault.js"
import { apply, applyAll, type Operation } from "../../core/session/operation.js"
import { carryOn, type State } from "../../core/session/state.js"
import { SessionEncodeError, SessionStoreError } from "../errors/errors.js"
import { follow } from "./alias.js"
import { backOff } from "./backOff.js"
import { type Base, type Cell, now, retire } from "./cell.js"
import { makeCommitId, readRecord, withCommitId, writeRecord } from "./codec.js"
import { guarded, retryMillis } from "./deadline.js"
import { inLine, lineMoved } from "./line.js"
import { findAgain, landed, type Unsure, withoutLogin } from "./unsure.js"

type Take = (state: State) => Operation | undefined

/** One taking on its way. */
class Taking {
  readonly commitId: string
  /** When its turn came. */
  beganMillis: number | undefined
  attempts = 0
  /** The token that opens the alias of the base this stands on. */
  token: string
  /** Nobody waits for it any more. */
  abandoned = false
  /** Where it waits. */
  private readonly line: object

  constructor(
    readonly cell: Cell,
    readonly take: Take
  ) {
    this.commitId = makeCommitId(cell)
    this.token = cell.token
    this.line = cell.line
  }

  /** Whether the cell has gone on without it. */
  get isLeft(): boolean {
    return this.abandoned || this.line !== this.cell.line
  }
}

/** How something is taken. */
interface TakeOptions {
  /** Whether this request has seen it; else the store is asked first, as it may have come since. */
  readonly isKnown: boolean
}

/**
 * Takes something out of the stored session alone, by compare-and-swap: `take` gives the operation that removes it from
 * a state, or `undefined` when it is not there. Succeeds with the state it was taken from. Pending operations stay
 * pending and are run again on what is left.
 */
export const takeStored = (
  cell: Cell,
  take: Take,
  { isKnown }: TakeOptions
): Effect.Effect<State | undefined, SessionStoreError> => {
  const { store } = cell.surroundings
  const taking = new Taking(cell, take)
  const turn = inLine(
    cell,
    Effect.suspend(() => {
      // What is not taken by the time it is given up stays.
      if (taking.isLeft || cell.base === null) return nothing
      taking.token = cell.token
      taking.beganMillis ??= performance.now()
      return isKnown ? attempt(taking, cell.base) : reload(taking, cell.base)
    })
  )
  return guarded(store, "consume", turn, {
    since: () => taking.beganMillis ?? lineMoved(cell),
    abandon: () => {
      taking.abandoned = true
    }
  })
}

const nothing = Effect.succeed<State | undefined>(undefined)

const attempt = (
  taking: Taking,
  current: Base
): Effect.Effect<State | undefined, SessionStoreError> => {
  if (taking.isLeft) return nothing
  const { cell, commitId, take } = taking
  taking.attempts += 1
  const operation = take(current.state)
  const state = operation === undefined ? undefined : apply(current.state, operation)
  if (state === undefined || isFault(state)) return rebase(taking, current, nothing)
  const nowMillis = now(cell)
  const commits = withCommitId(cell, current.commits, commitId, nowMillis)
  const record = writeRecord(cell, {
    id: current.record.id,
    state,
    text: encodeState(state, nowMillis),
    commits,
    origin: current.origin,
    before: current.record,
    previous: current.record.previous,
    nowMillis
  })
  if (record instanceof SessionEncodeError) return Effect.die(record)
  const looked = Effect.suspend(() => reload(taking, current))
  return Effect.matchEffect(cell.surroundings.store.update(record, current.record.version), {
    onSuccess: (updated) =>
      updated ? taken(taking, current, { record, state, commits, origin: current.origin }) : looked,
    onFailure: (error) => Effect.catchAll(looked, () => Effect.fail(error))
  })
}

/** Gives the state it was taken from, and goes on with what is left. */
const taken = (taking: Taking, from: Base, left: Base): Effect.Effect<State | undefined> =>
  rebase(taking, left, Effect.succeed(from.state), true)

const reload = (
  taking: Taking,
  current: Base
): Effect.Effect<State | undefined, SessionStoreError> =>
  Effect.flatMap(findAgain(taking.cell, current, null), (found) =>
    Option.isNone(found) ? gone(taking) : again(taking, current, found.value)
  )

const again = (
  taking: Taking,
  current: Base,
  record: SessionRecord
): Effect.Effect<State | undefined, SessionStoreError> => {
  const { cell, commitId } = taking
  const reading = readRecord(cell, record)
  if (reading._tag !== "base") {
    return new SessionStoreError({ operation: "consume", reason: "corrupt" })
  }
  const newest = reading.base
  const isDone = newest.commits.some((mark) => mark.id === commitId)
  const earlier = isDone ? undefined : landed(cell, newest)
  const unwanted = withoutLogin(cell, earlier, null)
  if (unwanted !== undefined) return Effect.zipRight(unwanted, gone(taking))
  // Done or not: what somebody else has moved since is not this client's any more, but by an alias.
  if (record.id !== (earlier?.move?.id ?? current.record.id) && !follow(taking, newest)) {
    return Effect.as(gone(taking), isDone ? current.state : undefined)
  }
  if (isDone) return taken(taking, current, newest)
  if (earlier !== undefined && !taking.isLeft) settleEarlier(taking, earlier)
  if (performance.now() - (taking.beganMillis ?? 0) > retryMillis) {
    return new SessionStoreError({ operation: "consume", reason: "timeout" })
  }
  return Effect.flatMap(backOff(taking.attempts), () => attempt(taking, newest))
}

/** Takes an earlier commit that turned out to be done off what is pending. */
const settleEarlier = (taking: Taking, { move, operations }: Unsure): void => {
  const { cell } = taking
  cell.noteSettled(operations, move)
  if (move === null) return
  taking.token = move.token
  cell.unsentId = move.id
  cell.cookie = "set"
}

const gone = (taking: Taking): typeof nothing => {
  if (!taking.isLeft) retire(taking.cell)
  return nothing
}

/**
 * Puts the cell on what is stored now, with what is pending run again on it. What was to be taken is gone for this request
 * too, also where an operation that is pending would bring it back.
 */
const rebase = (
  { cell, isLeft, take, token }: Taking,
  base: Base,
  result: typeof nothing,
  slides = false
): typeof nothing => {
  if (isLeft) return result
  const shown = without(cell.state, take(cell.state))
  const replayed = applyAll(base.state, cell.operations)
  if ("fault" in replayed) {
    cell.rebase(base, cell.state)
  } else {
    const again = take(base.state) === undefined ? take(replayed) : undefined
    if (again !== undefined) cell.operations.push(again)
    cell.rebase(base, carryOn(shown, without(replayed, again)))
  }
  cell.token = token
  if (slides) cell.cookie = "set"
  return result
}

const without = (state: State, taking: Operation | undefined): State => {
  const left = taking === undefined ? state : apply(state, taking)
  // To forget a value always fits.
  return isFault(left) ? state : left
}
