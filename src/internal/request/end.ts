/** The end of a request, the one commit point: what is pending is committed, then the response gets its headers. */

import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { requestTarget } from "../../core/http/previousUrl.js"
import { type CommitOptions, commit, hasWork } from "../commit/commitPending.js"
import type { RequestSession } from "../commit/RequestSession.js"
import { type RunningFiber, withFiber } from "../effect/fiber.js"
import { isAborted, type ResponseHandler, warnIn } from "../effect/requestFiber.js"
import { unstored } from "../errors/answers.js"
import { setPreviousUrl } from "../session/verbs.js"
import { maybeCollect } from "../store/collectAll.js"
import { enter, enterBody } from "../store/inFlight.js"
import type { Options } from "./options.js"
import * as Policy from "./policy.js"
import { recheckCookie } from "./recheckCookie.js"
import { failureAnswer, ofPlatform, withHeaders } from "./respond.js"
import { type LockOwner, unlock, unlocking } from "./serialize.js"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/** What has to be known at the end of a request. */
export interface Ending {
  readonly session: RequestSession
  readonly options: Options
  /** Whose lock is given back. */
  readonly lockOwner: LockOwner
}

/**
 * Makes the handler of the response. The platform may call it twice, and hangs when it fails: it runs once, and never fails.
 * The fiber keeps this handler when the request is over, but nothing of the request with it.
 */
export const endOf = (ending: Ending): ResponseHandler => {
  let open: Ending | undefined = ending
  return (request, response) =>
    withFiber((fiber) => {
      if (open === undefined) return Effect.succeed(response)
      const closing = open
      open = undefined
      const { store } = closing.session.request
      enter(store, fiber)
      const ended = end(closing, request, ofPlatform(response), fiber)
      // Of a web handler, it is sent when this fiber is over.
      return response.body._tag === "Stream"
        ? Effect.zipRight(enterBody(store, fiber), ended)
        : ended
    })
}

const end = (
  ending: Ending,
  request: Request,
  response: Response,
  fiber: RunningFiber
): Effect.Effect<Response> => {
  const { settings, store } = ending.session.request
  const { lottery } = settings.settings
  const ended = conclude(ending, request, response, fiber)
  return lottery === undefined ? ended : Effect.zipLeft(ended, maybeCollect(lottery, store))
}

/** Closes the session as the options say. Where one of them throws, nothing that is pending is committed. */
const conclude = (
  ending: Ending,
  request: Request,
  response: Response,
  fiber: RunningFiber
): Effect.Effect<Response> => {
  let closing: CommitOptions | undefined
  try {
    closing = closingOf(ending, request, response, fiber)
  } catch (defect) {
    return Effect.zipRight(
      Effect.logError("An option of the session middleware threw", Cause.die(defect)),
      close(ending, unstored.response, undefined, fiber)
    )
  }
  return close(ending, response, closing, fiber)
}

/** What is committed with the response; nothing where nothing is. */
const closingOf = (
  { lockOwner, options, session }: Ending,
  request: Request,
  response: Response,
  fiber: RunningFiber
): CommitOptions | undefined => {
  // The head of an upgraded connection has left; another attempt has taken the place of one that failed.
  if (isAborted(fiber) || session.onLateWrite !== null) return undefined
  if (!Policy.commits(options, request, response)) return undefined
  if (options.recordsPreviousUrl === true && Policy.isPage(request, response)) {
    rememberPage(session, request)
  }
  return {
    ages: Policy.agesFlash(options, request, response),
    also: unlocking(session, lockOwner)
  }
}

/** A page is never a reason to begin a session. */
const rememberPage = (session: RequestSession, request: Request): void => {
  const { life } = session
  if (life.position.stored === null && life.pending.length === 0) return
  setPreviousUrl(session, requestTarget(request.originalUrl))
}

const close = (
  { lockOwner, options, session }: Ending,
  response: Response,
  closing: CommitOptions | undefined,
  fiber: RunningFiber
): Effect.Effect<Response> => {
  const leave = (leaving: Response): Response => {
    session.leave(lateReport(fiber))
    return withHeaders(session, leaving, options)
  }
  /** Gives the lock back where no commit has, and looks once more at a cookie that was decided earlier. */
  const lookAndLeave = (leaving: Response, looks: boolean): Effect.Effect<Response> =>
    Effect.map(
      Effect.zipRight(unlock(session, lockOwner), looks ? recheckCookie(session) : Effect.void),
      () => leave(leaving)
    )
  // What was given up is dropped, and the handler has answered for it.
  if (closing === undefined || session.life.failure !== null || !hasWork(session, closing)) {
    return lockOwner === null && session.life.cookie._tag !== "Set"
      ? Effect.succeed(leave(response))
      : lookAndLeave(response, true)
  }
  return Effect.matchCauseEffect(commit(session, closing), {
    onSuccess: (outcome) =>
      outcome === "done" && lockOwner === null
        ? Effect.succeed(leave(response))
        : lookAndLeave(response, outcome !== "done"),
    onFailure: (cause) =>
      Effect.zipRight(
        Effect.logError("The session could not be committed", cause),
        lookAndLeave(failureAnswer(Cause.squash(cause)), false)
      )
  })
}

/** Tells in the log of the request's fiber of writes that nothing commits any more. */
export const lateReport = (fiber: RunningFiber) => {
  const warn = warnIn(fiber)
  return (verb: string, key: string): void => {
    const what = key === "" ? `Session.${verb}` : `Session.${verb} of ${JSON.stringify(key)}`
    warn(`${what} came after the response head: it is not stored unless Session.commit follows`)
  }
}
