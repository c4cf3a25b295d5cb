/** How a request finds the session that was moved away from its id. */

import { openToken, sealToken } from "../../core/record/encryption.js"
import type { PreviousId } from "../../core/record/record.js"
import type { Base, Cell, PendingMove } from "./cell.js"

/** The current token of a session that was found by an alias; only the bearer of the old token can open it. */
const tokenBehindAlias = (oldToken: string, newest: Base): string | undefined => {
  const { id, previous } = newest.record
  return previous === null || previous.kind !== "alias" || previous.sealedToken === null
    ? undefined
    : openToken(oldToken, previous.sealedToken, id)
}

/** What is on its way to the store for a cell. */
interface UnderWay {
  readonly cell: Cell
  /** The cell has gone on without it: it must leave the cell alone. */
  readonly isLeft: boolean
  /** The token that opens the alias of the base it stands on. */
  token: string
  move?: PendingMove | null
}

/**
 * Goes on with the session that another request has moved: its client gets the token behind the alias, and a second
 * migration from the alias is dropped. False where there is no alias.
 */
export const follow = (underWay: UnderWay, newest: Base): boolean => {
  const { cell, isLeft } = underWay
  const token = tokenBehindAlias(underWay.token, newest)
  if (token === undefined) return false
  underWay.token = token
  if (underWay.move?.kind === "alias") underWay.move = null
  if (isLeft) return true
  cell.viaAlias = true
  cell.newerToken = token
  cell.cookie = "set"
  if (cell.move?.kind === "alias") cell.move = null
  return true
}

/**
 * What a session that moves remembers of the id it had under `oldToken`. Where no client has that id yet, because this same
 * request gave it, the one that clients have stays quarantined: a row remembers one.
 */
export const retiredId = (
  cell: Cell,
  base: Base,
  move: PendingMove,
  oldToken: string,
  nowMillis: number
): PreviousId => {
  const { graceMillis, quarantineMillis } = cell.surroundings.compiled
  const { id, previous } = base.record
  const quarantined = {
    kind: "quarantine",
    untilMillis: nowMillis + quarantineMillis,
    sealedToken: null
  } as const
  if (id === cell.unsentId && previous !== null) return { id: previous.id, ...quarantined }
  return move.kind === "alias"
    ? {
        id,
        kind: "alias",
        untilMillis: nowMillis + graceMillis,
        sealedToken: sealToken(oldToken, move.token, move.id)
      }
    : { id, ...quarantined }
}

/** What a session that stays remembers: the sealed token is erased once the grace is over. */
export const withoutStaleToken = (
  previous: PreviousId | null,
  nowMillis: number
): PreviousId | null =>
  previous !== null && previous.sealedToken !== null && previous.untilMillis <= nowMillis
    ? { ...previous, sealedToken: null }
    : previous
