/**
 * Login: one conditional write with all that was recorded before it, judged before and after, so that neither a limit nor
 * a revocation is passed by.
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { makeSecret } from "../../core/http/csrf.js"
import { isUserId, type SessionEntry } from "../../core/record/record.js"
import { applyAll, type Operation } from "../../core/session/operation.js"
import type { Lifetime } from "../../core/session/state.js"
import type { SessionLimit } from "../config/model.js"
import { inTurn } from "../effect/turns.js"
import {
  type SessionConflict,
  SessionEncodeError,
  SessionRefused,
  SessionStoreError
} from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import { isSynchronous } from "../store/synchronous.js"
import { announce } from "./announce.js"
import { backOff } from "./backOff.js"
import { type Cell, now, planMove, record, reset } from "./cell.js"
import { commit } from "./commit.js"
import { guarded } from "./deadline.js"
import { acquire } from "./lease.js"
import { destroyed } from "./lifecycle.js"
import type { Outcome } from "./work.js"

/** Logs a user in: a new id, committed with everything recorded before it. */
export const login = (
  cell: Cell,
  userId: string,
  lifetime: Lifetime
): Effect.Effect<void, SessionStoreError | SessionRefused> =>
  Effect.suspend(() => {
    if (!isUserId(userId)) {
      const reason = "a user id is a well-formed text of 1 to 255 bytes, without NUL"
      throw new SessionEncodeError({ operation: "login", key: "", reason })
    }
    if (cell.late !== null) return tooLate
    const { compiled, store } = cell.surroundings
    const attempt = Effect.uninterruptible(admit(cell, userId, lifetime))
    if (compiled.settings.maxSessionsPerUser === undefined) return attempt
    const key = `login ${compiled.namespace} ${userId}`
    return inTurn(store, key, oneAtATime(store, key, attempt), leaseOptions.waitMillis)
  })

const tooLate = Effect.dieMessage(
  "Session.login came after the response head: no cookie can be set"
)

/**
 * How long a login at a limit waits for those of its own process, then for those of others, and how long it holds these up
 * should its process be killed. The hold is long, so that servers whose clocks differ take turns too.
 */
const leaseOptions = { waitMillis: 2000, holdMillis: 30_000 }

/**
 * Keeps the user's logins in other processes out: two that see each other's new session would both have to go. Who
 * waited in vain goes on all the same. The limit holds even then, since a session is counted after it is stored.
 */
const oneAtATime = <E>(
  store: Service,
  key: string,
  attempt: Effect.Effect<void, E>
): Effect.Effect<void, E | SessionStoreError> =>
  // Such a store has no second process.
  isSynchronous(store)
    ? attempt
    : Effect.acquireUseRelease(
        acquire(store, key, leaseOptions),
        () => attempt,
        Option.match({ onNone: () => Effect.void, onSome: ({ release }) => release })
      )

const admit = (
  cell: Cell,
  userId: string,
  lifetime: Lifetime
): Effect.Effect<void, SessionStoreError | SessionRefused> =>
  Effect.gen(function* () {
    const limit = cell.surroundings.compiled.settings.maxSessionsPerUser
    const exceptId = cell.base?.record.id
    // Asked before, so that a login that is refused leaves the session as it was.
    yield* refuseRevoked(cell, userId, exceptId)
    if (limit?.onLimit === "reject") {
      const others = yield* otherSessions(cell, userId, exceptId)
      if (others.length >= limit.max) return yield* new SessionRefused({ reason: "limit" })
    }
    const outcome = yield* loginCommit(cell, userId, lifetime)
    const retiredId = (outcome === "gone" ? exceptId : undefined) ?? cell.retiredId
    // Only what was stored before the question is seen by a revocation or by another login at the limit. A login that
    // nobody could judge does not stand either.
    yield* Effect.tapErrorCause(judgeTwice(cell, userId, exceptId), (cause) =>
      takeBack(
        cell,
        retiredId,
        exceptId !== undefined && Cause.failures(cause).pipe(Chunk.some(isRefusal))
      )
    )
  })

/** Asks a second time where the store was away, so that one lost connection does not cost the guest the session. */
const judgeTwice = (
  ...login: Parameters<typeof judge>
): Effect.Effect<void, SessionStoreError | SessionRefused> =>
  Effect.catchIf(judge(...login), isAway, () =>
    Effect.zipRight(backOff(attemptsOfAPause), judge(...login))
  )

/** As long as a pause gets: what ended one connection may have ended the others, and the pool hears of it later. */
const attemptsOfAPause = 6

const isAway = (error: SessionStoreError | SessionRefused): boolean =>
  error._tag === "SessionStoreError" &&
  (error.reason === "unavailable" || error.reason === "timeout")

const judge = (
  cell: Cell,
  userId: string,
  exceptId: string | undefined
): Effect.Effect<void, SessionStoreError | SessionRefused> => {
  const { compiled } = cell.surroundings
  const limit = compiled.settings.maxSessionsPerUser
  const judged = refuseRevoked(cell, userId, exceptId)
  return limit === undefined ? judged : Effect.zipRight(judged, keepToLimit(cell, userId, limit))
}

