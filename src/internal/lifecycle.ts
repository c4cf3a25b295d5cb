/**
 * What acts at once instead of at the end of the request: login, destroy, logout, consume. Each is one conditional write
 * of the store, run to its end in a fiber of its own.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { makeSecret } from "../core/csrf.js"
import { copy, equals, type Json } from "../core/json.js"
import { applyAll, type Operation } from "../core/operation.js"
import type { SessionSummary } from "../core/record.js"
import { type Lifetime, read } from "../core/state.js"
import { makeToken, tokenId } from "../core/token.js"
import * as SessionEvents from "../SessionEvents.js"
import { actor } from "./actor.js"
import { type Cell, now, planMove, record, reset, seen } from "./cell.js"
import { type CommitError, commit } from "./commit.js"
import {
  type SessionConflict,
  SessionEncodeError,
  SessionRefused,
  SessionStoreError
} from "./errors.js"
import { guarded } from "./guarded.js"
import { inTurn } from "./queue.js"

/** Logs a user in: a new id, committed with everything recorded before it. */
export const login = (
  cell: Cell,
  userId: string,
  lifetime: Lifetime
): Effect.Effect<void, SessionStoreError | SessionRefused> =>
  Effect.suspend(() => {
    if (typeof userId !== "string" || userId === "" || Buffer.byteLength(userId) > 255) {
      const reason = "a user id is a text of 1 to 255 bytes"
      throw new SessionEncodeError({ operation: "login", key: "", reason })
    }
    const { compiled, store } = cell.surroundings
    const attempt = Effect.uninterruptible(admit(cell, userId, lifetime))
    return compiled.settings.maxSessionsPerUser === undefined
      ? attempt
      : inTurn(store, `login ${compiled.namespace} ${userId}`, attempt)
  })

const admit = (
  cell: Cell,
  userId: string,
  lifetime: Lifetime
): Effect.Effect<void, SessionStoreError | SessionRefused> =>
  Effect.gen(function* () {
    const limit = cell.surroundings.compiled.settings.maxSessionsPerUser
    const exceptId = cell.base?.record.id
    yield* refuseRevoked(cell, userId, exceptId)
    if (limit?.onLimit === "reject") {
      const others = yield* otherSessions(cell, userId, exceptId)
      if (others.length >= limit.max) return yield* new SessionRefused({ reason: "limit" })
    }
    yield* loginCommit(cell, userId, lifetime)
    // A revocation that ran between the check and the commit has not seen the new id: look again.
    yield* Effect.tapErrorTag(refuseRevoked(cell, userId, exceptId), "SessionRefused", () =>
      takeBack(cell)
    )
    if (limit === undefined) return
    const others = yield* otherSessions(cell, userId, cell.base?.record.id)
    if (others.length < limit.max) return
    if (limit.onLimit === "reject") {
      yield* takeBack(cell)
      return yield* new SessionRefused({ reason: "limit" })
    }
    const oldestFirst = [...others].sort(
      (a, b) => a.createdAtMillis - b.createdAtMillis || a.lastActivityMillis - b.lastActivityMillis
    )
    for (const summary of oldestFirst.slice(0, others.length - limit.max + 1)) {
      const ended = yield* guarded("remove", cell.surroundings.store.remove(summary.id))
      if (Option.isNone(ended)) continue
      const { id } = summary
      yield* SessionEvents.publish({ _tag: "Revoked", count: 1, id, userId, atMillis: now(cell) })
    }
  })

const refuseRevoked = (cell: Cell, userId: string, exceptId: string | undefined) => {
  const { began, compiled, store } = cell.surroundings
  const { namespace } = compiled
  return Effect.flatMap(
    guarded("login", store.revokedWithin({ namespace, userId, since: began, exceptId })),
    (revoked) => (revoked ? Effect.fail(new SessionRefused({ reason: "revoked" })) : Effect.void)
  )
}

const otherSessions = (
  cell: Cell,
  userId: string,
  exceptId: string | undefined
): Effect.Effect<ReadonlyArray<SessionSummary>, SessionStoreError> => {
  const { compiled, store } = cell.surroundings
  const entries = Stream.runCollect(store.entries({ namespace: compiled.namespace, userId }))
  return Effect.map(guarded("entries", entries), (summaries) =>
    Array.from(summaries).filter(
      (summary) => summary.id !== exceptId && summary.previousId !== exceptId
    )
  )
}

const takeBack = (cell: Cell) =>
  Effect.flatMap(guarded("remove", cell.surroundings.store.remove(cell.id)), (ended) => {
    const told = destroyed(cell, ended)
    reset(cell)
    cell.cookie = "delete"
    return told
  })

const destroyed = (cell: Cell, ended: Option.Option<SessionSummary>): Effect.Effect<void> =>
  Option.match(ended, {
    onNone: () => Effect.void,
    onSome: ({ id, userId }) => {
      const of = actor(cell, userId)
      return SessionEvents.publish({ _tag: "Destroyed", id, ...of, atMillis: now(cell) })
    }
  })

