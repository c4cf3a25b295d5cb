/**
 * A server process as an application would write it. Its one argument is its setup, see `harness.ts`. Writes its port as a
 * line when it serves; ends by SIGTERM.
 */
import { createServer } from "node:http"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as GracefulHttpServer from "../../src/GracefulHttpServer.js"
import * as Session from "../../src/Session.js"
import * as SessionGc from "../../src/SessionGc.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { storeOf } from "../support/serverStores.js"
import type { Setup } from "./harness.js"

// The harness has written it.
const setup = JSON.parse(process.argv[2] ?? "") as Setup

let entered = 0

const parameter = (name: string) =>
  Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) =>
    Number(new URL(url, "http://localhost").searchParams.get(name))
  )

/** Tells that it came this far, and waits for as long as the request says. */
const wait = Effect.flatMap(parameter("millis"), (millis) =>
  Effect.zipRight(
    Effect.sync(() => {
      entered += 1
    }),
    Effect.sleep(millis)
  )
)

const visits = Effect.map(
  Session.getOrElse("visits", () => 0),
  (count) => HttpServerResponse.unsafeJson(count)
)

const slow = Session.increment("visits").pipe(Effect.zipRight(wait), Effect.zipRight(visits))

const streaming = Effect.map(Session.increment("visits"), () =>
  HttpServerResponse.stream(
    Stream.fromSchedule(Schedule.spaced("50 millis")).pipe(
      Stream.take(20),
      Stream.map((part) => `${part};`),
      Stream.encodeText
    )
  )
)

const socket = Effect.gen(function* () {
  const lingers = yield* parameter("millis")
  const request = yield* HttpServerRequest.HttpServerRequest
  const opened = yield* request.upgrade
  const write = yield* opened.writer
  yield* Effect.addFinalizer(() => Effect.sleep(lingers))
  yield* opened.run((data) => write(data))
  return HttpServerResponse.empty()
}).pipe(Effect.scoped)

const app = HttpRouter.empty.pipe(
  HttpRouter.get("/visits", visits),
  HttpRouter.get("/slow", slow),
  HttpRouter.get("/stream", streaming),
  HttpRouter.get("/socket", socket),
  HttpRouter.get(
    "/large",
    Effect.zipRight(
      wait,
      Effect.map(parameter("bytes"), (bytes) => HttpServerResponse.text("x".repeat(bytes)))
    )
  ),
  SessionMiddleware.middleware
)

/** Outside the sessions, so that it can be asked at any time. */
const routes = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
  url === "/entered" ? Effect.sync(() => HttpServerResponse.text(String(entered))) : app
)

const announce = Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
  Effect.sync(() => {
    if (address._tag === "TcpAddress") process.stdout.write(`${address.port}\n`)
  })
)

const listen = { port: setup.port, host: "127.0.0.1" }

const server =
  setup.server === "graceful"
    ? GracefulHttpServer.layer(() => createServer(), { ...listen, deadline: setup.deadlineMillis })
    : NodeHttpServer.layer(() => createServer(), listen)

const store = Layer.unwrapEffect(
  Effect.delay(
    Effect.sync(() => storeOf(setup.store, setup.argument)),
    setup.opensAfterMillis
  )
)

const serving = Layer.effectDiscard(announce).pipe(
  Layer.provideMerge(HttpServer.serve(routes)),
  Layer.provide(SessionGc.layerWith({ interval: "200 millis" }))
)

const ordered =
  setup.outermost === "server"
    ? serving.pipe(Layer.provide(store), Layer.provide(server))
    : serving.pipe(Layer.provide(server), Layer.provide(store))

ordered.pipe(
  Layer.provide(Logger.remove(Logger.defaultLogger)),
  Layer.launch,
  NodeRuntime.runMain({
    disablePrettyLogger: true,
    teardown: (exit, onExit) => onExit(Exit.isFailure(exit) && !Exit.isInterrupted(exit) ? 1 : 0)
  })
)
