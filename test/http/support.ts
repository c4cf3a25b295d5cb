/** A server on a free port and clients with a cookie jar of their own. */
import { createServer } from "node:http"
import type * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Session } from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"

export const cookieName = "__Host-session"

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
  /** The `Set-Cookie` lines as they came. */
  readonly setCookies: ReadonlyArray<string>
}

export interface Client {
  /** The `cookie` header of the next request; `undefined` sends none. */
  cookie: string | undefined
  readonly send: (path: string, init?: RequestInit) => Promise<Answer>
}

export interface Server {
  readonly url: string
  readonly client: (cookie?: string) => Client
  readonly run: <A, E>(effect: Effect.Effect<A, E, SessionStore.SessionStore>) => Promise<A>
  /** How many live sessions the store holds. */
  readonly rows: () => Promise<number>
}

const remember = (client: Client, line: string): void => {
  const pair = line.split(";", 1)[0] ?? ""
  client.cookie = /max-age=0(?:;|$)/i.test(line) ? undefined : pair
}

const makeClient = (url: string, cookie: string | undefined): Client => {
  const client: Client = {
    cookie,
    send: async (path, init = {}) => {
      const headers = new Headers(init.headers)
      if (client.cookie !== undefined) headers.set("cookie", client.cookie)
      const response = await fetch(`${url}${path}`, { redirect: "manual", ...init, headers })
      const setCookies = response.headers.getSetCookie()
      for (const line of setCookies) remember(client, line)
      const text = await response.text()
      return { status: response.status, text, headers: response.headers, setCookies }
    }
  }
  return client
}

export interface Setting {
  readonly store?: Layer.Layer<SessionStore.SessionStore>
  readonly config?: Layer.Layer<never, unknown>
}

/** Runs a test against a server that is a layer of its own, and stops it afterwards. */
export const withLayer = async <E>(
  serving: Layer.Layer<
    never,
    E,
    HttpServer.HttpServer | HttpRouter.HttpRouter.DefaultServices | SessionStore.SessionStore
  >,
  test: (server: Server) => Promise<void>,
  { store = SessionStore.layerMemory, config = Layer.empty }: Setting = {}
): Promise<void> => {
  const listening = NodeHttpServer.layer(() => createServer(), { port: 0 })
  const runtime = ManagedRuntime.make(
    serving.pipe(
      Layer.provideMerge(Layer.merge(listening, store)),
      Layer.provideMerge(config),
      Layer.provideMerge(Logger.remove(Logger.defaultLogger))
    )
  )
  try {
    const { address } = await runtime.runPromise(HttpServer.HttpServer)
    if (address._tag !== "TcpAddress") throw new Error("The server listens on no port.")
    const url = `http://127.0.0.1:${address.port}`
    await test({
      url,
      client: (cookie) => makeClient(url, cookie),
      run: (effect) => runtime.runPromise(effect),
      rows: () => runtime.runPromise(SessionAdmin.countActive({ within: "1 day" }))
    })
  } finally {
    await runtime.dispose()
  }
}

/** Runs a test against one app behind the session middleware. */
export const withApp = <E>(
  app: HttpApp.Default<E, Session | SessionStore.SessionStore>,
  test: (server: Server) => Promise<void>,
  setting?: Setting
): Promise<void> => withLayer(HttpServer.serve(SessionMiddleware.middleware(app)), test, setting)

type Handler = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  unknown,
  Session | SessionStore.SessionStore | HttpServerRequest.HttpServerRequest
>

/** An app that picks its handler by the path alone. */
export const pages = (handlers: Readonly<Record<string, Handler>>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request): Handler => {
    const path = new URL(request.url, "http://localhost").pathname
    return handlers[path] ?? Effect.succeed(HttpServerResponse.text("missing", { status: 404 }))
  })

/** Answers with what an effect gives, as JSON. */
export const json = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(effect, (value) => HttpServerResponse.unsafeJson(value ?? null))

/** A point at which handlers wait until the test lets them go on. */
export const makeGate = () => {
  const entered = Effect.runSync(Deferred.make<void>())
  const opened = Effect.runSync(Deferred.make<void>())
  return {
    /** For the handler. */
    pass: Effect.zipRight(Deferred.succeed(entered, undefined), Deferred.await(opened)),
    /** For the test. */
    entered: () => Effect.runPromise(Deferred.await(entered)),
    open: () => Effect.runPromise(Deferred.succeed(opened, undefined))
  }
}
