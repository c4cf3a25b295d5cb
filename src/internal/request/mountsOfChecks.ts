/** How the CSRF check and the guards, which need a session, are mounted for `HttpLayerRouter` and `HttpApi`. */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { RequestSession } from "../commit/RequestSession.js"
import { fromService, Session } from "../session/tag.js"

/**
 * A layer for the routes of a `HttpLayerRouter` that have a session.
 *
 * @since 0.1.0
 * @category models
 */
export type RouteLayer<E = never, R = never> = Layer.Layer<
  never,
  never,
  | HttpLayerRouter.Request<"Requires", Session>
  | HttpLayerRouter.Request.From<"Requires", Exclude<R, Session | HttpLayerRouter.Provided>>
  | HttpLayerRouter.Request.From<"Error", E>
>

/**
 * An app with a check before it.
 *
 * @since 0.1.0
 * @category models
 */
export type Middleware<E1 = never, R1 = never> = <E, R>(
  app: HttpApp.Default<E, R>
) => HttpApp.Default<E | E1, R | R1 | Session>

/** Makes the layer that puts a check before the routes it is provided to. */
export const routeLayer = <E, R>(middleware: Middleware<E, R>): RouteLayer<E, R> =>
  // The platform's type for a middleware that needs a service only tells how to combine it with another. Provided to routes
  // inside `SessionMiddleware.layer` it finds the session, and the type here asks for exactly that.
  HttpLayerRouter.middleware<{ provides: never }>()(Effect.succeed(middleware as Middleware))
    .layer as never

/**
 * Gives the session to the middleware of an `HttpApi`. The middleware outside this one provides it, which the platform's
 * types cannot say. Without that one the request ends with a defect.
 */
export const withSession = <A, E, R>(
  use: (session: RequestSession) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.contextWithEffect((context: Context.Context<never>) =>
    use(fromService(Context.unsafeGet(context as Context.Context<Session>, Session)))
  )
