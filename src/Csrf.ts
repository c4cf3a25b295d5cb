/**
 * Protection against cross-site request forgery: where the request comes from, then a token of the session.
 *
 * An unsafe method (anything but GET, HEAD, OPTIONS) is refused with 403 before the handler when `Sec-Fetch-Site`, or
 * else `Origin`, says that another site sent it, and when it carries no valid token in `X-CSRF-Token`, `X-XSRF-TOKEN` or
 * the form field `_token`. Mount it inside the session middleware and outside whatever reads the body.
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { isSafeMethod, parseOrigin, rawPath, siteProblem } from "./core/http/csrf.js"
import { clientOf, publishEvent } from "./internal/commit/RequestContext.js"
import type { RequestSession } from "./internal/commit/RequestSession.js"
import { formTokens } from "./internal/csrf/formTokens.js"
import { hideHeaders } from "./internal/csrf/redactHeaders.js"
import { response as answer } from "./internal/errors/answers.js"
import { SessionConfigError } from "./internal/errors/errors.js"
import {
  type Middleware,
  type RouteLayer,
  routeLayer,
  withSession
} from "./internal/request/checkMounts.js"
import { hostOf } from "./internal/request/context.js"
import * as Lifecycle from "./internal/session/lifecycle.js"
import { use, useEffect } from "./internal/session/lift.js"
import type { Session } from "./internal/session/tag.js"
import { CsrfHttpApi, CsrfRejected } from "./SessionHttpApi.js"

export type {
  /**
   * A layer for the routes of a `HttpLayerRouter` inside the session middleware.
   *
   * @since 0.1.0
   * @category models
   */
  RouteLayer
} from "./internal/request/checkMounts.js"
export {
  /**
   * Checks the unsafe requests of an `HttpApi`; its layer is `layerHttpApi`.
   *
   * @since 0.1.0
   * @category tags
   */
  CsrfHttpApi as HttpApi,
  /**
   * The CSRF check refused the request: HTTP 403.
   *
   * @since 0.1.0
   * @category errors
   */
  CsrfRejected
} from "./SessionHttpApi.js"

/**
 * What can be changed about the check. Anything that cannot be used is thrown as a `SessionConfigError` at once.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Origins that may send requests, such as `https://example.com`. Default: the request's own host, with either scheme. */
  readonly origins?: ReadonlyArray<string> | undefined
  /**
   * Paths that are not checked at all, such as `/webhooks/payments`. Compared with the path as the client sent it, the
   * query apart and prefixes of mounts included: no pattern, no decoding, and `/a/` is not `/a`. Default none.
   */
  readonly exempt?: ReadonlyArray<string> | undefined
  /**
   * How many bytes of a form are searched for the field `_token`: a form with large files sends it before them.
   * Default 1 MiB.
   */
  readonly maxFormBytes?: number | undefined
}

/**
 * For `HttpApp` and `HttpRouter`: checks every unsafe request before the app.
 *
 * @example
 * ```ts
 * import { HttpRouter, HttpServerResponse } from "@effect/platform"
 * import { Csrf, SessionMiddleware } from "effect-session"
 *
 * export const app = HttpRouter.empty.pipe(
 *   HttpRouter.post("/orders", HttpServerResponse.text("ordered")),
 *   Csrf.middlewareWith({ exempt: ["/webhooks/payments"] }),
 *   SessionMiddleware.middleware
 * )
 * ```
 *
 * @since 0.1.0
 * @category middleware
 */
export const middlewareWith = (options: Options): Middleware => {
  const rules = compile(options)
  return (app) => guard(rules, app)
}

