/** The end of a request: commit what is pending, then the headers of the response. */
import * as Cookies from "@effect/platform/Cookies"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { type Cell, now, type Owed, owedNow } from "../commit/cell.js"
import { commitNow, hasWork } from "../commit/commit.js"
import { confirm } from "../commit/confirm.js"
import { response as answer, storeAway } from "../errors/answers.js"
import { SessionConflict, SessionEncodeError } from "../errors/errors.js"
import { exitOf } from "../store/synchronous.js"
import { cookiesOf } from "./responseCookie.js"

type Response = HttpServerResponse.HttpServerResponse

/** How a request ends. */
export interface CloseOptions {
  readonly commits: boolean
  readonly ages: boolean
  /** The answer where the store is down, if it is not plain text. */
  readonly unavailable?: Response | undefined
}

/** Commits, at once where it can, and gives the response that may leave: the handler's, or that of a failed commit. */
export const close = (
  cell: Cell,
  response: Response,
  { ages, commits, unavailable }: CloseOptions,
  fiber: Fiber.RuntimeFiber<unknown, unknown>
): Effect.Effect<Response> => {
  const leave = (leaving: Response): Response => {
    cell.late = lateReport(fiber)
    return withHeaders(cell, leaving)
  }
  const options = { ages, operation: "commit" }
  // The handler has that error, and the response is its answer to it.
  cell.dropRefused()
  if (!commits || !hasWork(cell, options)) {
    const confirmed = confirm(cell)
    return exitOf(confirmed) === undefined
      ? Effect.map(confirmed, () => leave(response))
      : Effect.succeed(leave(response))
  }
  const committed = commitNow(cell, options)
  if (exitOf(committed)?._tag === "Success") return Effect.succeed(leave(response))
  return Effect.matchCauseEffect(committed, {
    onSuccess: () => Effect.succeed(leave(response)),
    onFailure: (cause) =>
      Effect.as(
        Effect.logError("The session could not be committed", cause),
        leave(failure(Cause.squash(cause), unavailable))
      )
  })
}

/** Tells in the log of the request's fiber of writes that nothing commits any more. */
export const lateReport =
  (fiber: Fiber.RuntimeFiber<unknown, unknown>) =>
  (verb: string, key: string): void => {
    const what = key === "" ? `Session.${verb}` : `Session.${verb} of ${JSON.stringify(key)}`
    const warning = Effect.logWarning(
      `${what} came after the response head: it is not stored unless Session.commit follows`
    )
    Effect.runSync(Effect.zipRight(Effect.setFiberRefs(fiber.getFiberRefs()), warning))
  }

/** The answer where the session could not be stored for a reason of the program's own. */
export const unstored: Response = answer(500, "The session could not be stored.")

const failure = (error: unknown, unavailable: Response | undefined): Response => {
  if (error instanceof SessionConflict) {
    return answer(409, "The session changed meanwhile. Please try again.")
  }
  return error instanceof SessionEncodeError ? unstored : (unavailable ?? storeAway)
}

/** Sets `Vary`, and the cookie with `Cache-Control: no-store` where the client's must change. */
export const withHeaders = (cell: Cell, response: Response): Response => {
  const owed = owedNow(cell)
  if (owed === null && cell.cookie !== "delete") return withVary(response)
  // One by one: `setHeaders` costs ten times as much.
  const varied = HttpServerResponse.setHeader(response, "vary", varyOf(response))
  const uncached = HttpServerResponse.setHeader(varied, "cache-control", "no-store")
  const cookie =
    owed === null ? cookiesOf(cell.surroundings.compiled.cookie).deleted : cookieOf(cell, owed)
  return HttpServerResponse.updateCookies(uncached, Cookies.setCookie(cookie))
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
const cookieOf = (cell: Cell, { base, token }: Owed): Cookies.Cookie => {
  const { cookie, settings } = cell.surroundings.compiled
  const cookies = cookiesOf(cookie)
  const { lifetime } = base.state
  if (lifetime === "browser" || (lifetime === null && settings.expireOnClose)) {
    return cookies.holding(token)
  }
  const leftMillis = base.record.expiresAtMillis - now(cell)
  const seconds = Math.min(Math.max(Math.round(leftMillis / 1000), 0), longestSeconds)
  return cookies.holding(token, seconds)
}

/** Browsers keep no cookie for longer. */
const longestSeconds = 400 * 24 * 60 * 60
