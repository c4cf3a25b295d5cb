/**
 * Protection against cross-site request forgery: where a request comes from, then a token of the session.
 *
 * An unsafe method (anything but GET, HEAD, OPTIONS) is refused with 403, before the handler, in two cases:
 * `Sec-Fetch-Site`, or else `Origin`, says that another site sent the request, or the request carries no valid token in
 * `X-CSRF-Token`, `X-XSRF-TOKEN` or the form field `_token`.
 *
 * Mount it inside the session middleware and outside whatever reads the body.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  type EndpointOptions,
  endpointCheckOf,
  middlewareOf,
  type Options,
  type Rejection
} from "./internal/csrf/check.js"
import { checkInSession } from "./internal/request/apiSession.js"
import { type Middleware, type RouteLayer, routeLayer } from "./internal/request/mountsOfChecks.js"
import { csrfToken } from "./internal/session/lifecycle.js"
import { use } from "./internal/session/lift.js"
import type { Session } from "./internal/session/tag.js"
import { CsrfHttpApi, CsrfRejected, HttpApi } from "./SessionHttpApi.js"

export type {
  /**
   * The options of `layerHttpApiWith`. What fails in `onRejected` is a defect.
   *
   * @since 0.1.0
   * @category models
   */
  EndpointOptions,
  /**
   * An app with the check before it.
   *
   * @since 0.1.0
   * @category models
   */
  Middleware,
  /**
   * What can be changed about the check. An option that cannot be used is thrown as a `SessionConfigError` at once.
   *
   * @since 0.1.0
   * @category models
   */
  Options,
  /**
   * A request that the check refused.
   *
   * @since 0.1.0
   * @category models
   */
  Rejection,
  /**
   * A layer for the routes of a `HttpLayerRouter` inside the session middleware.
   *
   * @since 0.1.0
   * @category models
   */
  RouteLayer
}
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
}

/**
 * For `HttpApp` and `HttpRouter`: checks every unsafe request before the app.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Csrf, SessionMiddleware } from "effect-session"
 *
 * const orders = Effect.succeed(HttpServerResponse.text("ordered"))
 *
 * export const app = orders.pipe(Csrf.middleware, SessionMiddleware.middleware)
 * ```
 *
 * @since 0.1.0
 * @category middleware
 */
export const middleware: Middleware = middlewareOf({})

/**
 * `middleware` with options.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Csrf, Session, SessionMiddleware } from "effect-session"
 *
 * // A form that lay open for too long comes back with what was typed.
 * const onRejected = ({ fields, reason }: Csrf.Rejection) =>
 *   Effect.gen(function*() {
 *     if (reason !== "token") return HttpServerResponse.text("Not allowed.", { status: 403 })
 *     yield* Session.flashInput(yield* fields)
 *     yield* Session.flash("error", "The form was too old. Please send it again.")
 *     return HttpServerResponse.redirect("/orders/new", { status: 303 })
 *   })
 *
 * const orders = Effect.succeed(HttpServerResponse.text("ordered"))
 *
 * export const app = orders.pipe(
 *   Csrf.middlewareWith({ exempt: ["/webhooks/payments"], onRejected }),
 *   SessionMiddleware.middleware
 * )
 * ```
 *
 * @since 0.1.0
 * @category middleware
 */
export const middlewareWith = <E = never, R = never>(options: Options<E, R>): Middleware<E, R> =>
  middlewareOf(options)

/**
 * For `HttpLayerRouter`: the same check for the routes it is provided to.
 *
 * @example
 * ```ts
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Layer } from "effect"
 * import { Csrf, SessionMiddleware } from "effect-session"
 *
 * export const routes = HttpLayerRouter.add("POST", "/orders", HttpServerResponse.text("ordered")).pipe(
 *   Layer.provide(Csrf.layer),
 *   Layer.provide(SessionMiddleware.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: RouteLayer = routeLayer(middleware)

/**
 * `layer` with options.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = <E = never, R = never>(options: Options<E, R>): RouteLayer<E, R> =>
  routeLayer(middlewareOf(options))

const endpointLayer = (options: EndpointOptions): Layer.Layer<CsrfHttpApi> => {
  const check = endpointCheckOf(options, () => new CsrfRejected())
  // Fresh, since each place may have a session middleware of its own.
  return Layer.fresh(
    Layer.effect(
      CsrfHttpApi,
      Effect.map(Effect.serviceOption(HttpApi), (service) => checkInSession(service, check))
    )
  )
}

/**
 * For `HttpApi`: the layer of `Csrf.HttpApi`, which fails with `CsrfRejected` (403).
 *
 * It works before and after `SessionMiddleware.HttpApi` in the definition.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpApi: Layer.Layer<CsrfHttpApi> = endpointLayer({})

/**
 * `layerHttpApi` with options.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpApiWith = (options: EndpointOptions): Layer.Layer<CsrfHttpApi> =>
  endpointLayer(options)

/**
 * The hidden input of a form, as HTML: `<input type="hidden" name="_token" value="...">`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const field: Effect.Effect<string, never, Session> = use(
  (session) => `<input type="hidden" name="_token" value="${csrfToken(session)}">`
)
