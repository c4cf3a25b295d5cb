/** What the response of a request says about its session: whether it commits, ages the flash, is remembered as a page. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type { Options } from "./options.js"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/** Whether what is pending is committed, where the client is still there. */
export const commits = ({ commitOn }: Options, request: Request, response: Response): boolean =>
  response.status !== 499 && (commitOn?.(response, request) ?? response.status < 500)

/** Whether the flash that the request was shown is aged. */
export const agesFlash = (
  { agesFlash: option }: Options,
  request: Request,
  response: Response
): boolean => {
  if (response.status >= 500) return false
  if (typeof option === "function") return option(request, response)
  if (isPrefetch(request)) return false
  return option !== "navigation" || isNavigation(request)
}

const isPrefetch = (request: Request): boolean =>
  /\bprefetch|\bprerender/i.test(
    `${request.headers["sec-purpose"] ?? ""} ${request.headers.purpose ?? ""}`
  )

const isNavigation = (request: Request): boolean =>
  (request.headers["sec-fetch-mode"] ?? "navigate") === "navigate"

/** Whether this is a page that a person has opened. */
export const isPage = (request: Request, response: Response): boolean =>
  request.method === "GET" &&
  ((response.status >= 200 && response.status < 300) || response.status === 304) &&
  !isPrefetch(request) &&
  isNavigation(request) &&
  request.headers["x-requested-with"] === undefined &&
  /\btext\/html\b|\*\/\*/i.test(request.headers.accept ?? "*/*") &&
  /^(?:text\/html|application\/xhtml\+xml)\b|^$/i.test(response.headers["content-type"] ?? "")
