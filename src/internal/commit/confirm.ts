/**
 * The last look before a cookie leaves that was decided earlier in the request, with a token the client has had before:
 * a login that moved the session meanwhile has sent another cookie, and this one must not overwrite it.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../core/record/record.js"
import { stepsOf } from "../store/synchronous.js"
import { follow } from "./alias.js"
import { type Base, type Cell, now } from "./cell.js"
import { readRecord } from "./codec.js"
import { guarded } from "./deadline.js"

/** Looks whether the cookie that is owed still names the session; where the store cannot tell, it is sent. */
export const confirm = (cell: Cell): Effect.Effect<void> => {
  const { base } = cell
  if (cell.cookie !== "set" || base === null || isFresh(cell, base)) return Effect.void
  const { store } = cell.surroundings
  const { id } = base.record
  const steps = stepsOf(store)
  if (steps !== null) {
    take(cell, id, steps.find(now(cell), id))
    return Effect.void
  }
  return Effect.matchEffect(guarded(store, "find", store.find(id)), {
    onFailure: () => Effect.void,
    onSuccess: (found) => Effect.sync(() => take(cell, id, found))
  })
}

/** Nobody but this request knows a token that was made in it. */
const isFresh = (cell: Cell, base: Base): boolean => cell.isNew || cell.unsentId === base.record.id

const take = (cell: Cell, id: string, found: Option.Option<SessionRecord>): void => {
  if (Option.isSome(found) && found.value.id === id) return
  cell.cookie = "none"
  const reading = Option.isNone(found) ? undefined : readRecord(cell, found.value)
  // By an alias it names the session still, and the client gets the newest.
  if (reading?._tag !== "base") return
  if (follow({ cell, isLeft: false, token: cell.token }, reading.base)) cell.base = reading.base
}
