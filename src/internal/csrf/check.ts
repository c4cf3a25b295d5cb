/** The CSRF check: what it is set to, and its verdict on a request. */
import type * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
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
import { Session, toService } from "../session/tag.js"
import { type FormField, formFields } from "./formFields.js"
import { redactHeaders } from "./redactHeaders.js"

type Request = HttpServerRequest.HttpServerRequest

const tokenField = "_token"

/**
 * A request that the check refused.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rejection {
  /** `site` and `origin`: another site sent the request. `token`: it carries no valid token, as a form that is too old. */
  readonly reason: "site" | "origin" | "token"
  /**
   * What the form holds, without `_token` and files, as far as `maxFormBytes` reaches; nothing where the body is no form.
   * A name that occurs several times has a list. `Session.flashInput` takes it.
   */
  readonly fields: Effect.Effect<Readonly<Record<string, string | ReadonlyArray<string>>>>
}

/**
 * What can be changed about the check. An option that cannot be used is thrown as a `SessionConfigError` at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<E = never, R = never> {
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
  /**
   * Answers a request that is refused. Default: a 403 with one sentence (on `HttpApi` the error `CsrfRejected`).
   *
   * The handler does not run. The effect has the session of the request, and what it writes is stored as a handler's is;
   * with the default answer the session stays as it was. Choose a status of 400 or above, or a redirect.
   */
  readonly onRejected?:
    | ((rejection: Rejection) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>)
    | undefined
}

/** The check before an app. A request that is refused gets a 403, or the answer of `onRejected`. */
export const middlewareOf = <E1, R1>(options: Options<E1, R1>): Middleware<E1, R1> => {
  const check = checkOf(options)
  const answer = options.onRejected ?? (() => refused)
  return <E, R>(app: HttpApp.Default<E, R>) =>
    useEffect((session) =>
      Effect.flatMap(
        check(session),
        (rejection): HttpApp.Default<E | E1, R | R1> =>
          rejection === undefined ? app : answer(rejection)
      )
    )
}

const refused = Effect.succeed(response(403, "The request was refused: its CSRF check failed."))

/** What `onRejected` may need before an endpoint of an `HttpApi`. */
export type EndpointOptions = Options<unknown, Session | HttpRouter.HttpRouter.Provided>

/** The check before the endpoints of an `HttpApi`. A request that is refused fails, or is answered by `onRejected`. */
export const endpointCheckOf = <E>(options: EndpointOptions, error: () => E) => {
  const check = checkOf(options)
  const { onRejected } = options
  return withSession((session) =>
    Effect.flatMap(check(session), (rejection) => {
      if (rejection === undefined) return Effect.void
      if (onRejected === undefined) return Effect.fail(error())
      // A middleware of an `HttpApi` gives no response, but the platform sends one that is a defect.
      const answer = Effect.flatMap(Effect.orDie(onRejected(rejection)), Effect.die)
      return Effect.provideService(answer, Session, toService(session))
    })
  )
}

/** Options that were checked. */
interface Rules {
  readonly origins: ReadonlyArray<string> | undefined
  readonly exempt: ReadonlySet<string>
  readonly maxFormBytes: number
}

const checkOf = (options: Options<unknown, unknown>) => {
  const rules = compile(options)
  return (session: RequestSession): Effect.Effect<Rejection | undefined, never, Request> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.flatMap(verdictOn(request, session, rules), (reason) => {
        if (reason === undefined) return Effect.succeed(undefined)
        const fields = Effect.map(formFields(request, rules.maxFormBytes), byName)
        // The answer of the library leaves the session as it was: it is not touched, and its flash is not aged.
        if (options.onRejected === undefined) session.skip()
        return Effect.as(published(session, reason), { reason, fields })
      })
    )
}

/** The token is of no use any more, and no session can store the other name. */
const leftOut: ReadonlySet<string> = new Set([tokenField, "__proto__"])

const byName = (
  fields: ReadonlyArray<FormField>
): Record<string, string | ReadonlyArray<string>> => {
  const found = new Map<string, Array<string>>()
  for (const [name, value] of fields) {
    if (!leftOut.has(name)) found.set(name, [...(found.get(name) ?? []), value])
  }
  return Object.fromEntries(
    Array.from(found, ([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : values])
  )
}

const compile = ({
  exempt = [],
  maxFormBytes = 2 ** 20,
  origins
}: Options<unknown, unknown>): Rules => {
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

type Reason = Rejection["reason"]

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
  return Effect.map(formFields(request, maxFormBytes), (fields) => {
    const tokens = fields.filter(([name]) => name === tokenField)
    return tokens.length === 1 ? tokens.map(([, value]) => value) : []
  })
}

const published = (session: RequestSession, reason: Reason): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { life, request } = session
    const client = clientOf(request, life.state.userId)
    return publishEvent(request, { _tag: "CsrfRejected", reason, ...client })
  })
