/**
 * Login: stored at once, with all that was recorded before it, and judged both before and after that. Nothing is recorded
 * before it is done, so there is nothing to undo.
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import { type Intent, keepCookie } from "../../core/commit/model.js"
import { makeSecret } from "../../core/http/csrf.js"
import type { Operation } from "../../core/session/operation.js"
import type { Lifetime } from "../../core/session/state.js"
import { SessionRefused, SessionStoreError } from "../errors/errors.js"
import { backOff } from "./backOff.js"
import { publishDestroyed } from "./destroy.js"
import { type Outcome, runCommit } from "./engine.js"
import { exclusively, newCommitId, retryMillis } from "./exclusively.js"
import { clientOf, now, publishEvent } from "./RequestContext.js"
import { type Life, newId, ownId, type RequestSession, record } from "./RequestSession.js"
import { keepToLimit, refuseAtLimit } from "./sessionLimit.js"

type LoginError = SessionStoreError | SessionRefused

/** Logs a user in, under a new id. `userId` and `lifetime` are checked already. */
export const login = (
  session: RequestSession,
  userId: string,
  lifetime: Lifetime
): Effect.Effect<void, LoginError> =>
  Effect.suspend(() => {
    if (session.onLateWrite !== null) return tooLate
    const operations = loginOperations(session, userId, lifetime)
    if (session.life.phase === "skipped") {
      return Effect.sync(() => {
        for (const one of operations) record(session, "login", "", one)
      })
    }
    return exclusively(session, "login", () =>
      Effect.zipRight(admit(session, userId, operations), publishLoggedIn(session, userId))
    )
  })

const publishLoggedIn = (session: RequestSession, userId: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { life, request } = session
    const client = clientOf(request, userId)
    return publishEvent(request, { _tag: "LoggedIn", id: life.id, ...client, userId })
  })

const loginOperations = (
  { life: { state }, request }: RequestSession,
  userId: string,
  given: Lifetime
): ReadonlyArray<Operation> => {
  // Who only proves the password again stays remembered.
  const lifetime = given ?? (state.userId === userId ? state.lifetime : null)
  return [
    { _tag: "start" },
    { _tag: "login", userId, csrfSecret: makeSecret(), atMillis: now(request) },
    ...(lifetime === null ? [] : [{ _tag: "lifetime", lifetime } as const])
  ]
}

const admit = (
  session: RequestSession,
  userId: string,
  operations: ReadonlyArray<Operation>
): Effect.Effect<void, LoginError> => {
  const { position, retiredId } = session.life
  const began = performance.now()
  const exceptId = position.stored?.record.id
  const isRevoked = refuseRevoked(session, userId, exceptId)
  // Asked before too, so that a login that is refused leaves the session as it was.
  return Effect.zipRight(
    Effect.zipRight(isRevoked, refuseAtLimit(session, userId, exceptId)),
    Effect.flatMap(store(session, operations), (outcome) =>
      // Only what is stored is seen by a revocation, or by another login at the limit.
      Effect.onError(
        judgeTwice(Effect.zipRight(isRevoked, keepToLimit(session, userId)), began),
        takeBack(session, session.life, {
          retiredId: outcome === "gone" ? (exceptId ?? retiredId) : retiredId,
          movedOwn: exceptId !== undefined
        })
      )
    )
  )
}

/** `gone`: the session of the request was not there any more, and the login has begun another one. */
const store = (
  session: RequestSession,
  operations: ReadonlyArray<Operation>
): Effect.Effect<Outcome, SessionStoreError> =>
  Effect.suspend(() => {
    // The response may have left while the store was asked.
    if (session.onLateWrite !== null) return tooLate
    return Effect.flatMap(storeOnce(session, operations), (outcome) => {
      if (outcome !== "gone") return Effect.succeed(outcome)
      // A double click: the first one has moved the session already.
      session.restart()
      return Effect.as(storeOnce(session, operations), outcome)
    })
  })

const tooLate: Effect.Effect<never> = Effect.dieMessage(
  "Session.login came after the response head: no cookie can be set"
)

const storeOnce = (
  session: RequestSession,
  operations: ReadonlyArray<Operation>
): Effect.Effect<Outcome, SessionStoreError> => {
  const { change, pending } = session.life
  const all = [...pending, ...operations]
  const moved = newId(session.request, "quarantine", "login")
  const intent: Intent = {
    commitId: newCommitId(session),
    verb: "login",
    operations: () => all,
    predicted: null,
    change: moved,
    unseen: () => operations,
    takes: { operations: pending, change }
  }
  // A login that failed in doubt may have been stored. Nobody gets its cookie, and it must not count for the user.
  const stored = Effect.onError(runCommit(session, intent), () =>
    Effect.ignore(session.request.store.remove(moved.id))
  )
  // What cannot be repeated ends the login; what cannot be stored is a fault of the program.
  return Effect.catchTags(stored, {
    SessionConflict: (cause) =>
      Effect.fail(new SessionStoreError({ operation: "login", reason: "timeout", cause })),
    SessionEncodeError: (error) => Effect.die(error)
  })
}

const refuseRevoked = (
  { request: { began, settings, store } }: RequestSession,
  userId: string,
  exceptId: string | undefined
): Effect.Effect<void, LoginError> =>
  Effect.flatMap(
    store.revokedWithin({ namespace: settings.namespace, userId, since: began, exceptId }),
    (isRevoked) =>
      isRevoked ? Effect.fail(new SessionRefused({ reason: "revoked" })) : Effect.void
  )

/**
 * Asks a second time where the store was away, so that one lost connection does not cost the guest the session. A store that
 * took its time to fail is not asked again.
 */
const judgeTwice = (
  judged: Effect.Effect<void, LoginError>,
  began: number
): Effect.Effect<void, LoginError> =>
  Effect.catchIf(
    judged,
    (error) => isAway(error) && performance.now() - began < retryMillis,
    () => Effect.zipRight(backOff(attemptsOfAPause), judged)
  )

/** As long as a pause gets: what ended one connection may have ended the others, and the pool hears of it later. */
const attemptsOfAPause = 6

const isAway = (error: LoginError): boolean =>
  error._tag === "SessionStoreError" &&
  (error.reason === "unavailable" || error.reason === "timeout")

/** What the client's own cookie names after a login. */
interface Before {
  /** An id that is retired, or that another login has moved. */
  readonly retiredId: string | null
  /** The login has moved the session of the request. */
  readonly movedOwn: boolean
}

/**
 * Ends the session that a login has made, and that was refused or that nobody could judge. The client's cookie is deleted
 * only where this login has moved its session, and was refused: otherwise the client may have a newer one.
 */
const takeBack =
  (session: RequestSession, life: Life, { movedOwn, retiredId }: Before) =>
  (cause: Cause.Cause<LoginError>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const id = ownId(life)
      const isRefused = Chunk.some(Cause.failures(cause), ({ _tag }) => _tag === "SessionRefused")
      if (session.life === life) {
        if (retiredId !== null) session.withhold(retiredId)
        else session.restart(movedOwn && isRefused ? { _tag: "Delete" } : keepCookie)
      }
      return id === null
        ? Effect.void
        : Effect.ignore(
            Effect.flatMap(session.request.store.remove(id), (ended) =>
              publishDestroyed(session, ended, "refused")
            )
          )
    })
