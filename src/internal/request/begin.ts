/** The beginning of a request: its session is loaded, locked where the route asks for it, and its end is prepared. */

import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { RequestSession } from "../commit/RequestSession.js"
import type { RunningFiber } from "../effect/fiber.js"
import { warnIn } from "../effect/requestScope.js"
import type { SessionConflict, SessionStoreError } from "../errors/errors.js"
import { type FindContext, requestContextOf } from "./context.js"
import { type Ending, lateReport } from "./end.js"
import { load, skipped } from "./load.js"
import type { Options } from "./options.js"
import { type LockOptions, loadLocked, ownerOf } from "./serialize.js"
import { watchUpgrade } from "./websocket.js"

/** Options whose durations are worked out. */
export interface CheckedOptions extends Options {
  readonly lock: LockOptions | undefined
  readonly unavailable?: Ending["unavailable"]
}

/** The attempts that failed, by what the request came from. Another one supersedes them. */
export type FailedAttempts = WeakMap<object, RequestSession>

/** Begins the request that a fiber answers. */
export const begin = (
  fiber: RunningFiber,
  findContext: FindContext,
  options: CheckedOptions,
  failed: FailedAttempts
): Effect.Effect<Ending, SessionStoreError | SessionConflict> => {
  const context = requestContextOf(fiber, findContext(fiber))
  const { request } = context
  const source = sourceOf(request)
  const { lock, unavailable } = options
  const lockOwner = lock === undefined ? null : ownerOf(source)
  // The app is run again: the last attempt is the one that commits.
  failed.get(source)?.leave(() => {})
  const prepare = (session: RequestSession): Ending => {
    watchUpgrade(request, () => leaveByUpgrade(session, fiber))
    return { session, options, unavailable, lockOwner }
  }
  if (options.skip?.(request) === true) return Effect.succeed(prepare(skipped(context)))
  const { cookie } = request.headers
  const loaded =
    lock === undefined || lockOwner === null
      ? load(context, cookie)
      : loadLocked(
          Effect.suspend(() => load(context, cookie)),
          lockOwner,
          lock
        )
  return Effect.matchEffect(loaded, {
    onSuccess: (session) => Effect.succeed(prepare(session)),
    onFailure: (error): Effect.Effect<never, SessionStoreError | SessionConflict> =>
      error._tag === "SessionStoreError"
        ? Effect.zipRight(Effect.logError("The session could not be loaded", error), error)
        : error
  })
}

/** As `begin`; what throws at once, such as a store's call, ends the effect. */
export const beginSafely: typeof begin = (...request) => {
  try {
    return begin(...request)
  } catch (defect) {
    return Exit.die(defect)
  }
}

/** What a request came from is the same in all attempts at it. A request that was made by hand may have come from nothing. */
export const sourceOf = (request: HttpServerRequest.HttpServerRequest): object => {
  const { source } = request
  return typeof source === "object" && source !== null ? source : request
}

/** The connection has become a websocket: its head has left, and no cookie with it. */
const leaveByUpgrade = (session: RequestSession, fiber: RunningFiber): void => {
  if (session.onLateWrite !== null) return
  const { change, pending, phase, position } = session.life
  session.leave(lateReport(fiber))
  if (phase === "skipped") return
  if (pending.length > 0 || change !== null) {
    warnIn(
      fiber,
      "The connection was upgraded before a commit: what was recorded is not stored unless Session.commit follows, and a new id is dropped"
    )
  }
  if (position.stored !== null && position.tokenFrom === "here") {
    warnIn(
      fiber,
      "The connection was upgraded: the cookie of the new session id cannot be sent any more"
    )
  }
}
