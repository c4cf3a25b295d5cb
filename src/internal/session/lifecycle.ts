/**
 * The verbs on the session itself: its id, its lifetime, its login, its CSRF token. They work as those of `verbs.ts`.
 */
import { expiryOf } from "../../core/commit/draft.js"
import { makeSecret, mask, verify } from "../../core/http/csrf.js"
import type { Lifetime } from "../../core/session/state.js"
import { now } from "../commit/RequestContext.js"
import {
  changeId,
  isRetired,
  type RequestSession,
  record,
  startSession
} from "../commit/RequestSession.js"

/** Makes sure that a session is stored, even an empty one. */
export const start = (session: RequestSession): void => startSession(session, "start")

/** Clears everything that the session holds; the id stays. */
export const flush = (session: RequestSession): void =>
  record(session, "flush", "", { _tag: "flush", csrfSecret: makeSecret() })

/** A new id and CSRF token; the old id is quarantined. */
export const regenerate = (
  session: RequestSession,
  reason: "regenerate" | "invalidate"
): string => {
  if (reason === "regenerate") start(session)
  record(session, reason, "", { _tag: "csrf", secret: makeSecret() })
  return changeId(session, "quarantine", reason)
}

/** A new id; the old one stays an alias for a while, or is quarantined with `destroy`. */
export const migrate = (session: RequestSession, destroy: boolean): string => {
  const { life } = session
  if (isRetired(life) || (!destroy && isOnTheMove(session))) return life.id
  startSession(session, "migrate")
  return changeId(session, destroy ? "quarantine" : "alias", "migrate")
}

/** True while a client may still come with the id before: an alias reaches one step, and nobody is to be left behind. */
const isOnTheMove = ({ life: { change, position }, request }: RequestSession): boolean => {
  const previous = position.stored?.record.previous
  return (
    change !== null ||
    position.tokenFrom === "alias" ||
    (previous?.kind === "alias" && previous.untilMillis > now(request))
  )
}

/** Clears everything and gives a new id. */
export const invalidate = (session: RequestSession): string => {
  flush(session)
  return regenerate(session, "invalidate")
}

/** A masked CSRF token; there is a session from then on. */
export const csrfToken = (session: RequestSession): string => {
  if (session.life.phase === "open") startSession(session, "csrfToken")
  return mask(session.life.state.csrfSecret)
}

/** Whether a token was made from this session's secret. */
export const verifyToken = (session: RequestSession, token: string): boolean =>
  verify(session.life.state.csrfSecret, token)

/** A new CSRF secret. */
export const regenerateToken = (session: RequestSession): void =>
  record(session, "regenerateToken", "", { _tag: "csrf", secret: makeSecret() })

/** When the session was created; for one that is not stored, now. */
export const createdAt = ({ life: { empty, position } }: RequestSession): number =>
  position.stored?.record.createdAtMillis ?? empty.absoluteFromMillis

/** The last activity that is stored. */
export const lastActivity = ({ life: { empty, position } }: RequestSession): number =>
  position.stored?.record.lastActivityMillis ?? empty.absoluteFromMillis

/** When the session ends if nothing more happens. */
export const expiresAt = ({ life: { position, state }, request }: RequestSession): number =>
  position.stored?.record.expiresAtMillis ?? expiryOf(request.settings, state, now(request))

/** The last login; `null` for a guest. */
export const authenticatedAt = ({ life: { state } }: RequestSession): number | null =>
  state.userId === null ? null : state.authenticatedAtMillis

/** Why a login is required where the last one must be at most so long ago; `null` where none is. */
export const loginRequired = (
  session: RequestSession,
  withinMillis: number
): "guest" | "stale" | null => {
  const atMillis = authenticatedAt(session)
  if (atMillis === null) return "guest"
  return now(session.request) - atMillis <= withinMillis ? null : "stale"
}

/** How long this session lives from now on. */
export const setLifetime = (session: RequestSession, lifetime: Lifetime): void =>
  record(session, "setLifetime", "", { _tag: "lifetime", lifetime })
