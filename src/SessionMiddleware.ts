/**
 * Sessions over HTTP: reads the cookie, loads the session, provides it to the handler, commits once before the response
 * head leaves, sets the cookie. One middleware, three mounts: `HttpApp`/`HttpRouter`, `HttpLayerRouter`, `HttpApi`.
 *
 * @since 0.1.0
 */
import { IncomingMessage } from "node:http"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { clientAddress, userAgentText } from "./core/address.js"
import { requestTarget } from "./core/previousUrl.js"
import { type Cell, makeCell, type Surroundings } from "./internal/cell.js"
import { close, withVary } from "./internal/close.js"
import type { SessionStoreError } from "./internal/errors.js"
import { open } from "./internal/open.js"
import * as Operations from "./internal/operations.js"
import { response as answer } from "./internal/respond.js"
import { type Compiled, compile } from "./internal/settings.js"
import { Session } from "./internal/tag.js"
import { SessionConfig } from "./SessionConfig.js"
import * as SessionGc from "./SessionGc.js"
import { HttpApi, SessionUnavailable } from "./SessionHttpApi.js"
import { LocalInstant, type Service, SessionStore } from "./SessionStore.js"

export {
  /**
   * @since 0.1.0
   * @category tags
   */
  HttpApi,
  /**
   * @since 0.1.0
   * @category errors
   */
  SessionUnavailable
} from "./SessionHttpApi.js"

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse

/**
 * What can be changed about the middleware.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Whether a request ages the flash. Default: every request but prefetches; `"navigation"`: only page loads
   * (`Sec-Fetch-Mode: navigate`, or a client that does not send it). Responses of 500 and above never do.
   */
  readonly agesFlash?:
    | "navigation"
    | ((request: Request, response: Response) => boolean)
    | undefined
  /** Requests that get an empty session, which is neither loaded nor stored. Default: none. */
  readonly skip?: ((request: Request) => boolean) | undefined
  /** Whether pending operations are committed. Default: status below 500. Never when the client went away (499). */
  readonly commitOn?: ((response: Response, request: Request) => boolean) | undefined
  /** Remembers the page of successful GET page loads for `Session.previousUrl`. Default false: it is a write a page. */
  readonly recordsPreviousUrl?: boolean | undefined
}

/**
 * The three mounts of one middleware.
 *
 * @since 0.1.0
 * @category models
 */
export interface Mounts {
  readonly middleware: <E, R>(
    app: HttpApp.Default<E, R>
  ) => HttpApp.Default<E, Exclude<R, Session> | SessionStore>
  readonly layer: typeof layer
  readonly layerHttpApi: Layer.Layer<HttpApi, never, SessionStore>
}

