/**
 * A Node HTTP server that stops in order: every request in flight is answered and its session committed before anything
 * of the application is closed, and no idle connection holds the process up.
 *
 * It takes the place of `NodeHttpServer.layer`, and needs nothing of sessions. `NodeRuntime.runMain` turns SIGTERM and
 * SIGINT into the end of the layer's scope, so there is nothing else to do.
 *
 * @since 0.1.0
 */
import type { Server } from "node:http"
import type { ListenOptions } from "node:net"
import type * as Etag from "@effect/platform/Etag"
import type * as HttpPlatform from "@effect/platform/HttpPlatform"
import * as HttpServer from "@effect/platform/HttpServer"
import type { ServeError } from "@effect/platform/HttpServerError"
import type * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Connections } from "./internal/server/connections.js"

/**
 * Where to listen, as for `NodeHttpServer.layer`, and how long to wait for answers.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends ListenOptions {
  /** How long requests in flight may take once the server stops; what is left then is cut off. Default 10 seconds. */
  readonly deadline?: Duration.DurationInput | undefined
}

/**
 * Provides an HTTP server that stops in order; use it where `NodeHttpServer.layer` would stand.
 *
 * When the scope of what it serves closes, the server first of all
 *
 * 1. listens no more, and closes the connections on which no answer is due, also those never used;
 * 2. finishes every request in flight, those that are just coming in too, with `Connection: close`;
 * 3. only then lets the rest close: websockets (their handlers are interrupted), collection, store, in whatever order
 *    their layers were provided. A request that still arrives gets 503 and `Connection: close` and never hangs.
 *
 * A second after the last answer the remaining connections are cut, at `deadline` (default 10 seconds) all of them. The
 * server serves once: after the scope of `HttpServer.serve` has closed it does not listen again.
 *
 * Two more things are better than under `NodeHttpServer.layer`: a request that arrives while nothing is served yet gets
 * 503 instead of no answer, and one whose client goes away while its answer is being made comes to its end, where its
 * fiber would otherwise stay for ever.
 *
 * Give the process's supervisor a longer grace than `deadline` (Kubernetes: `terminationGracePeriodSeconds`, 30 by
 * default).
 *
 * @example
 * ```ts
 * import { createServer } from "node:http"
 * import { HttpRouter, HttpServer } from "@effect/platform"
 * import { Layer } from "effect"
 * import { SessionMiddleware, SessionStore } from "effect-session"
 * import * as GracefulHttpServer from "effect-session/GracefulHttpServer"
 *
 * export const server = HttpRouter.empty.pipe(
 *   SessionMiddleware.middleware,
 *   HttpServer.serve(),
 *   Layer.provide(SessionStore.layerMemory),
 *   Layer.provide(GracefulHttpServer.layer(() => createServer(), { port: 3000 }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  evaluate: () => Server,
  { deadline = "10 seconds", ...listen }: Options
): Layer.Layer<
  HttpServer.HttpServer | HttpPlatform.HttpPlatform | Etag.Generator | NodeContext.NodeContext,
  ServeError
> =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const server = evaluate()
      const connections = new Connections(server)
      const drain = drained(connections, Duration.toMillis(deadline))
      yield* Effect.addFinalizer(() => closed(connections))
      const context = yield* Layer.build(NodeHttpServer.layer(() => server, listen))
      // Also where nothing was ever served: the platform waits for open connections without end.
      yield* Effect.addFinalizer(() => drain)
      const inner = Context.get(context, HttpServer.HttpServer)
      return Context.add(context, HttpServer.HttpServer, draining(inner, drain))
    })
  )

/** The server whose `serve` has one more finalizer, which runs before all others: it waits for the answers. */
const draining = (inner: HttpServer.HttpServer, drain: Effect.Effect<void>) =>
  HttpServer.make({
    address: inner.address,
    serve: (app, middleware) =>
      Effect.zipRight(
        middleware === undefined ? inner.serve(app) : inner.serve(app, middleware),
        Effect.addFinalizer(() => drain)
      )
  })

const drained = (connections: Connections, deadlineMillis: number) =>
  Effect.async<void>((resume) => connections.drain(deadlineMillis, () => resume(Effect.void)))

const closed = (connections: Connections) =>
  Effect.async<void>((resume) => connections.whenClosed(() => resume(Effect.void)))
