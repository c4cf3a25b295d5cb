/** Destroy and logout: they act at once, not at the end of the request. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { CookieDuty } from "../../core/commit/model.js"
import type { SessionEntry } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { EventOf } from "../events/event.js"
import { exclusively } from "./exclusively.js"
import { clientOf, publishEvent } from "./RequestContext.js"
import { ownId, type RequestSession } from "./RequestSession.js"

type Ending = EventOf<"Destroyed">["reason"]

/** Ends the session. The request goes on with an empty one. */
export const destroy = (
  session: RequestSession,
  reason: Ending,
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
    (entry) => publishDestroyed(session, entry, reason)
  )
}

/** Ends the session, and lets the response delete the cookie unless a new session begins. */
export const logout = (
  session: RequestSession,
  reason: "logout" | "guard" = "logout"
): Effect.Effect<void, SessionStoreError> =>
  destroy(session, reason, session.life.phase === "skipped" ? undefined : { _tag: "Delete" })

/** Publishes that a session was destroyed, if there was one, and that its user has logged out by that. */
export const publishDestroyed = (
  { request }: RequestSession,
  ended: Option.Option<SessionEntry>,
  reason: Ending
): Effect.Effect<void> =>
  Option.match(ended, {
    onNone: () => Effect.void,
    onSome: ({ id, userId }) => {
      const client = clientOf(request, userId)
      const destroyed = publishEvent(request, { _tag: "Destroyed", id, reason, ...client })
      return userId !== null && (reason === "logout" || reason === "destroy")
        ? Effect.zipRight(
            publishEvent(request, { _tag: "LoggedOut", id, reason, ...client, userId }),
            destroyed
          )
        : destroyed
    }
  })
