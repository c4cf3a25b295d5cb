/** The beginning of a request: its session is loaded, locked where the route asks for it, and its end is prepared. */

import * as Effect from "effect/Effect"
import type { RequestSession } from "../commit/RequestSession.js"
import type { RunningFiber } from "../effect/fiber.js"
import { warnIn } from "../effect/requestFiber.js"
import type { SessionConflict, SessionStoreError } from "../errors/errors.js"
import { enter } from "../store/inFlight.js"
import { type Ending, lateReport } from "./end.js"
import {
  type FindContext,
  type HttpRequestContext,
  requestContextOf
} from "./HttpRequestContext.js"
import { load, skipped } from "./load.js"
import type { Options } from "./options.js"
import { sourceOf } from "./requestSource.js"
import { type LockOptions, type LockOwner, loadLocked, ownerOf } from "./serialize.js"
import { watchUpgrade } from "./websocket.js"

/** Options whose durations are worked out. */
export interface CheckedOptions extends Options {
  readonly lock: LockOptions | undefined
}

/** The attempts that failed, by what the request came from. Another one supersedes them. */
export type FailedAttempts = WeakMap<object, RequestSession>

/** A request on its way to its handler. */
export interface Beginning {
  readonly loaded: Effect.Effect<RequestSession, SessionStoreError | SessionConflict>
  readonly prepare: (session: RequestSession) => Ending
}

/** Begins the request that a fiber answers: its session is to be loaded, then its end to be prepared. */
export const begin = (
  fiber: RunningFiber,
  findContext: FindContext,
  options: CheckedOptions,
  failed: FailedAttempts
): Beginning => {
  const context = requestContextOf(fiber, findContext(fiber))
  const { request } = context
  const source = sourceOf(request)
  const { lock } = options
  const lockOwner = lock === undefined ? null : ownerOf(source)
  // The app is run again: the last attempt is the one that commits.
  failed.get(source)?.leave(() => {})
  return {
    loaded: loadAs(fiber, context, options, lockOwner),
    prepare: (session) => {
      watchUpgrade(request, () => leaveByUpgrade(session, fiber))
      return { session, options, lockOwner }
    }
  }
}

const loadAs = (
  fiber: RunningFiber,
  context: HttpRequestContext,
  { lock, skip }: CheckedOptions,
  lockOwner: LockOwner
): Beginning["loaded"] => {
  const { request } = context
  try {
    if (skip?.(request) === true) return Effect.succeed(skipped(context))
    const { cookie } = request.headers
    const loaded =
      lock === undefined || lockOwner === null
        ? load(context, cookie)
        : loadLocked(
            Effect.suspend(() => load(context, cookie)),
            lockOwner,
            lock
          )
    enter(context.store, fiber)
    return loaded
  } catch (defect) {
    // What an option or a store throws at once ends the request as what it dies of would.
    return Effect.die(defect)
  }
}

/** The connection has become a websocket: its head has left, and no cookie with it. */
const leaveByUpgrade = (session: RequestSession, fiber: RunningFiber): void => {
  if (session.onLateWrite !== null) return
  const { change, pending, phase, position } = session.life
  session.leave(lateReport(fiber))
  if (phase === "skipped") return
  const warn = warnIn(fiber)
  if (pending.length > 0 || change !== null) {
    warn(
      "The connection was upgraded before a commit: what was recorded is not stored unless Session.commit follows, and a new id is dropped"
    )
  }
  if (position.stored !== null && position.tokenFrom === "here") {
    warn("The connection was upgraded: the cookie of the new session id cannot be sent any more")
  }
}
