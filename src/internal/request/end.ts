/** The commit point of a request: whether its response commits, ages flash and is remembered as a page. */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerError from "@effect/platform/HttpServerError"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import { requestTarget } from "../../core/http/previousUrl.js"
import type { Cell } from "../commit/cell.js"
import { isWritten } from "../commit/commit.js"
import type { Lease } from "../commit/lease.js"
import * as Operations from "../session/verbs.js"
import { maybeCollect } from "../store/collection.js"
import type { Running } from "./context.js"
import type { Options } from "./options.js"
import { type CloseOptions, close, lateReport, unstored } from "./respond.js"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/** What of the options of the middleware is about the end of a request. */
export interface EndOptions extends Pick<Options, "agesFlash" | "commitOn" | "recordsPreviousUrl"> {
  /** As in `CloseOptions`. */
  readonly unavailable?: Response
}

/** A request that was opened, and what is to be known at its end. */
export interface Opened {
  readonly cell: Cell
  readonly lease: Lease | undefined
  /** The app failed and was begun again: what this attempt left pending is not committed. */
  superseded: boolean
  /** The connection has become a websocket: the response is a formality, and nothing is committed with it. */
  upgraded: boolean
}

/** Makes way for another attempt at the same request. */
export const supersede = (opened: Opened): Effect.Effect<void> => {
  opened.superseded = true
  return opened.lease === undefined ? Effect.void : opened.lease.release
}

/**
 * Notes that the connection has become a websocket: its head has left without a cookie, so that nothing may be stored any
 * more that needs one.
 */
export const leaveByUpgrade = (opened: Opened, fiber: Running): void => {
  if (opened.upgraded || opened.superseded) return
  opened.upgraded = true
  const { cell } = opened
  cell.late = lateReport(fiber)
  if (cell.mode !== "open") return
  if (cell.operations.length > 0 || cell.move !== null) {
    warn(
      fiber,
      "The connection was upgraded before a commit: what was recorded is not stored unless Session.commit follows, and a new id is dropped"
    )
  }
  cell.move = null
  if (isUnsent(cell)) {
    warn(
      fiber,
      "The connection was upgraded: the cookie of the new session id cannot be sent any more"
    )
  }
}

/** True when the client has no cookie of the session that this request has stored or moved. */
const isUnsent = ({ base, isNew, unsentId }: Cell): boolean =>
  base !== null && (isNew || base.record.id === unsentId)

const warn = (fiber: Running, sentence: string): void =>
  Effect.runSync(
    Effect.zipRight(Effect.setFiberRefs(fiber.getFiberRefs()), Effect.logWarning(sentence))
  )

/**
 * The commit point. The platform may call it twice, and hangs when it fails: it runs once, and never fails. The fiber
 * keeps this handler when the request is over, but nothing of the request with it.
 */
export const atTheEnd = (opened: Opened, options: EndOptions): HttpApp.PreResponseHandler => {
  let left: Opened | undefined = opened
  return (request, response) =>
    Effect.withFiberRuntime((fiber) => {
      if (left === undefined) return Effect.succeed(response)
      const ending = left
      left = undefined
      return end(ending, request, response, options, fiber)
    })
}

const end = (
  opened: Opened,
  request: Request,
  response: Response,
  options: EndOptions,
  fiber: Running
): Effect.Effect<Response> => {
  const { cell, lease, superseded } = opened
  const { compiled, store } = cell.surroundings
  const { lottery } = compiled.settings
  const committed = superseded
    ? close(cell, response, nothing, fiber)
    : conclude(opened, request, response, options, fiber)
  const closed = lease === undefined ? committed : Effect.zipLeft(committed, lease.release)
  return lottery === undefined ? closed : Effect.zipLeft(closed, maybeCollect(lottery, store))
}

/** What was committed before gets its cookie all the same. */
const nothing: CloseOptions = { commits: false, ages: false }

/** Closes the session as the options say. Where one of them throws, what was committed before still gets its cookie. */
const conclude = (
  opened: Opened,
  request: Request,
  response: Response,
  options: EndOptions,
  fiber: Running
): Effect.Effect<Response> => {
  const { cell } = opened
  let ending: CloseOptions
  try {
    ending = endingOf(opened, request, response, options, fiber)
  } catch (defect) {
    return Effect.zipRight(
      Effect.logError("An option of the session middleware threw", Cause.die(defect)),
      close(cell, unstored, nothing, fiber)
    )
  }
  return close(cell, response, ending, fiber)
}

const endingOf = (
  { cell, upgraded }: Opened,
  request: Request,
  response: Response,
  options: EndOptions,
  fiber: Running
): CloseOptions => {
  const commits =
    response.status !== 499 &&
    !isAborted(fiber) &&
    !upgraded &&
    (options.commitOn?.(response, request) ?? response.status < 500)
  if (commits && options.recordsPreviousUrl === true) rememberPage(cell, request, response)
  const ages = commits && response.status < 500 && agesFlash(options, request, response)
  return { commits, ages, unavailable: options.unavailable }
}

/**
 * True when the client went away before the handler ended. Where the platform does not interrupt a handler (an app
 * without a router, a route that is `uninterruptible`) the status does not tell.
 */
const isAborted = (fiber: Running): boolean => {
  const cause = fiber.getFiberRef(FiberRef.interruptedCause)
  return (
    !Cause.isEmpty(cause) &&
    HashSet.has(Cause.interruptors(cause), HttpServerError.clientAbortFiberId)
  )
}

const rememberPage = (cell: Cell, request: Request, response: Response): void => {
  if (cell.mode !== "open" || (cell.base === null && !isWritten(cell))) return
  if (!isPage(request, response)) return
  Operations.setPreviousUrl(cell, requestTarget(request.originalUrl))
}

const isPrefetch = (request: Request): boolean =>
  /\bprefetch|\bprerender/i.test(
    `${request.headers["sec-purpose"] ?? ""} ${request.headers.purpose ?? ""}`
  )

const agesFlash = (options: EndOptions, request: Request, response: Response): boolean => {
  if (typeof options.agesFlash === "function") return options.agesFlash(request, response)
  if (isPrefetch(request)) return false
  return options.agesFlash !== "navigation" || isNavigation(request)
}

const isNavigation = (request: Request): boolean =>
  (request.headers["sec-fetch-mode"] ?? "navigate") === "navigate"

const isPage = (request: Request, response: Response): boolean =>
  request.method === "GET" &&
  ((response.status >= 200 && response.status < 300) || response.status === 304) &&
  !isPrefetch(request) &&
  isNavigation(request) &&
  request.headers["x-requested-with"] === undefined &&
  /\btext\/html\b|\*\/\*/i.test(request.headers.accept ?? "*/*") &&
  /^(?:text\/html|application\/xhtml\+xml)\b|^$/i.test(response.headers["content-type"] ?? "")
