/**
 * The beginning of a request: from the cookie to a cell. Nothing that comes from outside can fail here; only the store
 * can.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type CookieReading, readCookie } from "../../core/http/cookie.js"
import { openToken } from "../../core/record/encryption.js"
import type { SessionRecord } from "../../core/record/record.js"
import { tokenId } from "../../core/record/token.js"
import { actor } from "../commit/actor.js"
import { announce } from "../commit/announce.js"
import { adopt, type Cell, makeCell, now, type Surroundings } from "../commit/cell.js"
import { readRecord } from "../commit/codec.js"
import { guarded } from "../commit/deadline.js"
import { SessionStoreError } from "../errors/errors.js"
import { stepsOf } from "../store/synchronous.js"

/**
 * Makes the cell of a request and loads its session, if the cookie names one. A store that never waits is asked at once,
 * not when the effect runs.
 */
export const open = (
  surroundings: Surroundings,
  cookieHeader: string | undefined
): Effect.Effect<Cell, SessionStoreError> => {
  const cell = makeCell(surroundings)
  const reading = readCookie(cookieHeader, surroundings.compiled.cookie.name)
  if (reading._tag === "none") return Effect.succeed(cell)
  if (reading._tag !== "token") return Effect.as(invalidId(cell, reading), cell)
  const { token } = reading
  const id = tokenId(token, surroundings.compiled.namespace)
  const steps = stepsOf(surroundings.store)
  return steps === null
    ? Effect.flatMap(find(cell, id), (found) => loadFound(cell, found, token, id))
    : loadFound(cell, steps.find(now(cell), id), token, id)
}

const loadFound = (
  cell: Cell,
  found: Option.Option<SessionRecord>,
  token: string,
  id: string
): Effect.Effect<Cell, SessionStoreError> =>
  Option.isNone(found)
    ? Effect.as(invalidId(cell, { _tag: "unknown" }), cell)
    : load(cell, found.value, token, id)

/** A record the store cannot read counts as a payload that cannot be read. */
const find = (cell: Cell, id: string) => {
  const { compiled, store } = cell.surroundings
  const discards = compiled.settings.onInvalidPayload === "discard"
  return Effect.catchAll(guarded(store, "find", store.find(id)), (error) =>
    discards && error.reason === "corrupt"
      ? Effect.as(discard(cell, id, "corrupt"), Option.none<SessionRecord>())
      : Effect.fail(error)
  )
}

const load = (
  cell: Cell,
  record: SessionRecord,
  token: string,
  id: string
): Effect.Effect<Cell, SessionStoreError> => {
  if (record.id !== id && record.previous?.kind !== "alias") return retire(cell, id)
  const reading = readRecord(cell, record)
  switch (reading._tag) {
    case "unknownKey":
      return Effect.zipRight(discard(cell, record.id, "unknown key"), retire(cell, id))
    case "corrupt":
      return cell.surroundings.compiled.settings.onInvalidPayload === "discard"
        ? Effect.as(discard(cell, record.id, "corrupt"), cell)
        : Effect.fail(new SessionStoreError({ operation: "find", reason: "corrupt" }))
    case "base":
      break
  }
  if (record.id === id) {
    adopt(cell, reading.base, token)
    return Effect.succeed(cell)
  }
  const sealed = record.previous?.sealedToken ?? null
  const current = sealed === null ? undefined : openToken(token, sealed, record.id)
  if (current === undefined) return retire(cell, id)
  adopt(cell, reading.base, current)
  cell.viaAlias = true
  cell.cookie = "set"
  return Effect.succeed(cell)
}

const retire = (cell: Cell, id: string): Effect.Effect<Cell> =>
  Effect.sync(() => {
    cell.mode = "retired"
    cell.retiredId = id
    return cell
  })

const invalidId = (
  cell: Cell,
  reading: Exclude<CookieReading, { _tag: "none" | "token" }> | { readonly _tag: "unknown" }
) =>
  Effect.suspend(() =>
    announce(cell, {
      _tag: "InvalidId",
      reason: reading._tag,
      ...actor(cell, null),
      atMillis: now(cell)
    })
  )

const discard = (cell: Cell, id: string, reason: string) =>
  announce(cell, { _tag: "PayloadDiscarded", id, reason, atMillis: now(cell) })
