/**
 * A web page for operators: who is here, how many came in each hour, who was seen from several addresses, and buttons that
 * end sessions.
 *
 * It is plain HTML without scripts, in a path of the app, behind a guard of the app and inside its session middleware. It works
 * on every store. Nothing is ended by a click alone: a page says what will end, and its form carries the CSRF token of the
 * operator's session. The dashboard writes nothing else into sessions.
 *
 * @since 0.1.0
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as Layer from "effect/Layer"
import type { Options } from "./internal/dashboard/options.js"
import { routesOf } from "./internal/dashboard/routes.js"
import type { Session } from "./Session.js"
import type { SessionStore } from "./SessionStore.js"

export type {
  /**
   * What a dashboard shows, where, and to whom.
   *
   * @since 0.1.0
   * @category models
   */
  Options
}

/**
 * For `HttpRouter`: the pages as a router with whole paths, to `concat` to the one of the app.
 *
 * Throws a `SessionConfigError` where `path` cannot be used.
 *
 * @example
 * ```ts
 * import { HttpRouter, HttpServerResponse } from "@effect/platform"
 * import { Effect, Option } from "effect"
 * import { Session, SessionDashboard, SessionMiddleware } from "effect-session"
 *
 * const operators = new Set(["42"])
 *
 * const guard = Effect.gen(function*() {
 *   const user = yield* Session.userId
 *   if (Option.isNone(user)) return yield* Effect.fail(HttpServerResponse.redirect("/login"))
 *   if (operators.has(user.value)) return user.value
 *   return yield* Effect.fail(HttpServerResponse.text("Not for you.", { status: 403 }))
 * })
 *
 * export const app = HttpRouter.empty.pipe(
 *   HttpRouter.get("/", HttpServerResponse.text("hello")),
 *   HttpRouter.concat(SessionDashboard.router({ path: "/admin/sessions", guard })),
 *   SessionMiddleware.middleware
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const router = <E = never, R = never, NamesR = never, HistoryR = never>(
  options: Options<E, R, NamesR, HistoryR>
): HttpRouter.HttpRouter<
  E,
  Session | SessionStore | HttpRouter.HttpRouter.ExcludeProvided<R | NamesR | HistoryR>
> => {
  const { ask, end, links, look, style } = routesOf(options)
  return HttpRouter.empty.pipe(
    HttpRouter.get(links.home, look),
    HttpRouter.get(links.style, style),
    HttpRouter.get(links.ending, ask),
    HttpRouter.post(links.ending, end)
  )
}

/**
 * For `HttpLayerRouter`: the pages as a layer of routes. Provide the session middleware to it.
 *
 * Throws a `SessionConfigError` where `path` cannot be used.
 *
 * @example
 * ```ts
 * import { HttpServerResponse } from "@effect/platform"
 * import { Effect, Layer, Option } from "effect"
 * import { Session, SessionDashboard, SessionMiddleware } from "effect-session"
 *
 * const guard = Effect.flatMap(Session.userId, Option.match({
 *   onNone: () => Effect.fail(HttpServerResponse.redirect("/login")),
 *   onSome: Effect.succeed
 * }))
 *
 * export const routes = SessionDashboard.layer({ path: "/admin/sessions", guard }).pipe(
 *   Layer.provide(SessionMiddleware.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E = never, R = never, NamesR = never, HistoryR = never>(
  options: Options<E, R, NamesR, HistoryR>
): Layer.Layer<
  never,
  never,
  | HttpLayerRouter.HttpRouter
  | HttpLayerRouter.Request.From<"Error", E>
  | HttpLayerRouter.Request.From<
      "Requires",
      Exclude<Session | SessionStore | R | NamesR | HistoryR, HttpLayerRouter.Provided>
    >
> => {
  const { ask, end, links, look, style } = routesOf(options)
  return Layer.mergeAll(
    HttpLayerRouter.add("GET", links.home, look),
    HttpLayerRouter.add("GET", links.style, style),
    HttpLayerRouter.add("GET", links.ending, ask),
    HttpLayerRouter.add("POST", links.ending, end)
  )
}
