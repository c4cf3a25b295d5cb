/**
 * Where a write to a session waits: behind those of the same request, so that none takes the same operations again, then
 * behind those of this process to the same session.
 */
import * as Effect from "effect/Effect"
import { inTurn, lastMoved } from "../effect/turns.js"
import { type Cell, ownTurn } from "./cell.js"

/** Runs `effect` when the earlier ones of the cell, and of the session it stands on by then, have ended. */
export const inLine = <A, E, R>(
  cell: Cell,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  inOwnLine(
    cell,
    Effect.suspend(() => inTurn(cell.surroundings.store, keyOf(cell), effect))
  )

/** Runs `effect` when the earlier ones of the cell have ended, whoever else works on the session. */
export const inOwnLine = <A, E, R>(
  cell: Cell,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => inTurn(cell.line, ownTurn, effect)

/** When the line moved last, by `performance.now`; 0 while the first one runs. */
export const lineMoved = (cell: Cell): number =>
  Math.max(lastMoved(cell.line, ownTurn), lastMoved(cell.surroundings.store, keyOf(cell)))

/** Not the id that a pending move will give: those who know the session by its own wait for each other. */
const keyOf = (cell: Cell): string => cell.base?.record.id ?? cell.id
