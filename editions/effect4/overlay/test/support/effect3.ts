/** What the tests use of Effect 3, in terms of Effect 4: its router, sockets with callbacks, a random generator, metrics. */
import * as Effect from "effect/Effect"
import type * as HttpMethod from "effect/http/HttpMethod"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Metric from "effect/Metric"
import type * as Random from "effect/Random"
import type * as Socket from "effect/socket/Socket"

type Response = HttpServerResponse.HttpServerResponse
type App<E, R> = Effect.Effect<Response, E, R>

interface Route {
  readonly method: HttpMethod.HttpMethod | "*"
  readonly path: HttpRouter.PathInput
  readonly handler: App<unknown, unknown>
  readonly options: { readonly uninterruptible?: boolean } | undefined
}

/** An app, and the routes that it is made of. */
export interface Router<E, R>
  extends App<E | HttpServerError.HttpServerError, R | HttpServerRequest.HttpServerRequest> {
  readonly routes: ReadonlyArray<Route>
}

const make = <E, R>(routes: ReadonlyArray<Route>): Router<E, R> => {
  const layer = HttpRouter.addAll(
    routes.map(({ handler, method, options, path }) =>
      HttpRouter.route(method, path, handler, options)
    )
  )
  let built: App<unknown, unknown> | undefined
  const app = Effect.suspend(() => {
    // What a route needs it finds where the request is answered.
    built ??= Effect.runSync(
      Effect.scoped(HttpRouter.toHttpEffect(layer)) as Effect.Effect<App<unknown, unknown>>
    )
    return built
  })
  return Object.assign(app as App<E | HttpServerError.HttpServerError, R>, { routes })
}

/** A router without routes. */
export const empty: Router<never, never> = make([])

const adding =
  (method: Route["method"]) =>
  <E, R>(path: HttpRouter.PathInput, handler: App<E, R>, options?: Route["options"]) =>
  <E2, R2>(router: Router<E2, R2>): Router<E | E2, R | R2> =>
    make([...router.routes, { method, path, handler, options }])

export const get = adding("GET")

export const post = adding("POST")

export const all = adding("*")

/** Puts a middleware around the routes that are there. */
export const use =
  <E, R, E2, R2>(middleware: (app: App<E, R>) => App<E2, R2>) =>
  (router: Router<E, R>): Router<E2, R2> =>
    make(
      router.routes.map((route) => ({ ...route, handler: middleware(route.handler as App<E, R>) }))
    )

export const concat =
  <E, R>(other: Router<E, R>) =>
  <E2, R2>(router: Router<E2, R2>): Router<E | E2, R | R2> =>
    make([...router.routes, ...other.routes])

/** Adds the routes of another router below a path. */
export const mount =
  <E, R>(prefix: `/${string}`, other: Router<E, R>) =>
  <E2, R2>(router: Router<E2, R2>): Router<E | E2, R | R2> =>
    make([
      ...router.routes,
      ...other.routes.map((route) => ({ ...route, path: `${prefix}${route.path}` as const }))
    ])

/** Adds an app below a path, which it does not see. */
export const mountApp =
  <E, R>(prefix: `/${string}`, app: App<E, R>) =>
  <E2, R2>(router: Router<E2, R2>): Router<E | E2, R | R2> => {
    const handler = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.provideService(
        app,
        HttpServerRequest.HttpServerRequest,
        request.modify({ url: request.url.slice(prefix.length) })
      )
    )
    return make([
      ...router.routes,
      { method: "*", path: `${prefix}/*`, handler, options: undefined }
    ])
  }

type Data = Uint8Array | string

/** Reads messages until the socket is closed. */
export const runRaw = <A, E, R>(
  socket: Socket.Socket,
  handle: (data: Data) => Effect.Effect<A, E, R>
): Effect.Effect<void, Socket.SocketError | E, R> =>
  Effect.scoped(
    Effect.flatMap(socket.reader, ({ pull }) =>
      Effect.forever(
        Effect.flatMap(pull, (messages) => Effect.forEach(messages, handle, { discard: true }))
      )
    )
  )

export const run = runRaw

/** What sends a message. */
export const writerOf = (socket: Socket.Socket) =>
  Effect.map(
    socket.writer,
    ({ write }) =>
      (chunk: Data): Effect.Effect<void, Socket.SocketError> =>
        write(chunk)
  )

/** Random numbers that are given, again and again. */
export const fixed = (values: ReadonlyArray<number>): (typeof Random.Random)["Service"] => {
  let at = 0
  const next = () => values[at++ % values.length] ?? 0
  return {
    nextIntUnsafe: () => Math.floor(next() * Number.MAX_SAFE_INTEGER),
    nextDoubleUnsafe: next
  }
}

/** All metrics, in the words of Effect 3. */
export const snapshot = Effect.map(Metric.snapshot, (all) =>
  all.map(({ attributes = {}, id, state }) => ({
    metricKey: {
      name: id,
      tags: Object.entries(attributes).map(([key, value]) => ({ key, value }))
    },
    metricState: state
  }))
)
