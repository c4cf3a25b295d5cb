/**
 * A Node HTTP server that stops in order. It answers every request in flight, and commits its session, before anything of
 * the application closes. No idle connection delays the stop.
 *
 * Use it in place of `NodeHttpServer.layer`, with sessions or without. `NodeRuntime.runMain` closes the layer on SIGTERM
 * and SIGINT, so there is nothing else to do.
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
  /** How long requests in flight may take once the server stops. What is left then is cut off. Default 10 seconds. */
  readonly deadline?: Duration.DurationInput | undefined
}

/**
 * Provides an HTTP server that stops in order. Use it in place of `NodeHttpServer.layer`.
 *
 * When the scope of `HttpServer.serve` closes, the server
 *
 * 1. stops listening, and closes every connection on which no answer is due;
 * 2. finishes every request in flight, and every request that is just coming in, with `Connection: close`;
 * 3. lets the rest close: websockets (their handlers are interrupted), garbage collection, the store. The order in which
 *    their layers were provided does not matter. A request that still arrives gets 503 and `Connection: close`.
 *
 * The remaining connections are cut a second after the last answer, and all of them at `deadline` (default 10 seconds).
 * The server does not listen again.
 *
 * Two more things differ from `NodeHttpServer.layer`. A request that arrives before anything is served gets 503 instead
 * of no answer. A request whose client goes away while its answer is being made ends, where its fiber would otherwise
 * stay for ever.
 *
 * The process's supervisor must wait longer than `deadline` before it kills the process (Kubernetes:
 * `terminationGracePeriodSeconds`, 30 by default).
 *
 * @example
 * ```ts
 * import { createServer } from "node:http"
 * import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
 * import { Layer } from "effect"
 * import { SessionMiddleware, SessionStore } from "effect-session"
 * import * as GracefulHttpServer from "effect-session/GracefulHttpServer"
 *
 * const home = HttpLayerRouter.add("GET", "/", HttpServerResponse.text("hello"))
 *
 * export const server = HttpLayerRouter.serve(Layer.provide(home, SessionMiddleware.layer)).pipe(
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
      // For a server that never served anything: the platform waits for open connections without end.
      yield* Effect.addFinalizer(() => drain)
      const inner = Context.get(context, HttpServer.HttpServer)
      return Context.add(context, HttpServer.HttpServer, draining(inner, drain))
    })
  )

/** Adds a finalizer to `serve` that waits for the answers. It runs before all others. */
const draining = (
  inner: Context.Tag.Service<typeof HttpServer.HttpServer>,
  drain: Effect.Effect<void>
) =>
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