const loginCommit = (
  cell: Cell,
  userId: string,
  lifetime: Lifetime
): Effect.Effect<void, SessionStoreError> =>
  Effect.suspend(() => {
    const before = { ...cell, operations: [...cell.operations] }
    if (cell.mode === "retired") cell.mode = "open"
    const fromLoginOn = recordLogin(cell, userId, lifetime)
    const undo = Effect.sync(() => {
      Object.assign(cell, before)
    })
    return Effect.flatMap(
      Effect.tapError(asStoreError(commit(cell, { ages: false, operation: "login" })), () => undo),
      (outcome) => (outcome === "gone" ? beginAnew(cell, fromLoginOn) : Effect.void)
    )
  })

const recordLogin = (cell: Cell, userId: string, lifetime: Lifetime): ReadonlyArray<Operation> => {
  const operations: ReadonlyArray<Operation> = [
    { _tag: "login", userId, csrfSecret: makeSecret(), atMillis: now(cell) },
    ...(lifetime === null ? [] : [{ _tag: "lifetime", lifetime } as const])
  ]
  for (const operation of operations) record(cell, "login", "", operation)
  cell.started = true
  planMove(cell, "quarantine", "login")
  return operations
}

/** The session of a double click: the first one has moved it already, so the second begins one of its own. */
const beginAnew = (
  cell: Cell,
  operations: ReadonlyArray<Operation>
): Effect.Effect<void, SessionStoreError> =>
  Effect.suspend(() => {
    reset(cell)
    cell.started = true
    const state = applyAll(cell.state, operations)
    if (!("fault" in state)) cell.state = state
    return Effect.asVoid(asStoreError(commit(cell, { ages: false, operation: "login" })))
  })

/** A login has no conflict of its own to report: what cannot be repeated or encoded ends it. */
const asStoreError = <A>(effect: Effect.Effect<A, CommitError>) =>
  Effect.catchTags(effect, {
    SessionConflict: (cause: SessionConflict) =>
      Effect.fail(new SessionStoreError({ operation: "login", reason: "timeout", cause })),
    SessionEncodeError: (error: SessionEncodeError) => Effect.die(error)
  })

/** Ends the session at once; the request goes on with an empty one. */
export const destroy = (cell: Cell): Effect.Effect<void, SessionStoreError> =>
  Effect.suspend(() => {
    const id = cell.base?.record.id ?? cell.retiredId
    const begin = Effect.sync(() => reset(cell))
    if (id === null) return begin
    return Effect.uninterruptible(
      Effect.flatMap(guarded("remove", cell.surroundings.store.remove(id)), (ended) =>
        Effect.zipRight(begin, destroyed(cell, ended))
      )
    )
  })

/** Destroys, and lets the response delete the cookie unless a new session begins. */
export const logout = (cell: Cell): Effect.Effect<void, SessionStoreError> =>
  Effect.map(destroy(cell), () => {
    if (cell.mode !== "ephemeral") cell.cookie = "delete"
  })

/** Takes a value exactly once among parallel requests. */
export const consume = (
  cell: Cell,
  takeStored: (
    cell: Cell,
    take: (state: Cell["state"]) => Operation | undefined
  ) => Effect.Effect<Cell["state"] | undefined, SessionStoreError>,
  path: ReadonlyArray<string>,
  key: string
): Effect.Effect<Option.Option<Json>, SessionStoreError> =>
  Effect.suspend(() => {
    const at = now(cell)
    const local = read(cell.state, path, at)
    const stored = cell.base === null ? undefined : read(cell.base.state, path, at)
    if (cell.base === null || !equals(local, stored)) {
      if (local === undefined) return Effect.succeed(Option.none())
      record(cell, "consume", key, {
        _tag: "forget",
        paths: [path],
        seen: seen(cell, path[0] as string)
      })
      return Effect.succeed(Option.some(copy(local)))
    }
    if (local === undefined) return Effect.succeed(Option.none())
    const take = (state: Cell["state"]): Operation | undefined =>
      read(state, path, now(cell)) === undefined
        ? undefined
        : {
            _tag: "forget",
            paths: [path],
            seen: Object.values(state.flash).map((entry) => entry.id)
          }
    return Effect.map(takeStored(cell, take), (state) => {
      const value = state === undefined ? undefined : read(state, path, at)
      return value === undefined ? Option.none() : Option.some(copy(value))
    })
  })

/** Ends the pending change of id and makes the cell open again, for a request that explicitly begins a session. */
export const beginExplicitly = (cell: Cell): void => {
  if (cell.mode !== "retired") return
  cell.mode = "open"
  cell.token = makeToken()
  cell.id = tokenId(cell.token, cell.surroundings.compiled.namespace)
  cell.started = true
}
