/** The CSRF check: what it is set to, and its verdict on a request. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import { isSafeMethod, parseOrigin, rawPath, siteProblem } from "../../core/http/csrf.js"
import { clientOf, publishEvent } from "../commit/RequestContext.js"
import type { RequestSession } from "../commit/RequestSession.js"
import { response } from "../errors/answers.js"
import { SessionConfigError } from "../errors/errors.js"
import { hostOf } from "../request/HttpRequestContext.js"
import { type Middleware, withSession } from "../request/mountsOfChecks.js"
import { verifyToken } from "../session/lifecycle.js"
import { useEffect } from "../session/lift.js"
import { formTokens } from "./formTokens.js"
import { redactHeaders } from "./redactHeaders.js"

type Request = HttpServerRequest.HttpServerRequest

/**
 * What can be changed about the check. An option that cannot be used is thrown as a `SessionConfigError` at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Origins that may send requests, such as `https://example.com`. Default: the request's own host, with either scheme. */
  readonly origins?: ReadonlyArray<string> | undefined
  /**
   * Paths that are not checked at all, such as `/webhooks/payments`. Default: none.
   *
   * A path is compared with the one that the client sent, without the query and with the prefixes of mounts. There are no
   * patterns, nothing is decoded, and `/a/` is not `/a`.
   */
  readonly exempt?: ReadonlyArray<string> | undefined
  /**
   * How many bytes of a form are searched for the field `_token`. Default: 1 MiB. A form with larger files must send the
   * field before them.
   */
  readonly maxFormBytes?: number | undefined
}

/** The check before an app. A request that is refused gets a 403. */
export const middlewareOf = (options: Options): Middleware => {
  const isAdmitted = checkOf(options)
  return (app) =>
    useEffect((session) =>
      Effect.flatMap(isAdmitted(session), (admitted) => (admitted ? app : refused))
    )
}

const refused = Effect.succeed(response(403, "The request was refused: its CSRF check failed."))

/** The check before the endpoints of an `HttpApi`. A request that is refused fails. */
export const endpointCheckOf = <E>(options: Options, error: () => E) => {
  const isAdmitted = checkOf(options)
  return withSession((session) =>
    Effect.filterOrFail(isAdmitted(session), (admitted) => admitted, error)
  )
}

/** Options that were checked. */
interface Rules {
  readonly origins: ReadonlyArray<string> | undefined
  readonly exempt: ReadonlySet<string>
  readonly maxFormBytes: number
}

const checkOf = (options: Options) => {
  const rules = compile(options)
  return (session: RequestSession): Effect.Effect<boolean, never, Request> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.flatMap(verdictOn(request, session, rules), (reason) =>
        reason === undefined ? Effect.succeed(true) : Effect.as(reject(session, reason), false)
      )
    )
}

const compile = ({ exempt = [], maxFormBytes = 2 ** 20, origins }: Options): Rules => {
  for (const path of exempt) {
    if (rawPath(path) === path && !path.includes("#")) continue
    const reason = `must list paths such as "/webhooks", without a query: "${path}" is none.`
    throw new SessionConfigError({ field: "exempt", reason })
  }
  if (!Number.isSafeInteger(maxFormBytes) || maxFormBytes < 1) {
    throw new SessionConfigError({ field: "maxFormBytes", reason: "must be a positive integer." })
  }
  return { origins: origins?.map(originOf), exempt: new Set(exempt), maxFormBytes }
}

const originOf = (text: string): string => {
  const origin = parseOrigin(text)
  if (origin !== undefined) return origin
  const reason = `must list origins such as "https://example.com": "${text}" is none.`
  throw new SessionConfigError({ field: "origins", reason })
}

const tokenHeaders = ["x-csrf-token", "x-xsrf-token"] as const

/** Why a request is refused. */
type Reason = "site" | "origin" | "token"

const verdictOn = (
  request: Request,
  session: RequestSession,
  rules: Rules
): Effect.Effect<Reason | undefined> => {
  const verdict = Effect.suspend(() => judge(request, session, rules))
  // Some clients send the token with every request, so one that is not checked may carry it too.
  return tokenHeaders.some((name) => request.headers[name] !== undefined)
    ? Effect.zipRight(redactHeaders(tokenHeaders), verdict)
    : verdict
}

/** Looks at where the request comes from before it looks at the body. */
const judge = (
  request: Request,
  session: RequestSession,
  rules: Rules
): Effect.Effect<Reason | undefined> => {
  if (isSafeMethod(methodOf(request))) return Effect.succeed(undefined)
  const path = rawPath(request.originalUrl)
  if (path !== undefined && rules.exempt.has(path)) return Effect.succeed(undefined)
  const { origin, "sec-fetch-site": site } = request.headers
  const problem = siteProblem({ host: hostOf(request), origin, site }, rules.origins)
  if (problem !== undefined) return Effect.succeed(problem)
  return Effect.map(tokensOf(request, session, rules), (tokens) =>
    tokens.length > 0 && tokens.every((token) => verifyToken(session, token)) ? undefined : "token"
  )
}

/** The method as the client wrote it, where the server still has it: the platform writes it in upper case. */
const methodOf = ({ method, source }: Request): string => {
  const written = typeof source === "object" && source !== null && "method" in source
  return written && typeof source.method === "string" ? source.method : method
}

/** The tokens that the request carries, all of which must be right: those of headers, or else the one of a form. */
const tokensOf = (
  request: Request,
  session: RequestSession,
  { maxFormBytes }: Rules
): Effect.Effect<ReadonlyArray<string>> => {
  const sent = tokenHeaders.map((name) => request.headers[name])
  const headers = sent.filter((header) => header !== undefined)
  if (headers.length > 0) return Effect.succeed(headers)
  // The secret of a session that is not stored was made a moment ago, so no form can know it.
  if (session.life.position.stored === null) return Effect.succeed([])
  return Effect.map(formTokens(request, maxFormBytes), (fields) =>
    fields.length === 1 ? fields : []
  )
}

/** Publishes the refusal and keeps the session as it was: it is not touched, and its flash is not aged. */
const reject = (session: RequestSession, reason: Reason): Effect.Effect<void> =>
  Effect.suspend(() => {
    session.skip()
    const { life, request } = session
    const client = clientOf(request, life.state.userId)
    return publishEvent(request, { _tag: "CsrfRejected", reason, ...client })
  })
