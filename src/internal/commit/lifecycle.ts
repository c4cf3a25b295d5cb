/**
 * What acts at once beside login, instead of at the end of the request: destroy, logout, consume. Each is one conditional
 * write of the store, run to its end in a fiber of its own.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionEntry } from "../../core/record/record.js"
import { makeToken } from "../../core/record/token.js"
import { copy, equals, type Json } from "../../core/session/json.js"
import type { Operation } from "../../core/session/operation.js"
import { read } from "../../core/session/state.js"
import type { SessionStoreError } from "../errors/errors.js"
import { actor } from "./actor.js"
import { announce } from "./announce.js"
import { type Cell, now, record, reset, seen } from "./cell.js"
import { guarded } from "./deadline.js"
import { inOwnLine } from "./line.js"
import { takeStored } from "./take.js"

/** Ends the session at once; the request goes on with an empty one. */
export const destroy = (cell: Cell): Effect.Effect<void, SessionStoreError> =>
  Effect.suspend(() => {
    const { store } = cell.surroundings
    const begin = Effect.sync(() => reset(cell))
    // Behind the commits of this request: what one of them is storing just now ends too.
    const remove = inOwnLine(
      cell,
      Effect.suspend(() => {
        const id = cell.base?.record.id ?? cell.retiredId
        return id === null ? Effect.succeedNone : store.remove(id)
      })
    )
    return Effect.uninterruptible(
      Effect.flatMap(guarded(store, "remove", remove), (ended) =>
        Effect.zipRight(begin, destroyed(cell, ended))
      )
    )
  })

/** Tells of a session that has ended, if one has. */
export const destroyed = (cell: Cell, ended: Option.Option<SessionEntry>): Effect.Effect<void> =>
  Option.match(ended, {
    onNone: () => Effect.void,
    onSome: ({ id, userId }) =>
      announce(cell, { _tag: "Destroyed", id, ...actor(cell, userId), atMillis: now(cell) })
  })

/** Destroys, and lets the response delete the cookie unless a new session begins. */
export const logout = (cell: Cell): Effect.Effect<void, SessionStoreError> =>
  Effect.map(destroy(cell), () => {
    if (cell.mode !== "ephemeral") cell.cookie = "delete"
  })

/** Takes a value exactly once among parallel requests. */
export const consume = (
  cell: Cell,
  path: ReadonlyArray<string>,
  key: string
): Effect.Effect<Option.Option<Json>, SessionStoreError> =>
  Effect.suspend(() => {
    const at = now(cell)
    const local = read(cell.state, path, at)
    const stored = cell.base === null ? undefined : read(cell.base.state, path, at)
    if (cell.base === null || !equals(local, stored) || isOwn(cell, path)) {
      if (local === undefined) return Effect.succeed(Option.none())
      record(cell, "consume", key, {
        _tag: "forget",
        paths: [path],
        seen: seen(cell, path[0] as string)
      })
      return Effect.succeed(Option.some(copy(local)))
    }
    const take = (state: Cell["state"]): Operation | undefined =>
      read(state, path, now(cell)) === undefined
        ? undefined
        : {
            _tag: "forget",
            paths: [path],
            seen: [...Object.values(state.flash), ...Object.values(state.now)].map(({ id }) => id)
          }
    return Effect.map(takeStored(cell, take, { isKnown: local !== undefined }), (state) => {
      const value = state === undefined ? undefined : read(state, path, at)
      return value === undefined ? Option.none() : Option.some(copy(value))
    })
  })

/** True when what this request is about to store at a path is its own, and not what it found there. */
const isOwn = (cell: Cell, path: ReadonlyArray<string>): boolean =>
  cell.operations.some((operation) => {
    switch (operation._tag) {
      case "put":
        return operation.path.every((segment, at) => at >= path.length || segment === path[at])
      case "flash":
      case "now":
        return operation.name === path[0]
      default:
        return false
    }
  })

/** Ends the pending change of id and makes the cell open again, for a request that explicitly begins a session. */
export const beginExplicitly = (cell: Cell): void => {
  if (cell.mode !== "retired" || cell.late !== null) return
  cell.mode = "open"
  cell.token = makeToken()
  cell.started = true
}