/**
 * For `HttpLayerRouter`: the same check for the routes it is provided to.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): RouteLayer => routeLayer(middlewareWith(options))

/**
 * For `HttpApi`: the layer of `Csrf.HttpApi`, which fails with `CsrfRejected` (403). In the definition the session comes
 * last, since the last is the outermost: `.middleware(Csrf.HttpApi).middleware(SessionMiddleware.HttpApi)`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpApiWith = (options: Options): Layer.Layer<CsrfHttpApi> => {
  const rules = compile(options)
  return Layer.succeed(
    CsrfHttpApi,
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      withSession((session) =>
        Effect.flatMap(verdict(rules, request, session), (reason) =>
          reason === undefined
            ? Effect.void
            : Effect.zipRight(reject(session, reason), Effect.fail(new CsrfRejected()))
        )
      )
    )
  )
}

/**
 * The hidden input of a form, as HTML: `<input type="hidden" name="_token" value="...">`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const field: Effect.Effect<string, never, Session> = use(
  (session) => `<input type="hidden" name="_token" value="${Lifecycle.csrfToken(session)}">`
)

/** Options that were checked. */
interface Rules {
  readonly origins: ReadonlyArray<string> | undefined
  readonly exempt: ReadonlySet<string>
  readonly maxFormBytes: number
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

type Reason = "site" | "origin" | "token"

const guard = <E, R>(
  rules: Rules,
  app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): HttpApp.Default<E, R | Session> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    useEffect((session) =>
      Effect.flatMap(
        verdict(rules, request, session),
        (reason): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
          reason === undefined ? app : Effect.as(reject(session, reason), refusal())
      )
    )
  )

/** Why the request is refused, or nothing. Where it comes from is looked at before its body. */
const verdict = (
  rules: Rules,
  request: HttpServerRequest.HttpServerRequest,
  session: RequestSession
): Effect.Effect<Reason | undefined> => {
  const judged = judge(rules, request, session)
  // Some clients send the token with every request, so also one that is not checked may carry it.
  return tokenHeaders.some((name) => request.headers[name] !== undefined)
    ? Effect.zipRight(hideHeaders(tokenHeaders), judged)
    : judged
}

const judge = (
  rules: Rules,
  request: HttpServerRequest.HttpServerRequest,
  session: RequestSession
): Effect.Effect<Reason | undefined> =>
  Effect.suspend(() => {
    if (isSafeMethod(methodOf(request))) return Effect.succeed(undefined)
    const path = rawPath(request.originalUrl)
    if (path !== undefined && rules.exempt.has(path)) return Effect.succeed(undefined)
    const { origin, "sec-fetch-site": site } = request.headers
    const problem = siteProblem({ host: hostOf(request), origin, site }, rules.origins)
    if (problem !== undefined) return Effect.succeed(problem)
    return Effect.map(tokensOf(rules, request, session), (tokens) =>
      tokens.length > 0 && tokens.every((token) => Lifecycle.verifyToken(session, token))
        ? undefined
        : "token"
    )
  })

/** The method as the client wrote it where the server still has it: the platform writes it in upper case. */
const methodOf = (request: HttpServerRequest.HttpServerRequest): string => {
  const { source } = request
  const written = typeof source === "object" && source !== null && "method" in source
  return written && typeof source.method === "string" ? source.method : request.method
}

/** The tokens the request carries, which must all be right: those of headers, else the one of a form. */
const tokensOf = (
  rules: Rules,
  request: HttpServerRequest.HttpServerRequest,
  session: RequestSession
): Effect.Effect<ReadonlyArray<string>> => {
  const sent = tokenHeaders.map((name) => request.headers[name])
  const headers = sent.filter((header) => header !== undefined)
  if (headers.length > 0) return Effect.succeed(headers)
  // The secret of a session that is not stored was made a moment ago, so no form can know it.
  if (session.life.position.stored === null) return Effect.succeed([])
  return Effect.map(formTokens(request, rules.maxFormBytes), (fields) =>
    fields.length === 1 ? fields : []
  )
}

/** Tells of the refusal, and keeps the session as it was: neither touched nor its flash aged. */
const reject = (session: RequestSession, reason: Reason): Effect.Effect<void> =>
  Effect.suspend(() => {
    session.skip()
    const { life, request } = session
    const client = clientOf(request, life.state.userId)
    return publishEvent(request, { _tag: "CsrfRejected", reason, ...client })
  })

const refusal = () => answer(403, "The request was refused: its CSRF check failed.")

/**
 * For `HttpApp` and `HttpRouter`: the check with its defaults. See `middlewareWith`.
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware: Middleware = middlewareWith({})

/**
 * For `HttpLayerRouter`: the check with its defaults. See `layerWith`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: RouteLayer = layerWith({})

/**
 * For `HttpApi`: the check with its defaults. See `layerHttpApiWith`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpApi: Layer.Layer<CsrfHttpApi> = layerHttpApiWith({})
