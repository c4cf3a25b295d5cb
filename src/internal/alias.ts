/** How a request finds the session that was moved away from its id. */

import type { PreviousId } from "../core/record.js"
import { openToken, sealToken } from "../core/seal.js"
import type { Base, Cell, PendingMove } from "./cell.js"
import type { Work } from "./work.js"

/** The current token of a session that was found by an alias; only the bearer of the old token can open it. */
export const tokenBehindAlias = (oldToken: string, newest: Base): string | undefined => {
  const { id, previous } = newest.record
  return previous === null || previous.kind !== "alias" || previous.sealedToken === null
    ? undefined
    : openToken(oldToken, previous.sealedToken, id)
}

/** Goes on with the session behind an alias; a second migration from the alias is dropped. False where there is none. */
export const follow = (work: Work, newest: Base): boolean => {
  const token = tokenBehindAlias(work.token, newest)
  if (token === undefined) return false
  work.token = token
  if (work.move?.kind === "alias") work.move = null
  if (!work.abandoned) noteAlias(work.cell, token)
  return true
}

/** The session of a cell was moved by another request: the client gets its token, and no second move. */
export const noteAlias = (cell: Cell, token: string): void => {
  cell.viaAlias = true
  cell.newerToken = token
  cell.cookie = "set"
  if (cell.move?.kind === "alias") cell.move = null
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
