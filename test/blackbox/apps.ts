/** The applications of a server process: the same handler behind differently configured middlewares. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import type * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import type { SessionStore } from "../../src/SessionStore.js"
import { runSteps, type Step } from "./operations.js"

/** What a test asks the handler to do; it travels in the header `x-run`, so that any method and any body go with it. */
export interface Run {
  readonly steps?: ReadonlyArray<Step> | undefined
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly cookies?: Readonly<Record<string, string>> | undefined
  readonly as?: "json" | "stream" | "redirect" | "html" | "empty" | undefined
  /** Steps that run after the head has left: while the body is being sent, or in the websocket. */
  readonly late?: ReadonlyArray<Step> | undefined
}

const respond = (run: Run, results: ReadonlyArray<unknown>) => {
  const status = run.status ?? 200
  switch (run.as) {
    case "redirect":
      return Effect.succeed(HttpServerResponse.redirect("/", { status: 303 }))
    case "html":
      return Effect.succeed(HttpServerResponse.html("<p>page</p>"))
    case "empty":
      return Effect.succeed(HttpServerResponse.empty())
    case "stream":
      return Effect.map(Effect.context<Session.Session | SessionStore>(), (context) => {
        const late = Stream.fromEffect(
          Effect.provide(
            Effect.map(Effect.exit(runSteps(run.late ?? [])), ({ _tag }) => _tag),
            context
          )
        )
        const text = Stream.concat(Stream.make("one;", "two;"), late)
        return HttpServerResponse.stream(Stream.encodeText(text), { status })
      })
    default:
      return Effect.succeed(HttpServerResponse.unsafeJson({ results }, { status }))
  }
}

const runOf = (request: HttpServerRequest.HttpServerRequest): Run =>
  JSON.parse(decodeURIComponent(request.headers["x-run"] ?? "%7B%7D"))

const handler = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const run = runOf(request)
  const results = yield* runSteps(run.steps ?? [])
  let response = yield* respond(run, results)
  response = HttpServerResponse.setHeaders(response, run.headers ?? {})
  for (const [name, value] of Object.entries(run.cookies ?? {})) {
    response = HttpServerResponse.unsafeSetCookie(response, name, value, { path: "/" })
  }
  return response
})

const socketPage = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const socket = yield* request.upgrade
  const write = yield* socket.writer
  const a = yield* Session.getOrElse("a", () => "nothing")
  yield* Session.put("b", 1)
  const running = yield* Effect.fork(socket.run(() => Effect.void))
  yield* write(`a is ${a}`)
  const { _tag } = yield* Effect.exit(runSteps(runOf(request).late ?? []))
  yield* write(`late: ${_tag}`)
  yield* Effect.ignore(Fiber.join(running))
  return HttpServerResponse.empty()
}).pipe(Effect.scoped)

const router = HttpRouter.empty.pipe(
  HttpRouter.all("/run", handler),
  HttpRouter.get("/socket", socketPage),
  HttpRouter.all(
    "/body",
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const params = yield* request.urlParamsBody
      return HttpServerResponse.unsafeJson(Array.from(params))
    })
  )
)

export interface App {
  readonly config?: SessionConfig.Options
  readonly serving: Layer.Layer<
    never,
    never,
    HttpServer.HttpServer | HttpRouter.HttpRouter.DefaultServices | SessionStore
  >
}

const plain = (config: SessionConfig.Options = {}, options?: SessionMiddleware.Options): App => ({
  config,
  serving: HttpServer.serve(SessionMiddleware.make(options).middleware(router))
})

const guarded = (options?: Csrf.Options): App => ({
  serving: HttpServer.serve(
    SessionMiddleware.middleware(Csrf.middlewareWith(options ?? {})(router))
  )
})

const layerRouter: App = {
  serving: HttpLayerRouter.serve(
    HttpLayerRouter.add("*", "/run", handler).pipe(Layer.provide(SessionMiddleware.layer)),
    { disableLogger: true, disableListenLog: true }
  )
}

const csrfLayer: App = {
  serving: HttpLayerRouter.serve(
    HttpLayerRouter.add("*", "/run", handler).pipe(
      Layer.provide(Csrf.layer),
      Layer.provide(SessionMiddleware.layer)
    ),
    { disableLogger: true, disableListenLog: true }
  )
}

class Runs extends HttpApiGroup.make("runs")
  .add(HttpApiEndpoint.get("run", "/run").addSuccess(Schema.Unknown))
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Runs) {}

const httpApi: App = {
  serving: HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(Api)),
    Layer.provide(
      HttpApiBuilder.group(Api, "runs", (handlers) =>
        handlers.handleRaw("run", () => Effect.orDie(handler))
      ).pipe(Layer.provide(SessionMiddleware.layerHttpApi))
    )
  ) as App["serving"]
}

/** A server that hands each request to `HttpApp.toWebHandlerRuntime`, as a platform of web handlers would. */
const webHandler: App = {
  serving: HttpServer.serve(
    Effect.gen(function* () {
      const runtime = yield* Effect.runtime<SessionStore>()
      const handle = HttpApp.toWebHandlerRuntime(runtime)(
        SessionMiddleware.middleware(router) as HttpApp.Default<never, SessionStore>
      )
      const request = yield* HttpServerRequest.HttpServerRequest
      const headers = new Headers(Object.entries(request.headers))
      const answer = yield* Effect.promise(() =>
        handle(new Request(`http://localhost${request.url}`, { method: request.method, headers }))
      )
      return HttpServerResponse.fromWeb(answer)
    })
  )
}

const key = (id: string, byte: number) => ({
  id,
  key: Redacted.make(Buffer.alloc(32, byte).toString("base64"))
})

/** Every application, by name; each listens on a port of its own and all share the store of the process. */
export const apps: Readonly<Record<string, App>> = {
  main: plain(),
  admin: plain({ namespace: "admin" }),
  browser: plain({ expireOnClose: true }),
  short: plain({ idleTimeout: "10 minutes", absoluteTimeout: "1 hour" }),
  // Each app with a limit has a namespace of its own: the others must not count its users' sessions.
  evicting: plain({
    namespace: "evicting",
    maxSessionsPerUser: { max: 2, onLimit: "evictOldest" }
  }),
  rejecting: plain({ namespace: "rejecting", maxSessionsPerUser: { max: 2, onLimit: "reject" } }),
  plainName: plain({
    cookie: { name: "sid", secure: false, path: "/run", domain: "example.test", sameSite: "strict" }
  }),
  small: plain({ maxPayloadBytes: 1024 }),
  navigation: plain({}, { agesFlash: "navigation" }),
  recording: plain({}, { recordsPreviousUrl: true }),
  skipping: plain({}, { skip: (request) => request.headers["x-skip"] === "yes" }),
  under400: plain({}, { commitOn: (response) => response.status < 400 }),
  proxied: plain({ trustedProxies: ["127.0.0.1", "10.0.0.0/8"] }),
  sealedOld: plain({ namespace: "sealed", encrypt: { keys: [key("a", 1)] } }),
  sealedBoth: plain({ namespace: "sealed", encrypt: { keys: [key("b", 2), key("a", 1)] } }),
  sealedNew: plain({ namespace: "sealed", encrypt: { keys: [key("b", 2)] } }),
  sealedForged: plain({ namespace: "sealed", encrypt: { keys: [key("a", 9)] } }),
  unsealed: plain({ namespace: "sealed" }),
  csrf: guarded(),
  csrfOrigins: guarded({ origins: ["https://shop.example"], exempt: ["/body"] }),
  csrfLayer,
  layerRouter,
  httpApi,
  webHandler
}
