/**
 * The limit on a user's sessions. A login is stored first and then judged: all sessions of the user stand in one order, by
 * their login and then by their id, so that every server comes to the same answer, and never more than `max` stay.
 */
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { SessionEntry } from "../../core/record/record.js"
import type { SessionLimit } from "../config/model.js"
import { SessionRefused, type SessionStoreError } from "../errors/errors.js"
import { withDeadline } from "../store/deadline.js"
import { publishDestroyed } from "./destroy.js"
import type { RequestSession } from "./RequestSession.js"
import { readRecord } from "./readRecord.js"

/** Refuses a login beyond the limit before it is stored, where the limit says so. */
export const refuseAtLimit = (
  session: RequestSession,
  userId: string,
  exceptId: string | undefined
): Effect.Effect<void, SessionStoreError | SessionRefused> => {
  const limit = limitOf(session)
  if (limit?.onLimit !== "reject") return Effect.void
  return Effect.flatMap(sessionsOf(session, userId), (entries) => {
    const others = entries.filter(
      ({ id, previousId }) => id !== exceptId && previousId !== exceptId
    )
    return others.length >= limit.max ? refused : Effect.void
  })
}

const refused = Effect.suspend(() => Effect.fail(new SessionRefused({ reason: "limit" })))

/**
 * Ends the user's sessions beyond the limit. With `reject` the login is refused where its own is among them; with
 * `evictOldest` a login of the same moment has the place then, as if it had come a little later.
 */
export const keepToLimit = (
  session: RequestSession,
  userId: string
): Effect.Effect<void, SessionStoreError | SessionRefused> => {
  const limit = limitOf(session)
  if (limit === undefined) return Effect.void
  return Effect.flatMap(sessionsOf(session, userId), (entries) =>
    Effect.flatMap(byLogin(session, entries, limit), (ordered) =>
      endBeyond(session, limit, ordered)
    )
  )
}

const limitOf = ({ request }: RequestSession): SessionLimit | undefined =>
  request.settings.settings.maxSessionsPerUser

const sessionsOf = (
  { request: { settings, store } }: RequestSession,
  userId: string
): Effect.Effect<ReadonlyArray<SessionEntry>, SessionStoreError> =>
  Effect.map(
    withDeadline(
      "entries",
      Stream.runCollect(store.entries({ namespace: settings.namespace, userId }))
    ),
    Chunk.toReadonlyArray
  )

interface Login {
  readonly id: string
  readonly atMillis: number
}

/** The ids of the sessions, the earliest login first. Where they are not too many, their order does not matter. */
const byLogin = (
  session: RequestSession,
  entries: ReadonlyArray<SessionEntry>,
  { max }: SessionLimit
): Effect.Effect<ReadonlyArray<string>, SessionStoreError> => {
  const ids = entries.map(({ id }) => id)
  if (ids.length <= max) return Effect.succeed(ids)
  return Effect.map(
    Effect.forEach(ids, (id) => loginOf(session, id), { concurrency: 8 }),
    (logins) =>
      Arr.getSomes(logins)
        .sort((a, b) => a.atMillis - b.atMillis || (a.id < b.id ? -1 : 1))
        .map(({ id }) => id)
  )
}

/** The login of a session; none where it has ended meanwhile. One that cannot be read counts as the oldest. */
const loginOf = (
  { request }: RequestSession,
  id: string
): Effect.Effect<Option.Option<Login>, SessionStoreError> =>
  Effect.catchIf(
    Effect.map(
      request.store.find(id),
      Option.map((record) => {
        const reading = readRecord(request, record)
        const stored = reading._tag === "stored" ? reading.stored : undefined
        return { id, atMillis: stored?.state.authenticatedAtMillis ?? 0 }
      })
    ),
    ({ reason }: SessionStoreError) => reason === "corrupt",
    () => Effect.succeedSome({ id, atMillis: 0 })
  )

const endBeyond = (
  session: RequestSession,
  { max, onLimit }: SessionLimit,
  ordered: ReadonlyArray<string>
): Effect.Effect<void, SessionStoreError | SessionRefused> => {
  const own = session.life.position.id
  const [kept, beyond] =
    onLimit === "reject"
      ? [ordered.slice(0, max), ordered.slice(max)]
      : [ordered.slice(-max), ordered.slice(0, -max)]
  // Also where a login of the same moment has judged this one first.
  const isRefused = onLimit === "reject" && !kept.includes(own)
  const ended = Effect.forEach(
    // A login that is refused is taken back, with an event of its own.
    isRefused ? beyond.filter((id) => id !== own) : beyond,
    (id) => end(session, id),
    { discard: true }
  )
  return isRefused ? Effect.zipRight(ended, refused) : ended
}

const end = (session: RequestSession, id: string) =>
  Effect.flatMap(session.request.store.remove(id), (ended) =>
    publishDestroyed(session, ended, "limit")
  )