/**
 * Makes the middleware with options.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Mounts => {
  const middleware: Mounts["middleware"] = (app) =>
    Effect.flatMap(SessionStore, (store) => around(app, store, options))
  return {
    middleware,
    layer: HttpLayerRouter.middleware<{ provides: Session }>()(
      Effect.map(SessionStore, (store) => (app) => around(app, store, options))
    ).layer,
    layerHttpApi: Layer.effect(
      HttpApi,
      Effect.map(SessionStore, (store) =>
        Effect.catchAll(begin(store, options), () => Effect.fail(new SessionUnavailable()))
      )
    )
  }
}

/**
 * For `HttpApp` and `HttpRouter`: gives an app the session.
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware: Mounts["middleware"] = (app) =>
  Effect.flatMap(SessionStore, (store) => around(app, store, {}))

/**
 * For `HttpLayerRouter`: provides the session to the routes it is provided to.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = HttpLayerRouter.middleware<{ provides: Session }>()(
  Effect.map(SessionStore, (store) => (app) => around(app, store, {}))
).layer

/**
 * For `HttpApi`: the layer of `SessionMiddleware.HttpApi`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpApi: Layer.Layer<HttpApi, never, SessionStore> = make().layerHttpApi

const around = <E, R>(
  app: Effect.Effect<Response, E, R>,
  store: Service,
  options: Options
): Effect.Effect<Response, E, Exclude<R, Session> | HttpServerRequest.HttpServerRequest> =>
  Effect.matchEffect(begin(store, options), {
    onFailure: () => Effect.succeed(withVary(answer(503, "The session store is unavailable."))),
    // The app is given the one service it lacks.
    onSuccess: (cell) =>
      Effect.provideService(app, Session, cell) as Effect.Effect<Response, E, Exclude<R, Session>>
  })

const begin = (
  store: Service,
  options: Options
): Effect.Effect<Cell, SessionStoreError, HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.flatMap(SessionConfig, (settings) =>
      Effect.clockWith((clock) => {
        const compiled = compile(settings)
        const surroundings: Surroundings = {
          store,
          compiled,
          clock,
          began: LocalInstant.now(),
          ipAddress: () => addressOf(request, compiled),
          userAgent: () => userAgentText(request.headers["user-agent"]) ?? null
        }
        if (options.skip?.(request) === true) {
          return Effect.succeed(makeCell(surroundings, "ephemeral"))
        }
        return Effect.tap(open(surroundings, request.headers.cookie), (cell) =>
          HttpApp.appendPreResponseHandler(atTheEnd(cell, store, options))
        )
      })
    )
  )

const addressOf = (request: Request, compiled: Compiled): string | null =>
  clientAddress({
    socket: peerOf(request),
    forwardedFor: request.headers["x-forwarded-for"],
    isTrusted: compiled.isTrustedProxy ?? (() => false)
  }) ?? null

/** The socket's own peer: `remoteAddress` is whatever `HttpMiddleware.xForwardedHeaders` was told by anybody. */
const peerOf = ({ remoteAddress, source }: Request): string | undefined =>
  source instanceof IncomingMessage
    ? source.socket.remoteAddress
    : Option.getOrUndefined(remoteAddress)

/** The commit point. The platform may call it twice, and hangs when it fails: it runs once, and never fails. */
const atTheEnd = (cell: Cell, store: Service, options: Options) => {
  let ended: Response | undefined
  return (request: Request, response: Response): Effect.Effect<Response> => {
    if (ended !== undefined) return Effect.succeed(response)
    ended = response
    const gone = response.status === 499 || isUpgrade(request)
    const commits = !gone && (options.commitOn?.(response, request) ?? response.status < 500)
    if (commits && options.recordsPreviousUrl === true && isPage(request, response)) {
      if (cell.base !== null && cell.mode === "open") {
        Operations.setPreviousUrl(cell, requestTarget(request.originalUrl))
      }
    }
    const ages = response.status < 500 && agesFlash(options, request, response)
    const { lottery } = cell.surroundings.compiled.settings
    const closed = close(cell, response, { commits, ages })
    return lottery === undefined
      ? closed
      : Effect.zipLeft(closed, SessionGc.maybeCollect(lottery, store))
  }
}

const isUpgrade = (request: Request): boolean =>
  request.headers.upgrade !== undefined && /\bupgrade\b/i.test(request.headers.connection ?? "")

const isPrefetch = (request: Request): boolean =>
  /\bprefetch|\bprerender/i.test(
    `${request.headers["sec-purpose"] ?? ""} ${request.headers.purpose ?? ""}`
  )

const agesFlash = (options: Options, request: Request, response: Response): boolean => {
  if (typeof options.agesFlash === "function") return options.agesFlash(request, response)
  if (isPrefetch(request)) return false
  return options.agesFlash !== "navigation" || isNavigation(request)
}

const isNavigation = (request: Request): boolean =>
  (request.headers["sec-fetch-mode"] ?? "navigate") === "navigate"

const isPage = (request: Request, response: Response): boolean =>
  request.method === "GET" &&
  response.status < 400 &&
  !isPrefetch(request) &&
  isNavigation(request) &&
  request.headers["x-requested-with"] === undefined &&
  /\btext\/html\b/.test(request.headers.accept ?? "")
