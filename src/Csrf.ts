/**
 * Protection against cross-site request forgery: where the request comes from, then a token of the session.
 *
 * An unsafe method (anything but GET, HEAD, OPTIONS) is refused with 403 before the handler when `Sec-Fetch-Site`, or
 * else `Origin`, says that another site sent it, and when it carries no valid token in `X-CSRF-Token`, `X-XSRF-TOKEN` or
 * the form field `_token`. Mount it inside the session middleware.
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { type Cell, now } from "./internal/cell.js"
import * as Operations from "./internal/operations.js"
import { Session } from "./internal/tag.js"
import * as SessionEvents from "./SessionEvents.js"

/**
 * What can be changed about the check.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Origins that may send requests, such as `https://example.com`. Default: the request's own host, with either scheme. */
  readonly origins?: ReadonlyArray<string> | undefined
  /** Paths that are not checked, compared exactly and without the query. Default none. */
  readonly exempt?: ReadonlyArray<string> | undefined
}

type Response = HttpServerResponse.HttpServerResponse

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"])

/**
 * For `HttpApp` and `HttpRouter`: checks every unsafe request before the app.
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware =
  (options: Options = {}) =>
  <E, R>(app: HttpApp.Default<E, R>): HttpApp.Default<E, R | Session> =>
    guard(options, app)

/**
 * For `HttpLayerRouter`: the same check for the routes it is provided to.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<never, never, HttpLayerRouter.Request<"Requires", Session>> =>
  // The platform types the layer of a middleware that needs a service as a hint to combine it. Provided to routes inside
  // `SessionMiddleware.layer` it finds the session all the same, and this type asks for exactly that.
  HttpLayerRouter.middleware<{ provides: never }>()(Effect.succeed((app) => guard(options, app)))
    .layer as never

/**
 * The hidden input of a form, as HTML: `<input type="hidden" name="_token" value="...">`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const field: Effect.Effect<string, never, Session> = Effect.map(
  Session,
  (cell) => `<input type="hidden" name="_token" value="${Operations.csrfToken(cell)}">`
)

const guard = <E, R>(options: Options, app: Effect.Effect<Response, E, R>) =>
  Effect.flatMap(
    verdict(options),
    (reason): Effect.Effect<Response, E, R | Session> =>
      reason === undefined ? app : refuse(reason)
  )

const verdict = (options: Options) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    if (safeMethods.has(request.method)) return Effect.succeed(undefined)
    const path = request.originalUrl.split("?", 1)[0] as string
    if (options.exempt?.includes(path) === true) return Effect.succeed(undefined)
    const reason = siteProblem(request, options)
    if (reason !== undefined) return Effect.succeed(reason)
    return Effect.map(tokenOf(request), (token) => ({ token })).pipe(
      Effect.zipWith(Session, ({ token }, cell: Cell) =>
        token !== undefined && Operations.verifyToken(cell, token) ? undefined : "token"
      )
    )
  })

const siteProblem = (
  request: HttpServerRequest.HttpServerRequest,
  options: Options
): string | undefined => {
  const { origin } = request.headers
  const trusted = origin !== undefined && options.origins?.includes(origin) === true
  if (trusted) return undefined
  const site = request.headers["sec-fetch-site"]
  if (site !== undefined) return site === "same-origin" || site === "none" ? undefined : "site"
  if (origin === undefined) return undefined
  if (options.origins !== undefined) return "origin"
  return isOwnOrigin(origin, request.headers.host) ? undefined : "origin"
}

const isOwnOrigin = (origin: string, host: string | undefined): boolean =>
  host !== undefined &&
  /^[A-Za-z0-9.:[\]-]+$/.test(host) &&
  (origin === `http://${host}` || origin === `https://${host}`)

/** The token of the request: a header, else the field of a form, whose body the handler can still read. */
const tokenOf = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<string | undefined> => {
  const header = request.headers["x-csrf-token"] ?? request.headers["x-xsrf-token"]
  if (header !== undefined) return Effect.succeed(header)
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers["content-type"] ?? "")) {
    return Effect.succeed(undefined)
  }
  return Effect.match(request.urlParamsBody, {
    onFailure: () => undefined,
    onSuccess: (params) => {
      const tokens = Array.from(params).filter(([name]) => name === "_token")
      return tokens.length === 1 ? tokens[0]?.[1] : undefined
    }
  })
}

const refuse = (reason: string) =>
  Effect.flatMap(Session, (cell) =>
    Effect.as(
      SessionEvents.publish({ _tag: "CsrfRejected", reason, atMillis: now(cell) }),
      HttpServerResponse.text("The request was refused: its CSRF check failed.", {
        status: 403,
        headers: { "cache-control": "no-store" }
      })
    )
  )
