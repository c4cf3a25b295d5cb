/** The answers of the middleware itself, and the headers of every response. */
import * as Cookies from "@effect/platform/Cookies"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type { Position } from "../../core/commit/model.js"
import { now, type RequestContext } from "../commit/RequestContext.js"
import type { RequestSession } from "../commit/RequestSession.js"
import { conflicted, storeAway, unstored } from "../errors/answers.js"
import { SessionConflict, SessionEncodeError } from "../errors/errors.js"
import type { Options } from "./options.js"
import { cookiesOf } from "./responseCookie.js"

type Response = HttpServerResponse.HttpServerResponse

/** The answer in place of the handler's where the commit failed. */
export const failureAnswer = (error: unknown): Response => {
  if (error instanceof SessionConflict) return conflicted.response
  return error instanceof SessionEncodeError ? unstored.response : storeAway.response
}

/**
 * A `Response` of the web has headers of its own, which may be read-only: it becomes a response of the platform. One that
 * upgrades the connection must stay as it is.
 */
export const ofPlatform = (response: Response): Response => {
  const { body, cookies, headers } = response
  if (body._tag !== "Raw" || !(body.body instanceof globalThis.Response)) return response
  if (body.body.status === 101) return response
  const own = HttpServerResponse.fromWeb(body.body)
  return HttpServerResponse.mergeCookies(HttpServerResponse.setHeaders(own, headers), cookies)
}

/** Sets `Vary` and `Cache-Control`, and the cookie where the client's must change. */
export const withHeaders = (
  { life, request }: RequestSession,
  response: Response,
  { noStoreForUsers = true }: Options
): Response => {
  const { cookie, state } = life
  if (cookie._tag === "Keep") {
    const isPrivate = noStoreForUsers && state.userId !== null
    return isPrivate && response.headers["cache-control"] === undefined
      ? HttpServerResponse.setHeader(withVary(response), "cache-control", "private, no-store")
      : withVary(response)
  }
  // One by one: `setHeaders` costs ten times as much.
  const varied = HttpServerResponse.setHeader(response, "vary", varyOf(response))
  const uncached = HttpServerResponse.setHeader(varied, "cache-control", "no-store")
  const header =
    cookie._tag === "Set"
      ? cookieOf(request, cookie.at)
      : cookiesOf(request.settings.cookie).deleted
  return HttpServerResponse.updateCookies(uncached, Cookies.setCookie(header))
}

/** Adds `Cookie` to `Vary`, whatever stands there already. */
export const withVary = (response: Response): Response => {
  const vary = varyOf(response)
  return vary === response.headers.vary
    ? response
    : HttpServerResponse.setHeader(response, "vary", vary)
}

const varyOf = ({ headers }: Response): string => {
  const given = headers.vary
  if (given === undefined || given === "") return "Cookie"
  return /(?:^|,)\s*(?:\*|cookie)\s*(?:,|$)/i.test(given) ? given : `${given}, Cookie`
}

/** The session's cookie, for what is left of the session, to the second. */
const cookieOf = (request: RequestContext, { stored, token }: Position): Cookies.Cookie => {
  const { cookie, settings } = request.settings
  const cookies = cookiesOf(cookie)
  const lifetime = stored?.state.lifetime ?? null
  if (stored === null || lifetime === "browser" || (lifetime === null && settings.expireOnClose)) {
    return cookies.holding(token)
  }
  const leftMillis = stored.record.expiresAtMillis - now(request)
  const seconds = Math.min(Math.max(Math.round(leftMillis / 1000), 0), longestSeconds)
  return cookies.holding(token, seconds)
}

/** Browsers keep no cookie for longer. */
const longestSeconds = 400 * 24 * 60 * 60
