/** What became of a write, told by the row that is there now. */
import type { Fate, Intent, Position, Stored } from "./model.js"
import { tokenBehindAlias } from "./retiredId.js"

/**
 * Judges a write that missed, or whose reply was lost. `found` is the row under the id that the request had or asked for,
 * or behind it; `fresh` is where a session that does not exist yet is tried again.
 */
export const fateOf = (
  found: Stored | null,
  at: Position,
  intent: Intent,
  fresh: Position
): Fate => {
  const retried: Fate = { _tag: "Again", at: fresh, intent: { ...intent, change: null } }
  if (found === null) return at.stored === null ? retried : { _tag: "Gone" }
  const isDone = intent.commitId !== null && found.commits.includes(intent.commitId)
  // The id that was to be the new session's is somebody else's.
  if (at.stored === null && !isDone) return retried
  const where = follow(found, at, intent)
  // A login has moved it meanwhile: done or not, it is not this client's any more.
  if (where === undefined) return { _tag: "Gone" }
  if (isDone || bringsNothing(intent, found)) return { _tag: "Done", at: where }
  return { _tag: "Again", at: where, intent }
}

const bringsNothing = ({ change, operations }: Intent, { state }: Stored): boolean =>
  change === null && operations(state).length === 0

/** The position on a row that was found: under the id the request had, under the one it asked for, or behind an alias. */
export const follow = (
  stored: Stored,
  at: Position,
  { change }: Pick<Intent, "change">
): Position | undefined => {
  const { id } = stored.record
  if (id === change?.id) return { stored, token: change.token, id, tokenFrom: "here" }
  if (id === at.id) return { ...at, stored }
  const token = tokenBehindAlias(at.token, stored.record)
  return token === undefined ? undefined : { stored, token, id, tokenFrom: "alias" }
}