const refuseRevoked = (cell: Cell, userId: string, exceptId: string | undefined) => {
  const { began, compiled, store } = cell.surroundings
  const { namespace } = compiled
  return Effect.flatMap(
    guarded(store, "login", store.revokedWithin({ namespace, userId, since: began, exceptId })),
    (revoked) => (revoked ? Effect.fail(new SessionRefused({ reason: "revoked" })) : Effect.void)
  )
}

const keepToLimit = (
  cell: Cell,
  userId: string,
  { max, onLimit }: SessionLimit
): Effect.Effect<void, SessionStoreError | SessionRefused> =>
  Effect.flatMap(
    otherSessions(cell, userId, storedId(cell)),
    (others): Effect.Effect<void, SessionStoreError | SessionRefused> => {
      const tooMany = others.length - max + 1
      if (tooMany <= 0) return Effect.void
      if (onLimit === "reject") return Effect.fail(new SessionRefused({ reason: "limit" }))
      const oldestFirst = [...others].sort(
        (a, b) =>
          a.createdAtMillis - b.createdAtMillis || a.lastActivityMillis - b.lastActivityMillis
      )
      const { store } = cell.surroundings
      return Effect.forEach(
        oldestFirst.slice(0, tooMany),
        ({ id }) =>
          Effect.flatMap(guarded(store, "remove", store.remove(id)), (ended) =>
            Option.isNone(ended)
              ? Effect.void
              : announce(cell, { _tag: "Revoked", count: 1, id, userId, atMillis: now(cell) })
          ),
        { discard: true }
      )
    }
  )

const otherSessions = (
  cell: Cell,
  userId: string,
  exceptId: string | undefined
): Effect.Effect<ReadonlyArray<SessionEntry>, SessionStoreError> => {
  const { compiled, store } = cell.surroundings
  const entries = Stream.runCollect(store.entries({ namespace: compiled.namespace, userId }))
  return Effect.map(guarded(store, "entries", entries), (summaries) =>
    Array.from(summaries).filter(
      (summary) => summary.id !== exceptId && summary.previousId !== exceptId
    )
  )
}

/** The id that a login has just stored: another one may be pending already. */
const storedId = (cell: Cell): string => cell.base?.record.id ?? cell.id

const isRefusal = (error: SessionStoreError | SessionRefused): boolean =>
  error._tag === "SessionRefused"

/**
 * Ends the session that a login has made. Where the store fails nobody gets its cookie, so that it dies unused. The
 * client's own cookie is deleted only where its session is known to be over. Where somebody else has moved the session,
 * the client may have a newer cookie: the request is one with a retired id again, and sets none.
 */
const takeBack = (
  cell: Cell,
  retiredId: string | null,
  deletesCookie: boolean
): Effect.Effect<void> => {
  const { store } = cell.surroundings
  return Effect.suspend(() => {
    const removed = Effect.ignore(
      Effect.flatMap(guarded(store, "remove", store.remove(storedId(cell))), (ended) =>
        destroyed(cell, ended)
      )
    )
    reset(cell)
    if (retiredId !== null) {
      cell.mode = "retired"
      cell.retiredId = retiredId
    } else if (deletesCookie) cell.cookie = "delete"
    return removed
  })
}

/** `gone`: the session of the request was not there any more, and the login has begun one of its own. */
const loginCommit = (
  cell: Cell,
  userId: string,
  lifetime: Lifetime
): Effect.Effect<Outcome, SessionStoreError> =>
  Effect.suspend(() => {
    // The response may have left while the store was asked.
    if (cell.late !== null) return tooLate
    const retiredId = cell.base?.record.id ?? cell.retiredId
    const restore = cell.snapshot()
    if (cell.mode === "retired") cell.mode = "open"
    const fromLoginOn = recordLogin(cell, userId, lifetime)
    const { base, id, move } = cell
    const { store } = cell.surroundings
    const undo = Effect.suspend(() => {
      // What was given up for want of an answer stays given up.
      if (cell.mode !== "open") return Effect.void
      restore(fromLoginOn, move)
      // A session that was stored all the same would count against the user.
      return base === null ? Effect.ignore(guarded(store, "remove", store.remove(id))) : Effect.void
    })
    return Effect.flatMap(
      Effect.tapErrorCause(commitLogin(cell), () => undo),
      (outcome) =>
        outcome === "gone"
          ? Effect.as(
              Effect.tapErrorCause(beginAnew(cell, fromLoginOn), () =>
                takeBack(cell, retiredId, false)
              ),
              outcome
            )
          : Effect.succeed(outcome)
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
    if (cell.late !== null) return tooLate
    reset(cell)
    cell.started = true
    const state = applyAll(cell.state, operations)
    if (!("fault" in state)) cell.state = state
    return Effect.asVoid(commitLogin(cell))
  })

/** A login has no conflict of its own to report: what cannot be repeated or encoded ends it. */
const commitLogin = (cell: Cell) =>
  Effect.catchTags(commit(cell, { ages: false, operation: "login" }), {
    SessionConflict: (cause: SessionConflict) =>
      Effect.fail(new SessionStoreError({ operation: "login", reason: "timeout", cause })),
    SessionEncodeError: (error: SessionEncodeError) => Effect.die(error)
  })
