/** Consume: one operation on the stored session, committed at once by itself, so that exactly one request gets it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { encodeState } from "../core/envelope.js"
import { isFault } from "../core/fault.js"
import { apply, applyAll, type Operation } from "../core/operation.js"
import type { SessionRecord } from "../core/record.js"
import { carryOn, type State } from "../core/state.js"
import { follow } from "./alias.js"
import { backOff } from "./backOff.js"
import { type Base, type Cell, now, retire } from "./cell.js"
import { makeCommitId, readRecord, withCommitId, writeRecord } from "./codec.js"
import { SessionEncodeError, SessionStoreError } from "./errors.js"
import { guarded, retryMillis } from "./guarded.js"
import { inLine, lineMoved } from "./line.js"
import { findAgain, landed, type Unsure } from "./unsure.js"

type Take = (state: State) => Operation | undefined

/** One taking on its way. */
interface Taking {
  readonly cell: Cell
  readonly take: Take
  readonly commitId: string
  /** When its turn came. */
  beganMillis: number | undefined
  attempts: number
  /** The token that opens the alias of the base this stands on. */
  token: string
  /** Nobody waits for it any more: it must leave the cell alone. */
  abandoned: boolean
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
  const taking: Taking = {
    cell,
    take,
    commitId: makeCommitId(cell),
    beganMillis: undefined,
    attempts: 0,
    token: cell.token,
    abandoned: false
  }
  const turn = inLine(
    cell,
    Effect.suspend(() => {
      if (cell.base === null) return nothing
      taking.token = cell.token
      taking.beganMillis ??= performance.now()
      return isKnown ? attempt(taking, cell.base) : reload(taking, cell.base, nothing)
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
  const taken = Effect.suspend(() =>
    rebase(
      taking,
      { record, state, commits, origin: current.origin },
      Effect.succeed(current.state),
      true
    )
  )
  const looked = Effect.suspend(() => reload(taking, current, taken))
  return Effect.matchEffect(cell.surroundings.store.update(record, current.record.version), {
    onSuccess: (updated) => (updated ? taken : looked),
    onFailure: (error) => Effect.catchAll(looked, () => Effect.fail(error))
  })
}

const reload = (
  taking: Taking,
  current: Base,
  taken: Effect.Effect<State | undefined>
): Effect.Effect<State | undefined, SessionStoreError> =>
  Effect.flatMap(findAgain(taking.cell, current, null), (found) => {
    if (Option.isNone(found)) return gone(taking)
    return again(taking, current, found.value, taken)
  })

const again = (
  taking: Taking,
  current: Base,
  record: SessionRecord,
  taken: Effect.Effect<State | undefined>
): Effect.Effect<State | undefined, SessionStoreError> => {
  const reading = readRecord(taking.cell, record)
  if (reading._tag !== "base") {
    return new SessionStoreError({ operation: "consume", reason: "corrupt" })
  }
  const newest = reading.base
  if (newest.commits.some((mark) => mark.id === taking.commitId)) return taken
  const earlier = landed(taking.cell, newest)
  const known = earlier?.move?.id ?? current.record.id
  if (record.id !== known && !follow(taking, newest)) return gone(taking)
  if (earlier !== undefined && !taking.abandoned) settleEarlier(taking, earlier)
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

const gone = ({ abandoned, cell }: Taking): typeof nothing => {
  if (!abandoned) retire(cell)
  return nothing
}

/**
 * Puts the cell on what is stored now, with what is pending run again on it. What was to be taken is gone for this request
 * too, also where an operation that is pending would bring it back.
 */
const rebase = (
  { abandoned, cell, take, token }: Taking,
  base: Base,
  result: typeof nothing,
  slides = false
): typeof nothing => {
  if (abandoned) return result
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
