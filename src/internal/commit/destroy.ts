/** Destroy and logout: they act at once, not at the end of the request. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { CookieDuty } from "../../core/commit/model.js"
import type { SessionEntry } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import { exclusively } from "./exclusively.js"
import { clientOf, publishEvent } from "./RequestContext.js"
import { ownId, type RequestSession } from "./RequestSession.js"

/** Ends the session. The request goes on with an empty one. */
export const destroy = (
  session: RequestSession,
  cookie?: CookieDuty
): Effect.Effect<void, SessionStoreError> => {
  const removed = Effect.suspend(() => {
    const id = ownId(session.life)
    return id === null ? Effect.succeedNone : session.request.store.remove(id)
  })
  const ended = Effect.tap(removed, () => Effect.sync(() => session.restart(cookie)))
  return Effect.flatMap(
    // Behind the commits of this request: what one of them is storing just now ends too.
    exclusively(session, "remove", () => ended),
    (entry) => publishDestroyed(session, entry)
  )
}

/** Ends the session, and lets the response delete the cookie unless a new session begins. */
export const logout = (session: RequestSession): Effect.Effect<void, SessionStoreError> =>
  destroy(session, session.life.phase === "skipped" ? undefined : { _tag: "Delete" })

/** Publishes that a session was destroyed, if there was one. */
export const publishDestroyed = (
  { request }: RequestSession,
  ended: Option.Option<SessionEntry>
): Effect.Effect<void> =>
  Option.match(ended, {
    onNone: () => Effect.void,
    onSome: ({ id, userId }) =>
      publishEvent(request, { _tag: "Destroyed", id, ...clientOf(request, userId) })
  })
