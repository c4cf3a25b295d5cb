/**
 * The last look before a cookie leaves that was decided earlier in the request, with a token that the client has had
 * before: a login that has moved the session since has sent another cookie, and this one must not overwrite it.
 */
import * as Effect from "effect/Effect"
import { lookAtCookie } from "../commit/engine.js"
import type { RequestSession } from "../commit/RequestSession.js"

/** Looks whether the cookie still names the session. Where the store cannot tell, the cookie is sent. */
export const recheckCookie = (session: RequestSession): Effect.Effect<void> => {
  const { cookie } = session.life
  // Nobody but this request knows a token that was made in it.
  if (cookie._tag !== "Set" || cookie.at.tokenFrom === "here") return Effect.void
  return Effect.ignore(lookAtCookie(session, cookie.at))
}
