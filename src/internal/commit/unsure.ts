/**
 * Commits that failed while nobody could tell whether the store had done them: the write's reply was lost, and the store
 * could not be read again. A later commit of the same request finds them by their ids, and does not do them twice.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import type { Operation } from "../../core/session/operation.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Base, Cell, PendingMove } from "./cell.js"

/** A commit that may have been done. */
export interface Unsure {
  readonly commitId: string
  /** The pending operations it brought. */
  readonly operations: ReadonlyArray<Operation>
  readonly move: PendingMove | null
}

/** The last of the unsure commits that the store has done after all. */
export const landed = (cell: Cell, newest: Base): Unsure | undefined =>
  cell.unsure.findLast(({ commitId }) => newest.commits.some(({ id }) => id === commitId))

/**
 * Ends the session of a login that was done although its handler was told of a failure, and asked for no other one: nobody
 * has judged it.
 */
export const withoutLogin = (
  cell: Cell,
  earlier: Unsure | undefined,
  wanted: PendingMove | null
): Effect.Effect<void> | undefined =>
  earlier?.move?.reason === "login" && wanted?.reason !== "login"
    ? Effect.ignore(cell.surroundings.store.remove(earlier.move.id))
    : undefined

/**
 * Reads the session of `base` again. Where it is not found, a change of id may have been done whose reply was lost: `move`,
 * or one of an unsure commit.
 */
export const findAgain = (
  cell: Cell,
  base: Base,
  move: PendingMove | null
): Effect.Effect<Option.Option<SessionRecord>, SessionStoreError> => {
  const moves = [move, ...cell.unsure.map((unsure) => unsure.move)]
  const others = moves.flatMap((one) => (one === null ? [] : [one.id]))
  return findFirst(cell, [base.record.id, ...new Set(others)])
}

const findFirst = (
  cell: Cell,
  [id, ...others]: ReadonlyArray<string>
): Effect.Effect<Option.Option<SessionRecord>, SessionStoreError> =>
  id === undefined
    ? Effect.succeedNone
    : Effect.flatMap(cell.surroundings.store.find(id), (found) =>
        Option.isSome(found) ? Effect.succeed(found) : findFirst(cell, others)
      )
