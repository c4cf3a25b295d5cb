/**
 * Starts the demo: `npm run demo`, then http://localhost:3000.
 *
 * `PORT` and `HOST` set where it listens. `DEMO_DIRECTORY` sets where sessions are stored; accounts are stored beside it.
 */
import { createServer } from "node:http"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type { ServeError } from "@effect/platform/HttpServerError"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FileSystemSessionStore, SessionConfig, SessionGc } from "effect-session"
import * as GracefulHttpServer from "effect-session/GracefulHttpServer"
import { routes } from "./app.js"
import * as Users from "./users.js"

const settings = Config.all({
  port: Config.withDefault(Config.integer("PORT"), 3000),
  // Only this machine can connect, because the demo speaks plain HTTP.
  host: Config.withDefault(Config.string("HOST"), "127.0.0.1"),
  directory: Config.withDefault(Config.string("DEMO_DIRECTORY"), ".data/demo")
})

// Some browsers refuse a `Secure` or `__Host-` cookie from http://localhost, so the demo uses neither. Behind HTTPS leave
// this layer out: the defaults are right there.
const cookie = SessionConfig.layer({ cookie: { name: "session", secure: false } })

const demo = Layer.unwrapEffect(
  Effect.map(settings, ({ directory, host, port }) => {
    const store = FileSystemSessionStore.layer({ directory })
    const users = Users.layer(`${directory.replace(/\/+$/, "")}-users.json`)
    const announced = Layer.effectDiscard(Console.log(`The demo is at http://localhost:${port}`))
    return announced.pipe(
      Layer.provideMerge(
        HttpLayerRouter.serve(routes, { disableLogger: true, disableListenLog: true })
      ),
      Layer.merge(SessionGc.layer),
      Layer.provide(GracefulHttpServer.layer(() => createServer(), { host, port })),
      Layer.provide(Layer.mergeAll(store, users, cookie)),
      Layer.provide(NodeContext.layer)
    )
  })
)

const explain = ({ cause }: ServeError) =>
  Effect.flatMap(settings, ({ port }) => {
    const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE"
    process.exitCode = 1
    return Console.error(
      isTaken
        ? `Port ${port} is in use. Choose another one: PORT=${port + 1} npm run demo`
        : `The demo cannot listen on port ${port}: ${String(cause)}`
    )
  })

Layer.launch(demo).pipe(Effect.catchTag("ServeError", explain), NodeRuntime.runMain)
