/**
 * One of several servers on one database, set up by `SERVER_NAME`, `PORT` and `DATABASE_URL`. It keeps no state in memory,
 * so any server can answer any request, and you can stop each of them at any time.
 */
import { createServer } from "node:http"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Csrf, SessionConfig, SessionGc, SessionMiddleware } from "effect-session"
import * as SqlSessionStore from "effect-session/SqlSessionStore"
import { routes } from "./routes.js"

const settings = Config.all({ port: Config.integer("PORT"), name: Config.string("SERVER_NAME") })

const server = Layer.unwrapEffect(
  Effect.map(settings, ({ name, port }) =>
    HttpLayerRouter.serve(
      routes(name).pipe(Layer.provide(Csrf.layer), Layer.provide(SessionMiddleware.layer))
    ).pipe(Layer.provide(NodeHttpServer.layer(() => createServer(), { host: "127.0.0.1", port })))
  )
)

const store = SqlSessionStore.layerMigratedWith({ keepEnded: "7 days" }).pipe(
  Layer.provide(PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") }))
)

// Plain HTTP on this machine. The proxy in front may name the client's address.
const config = SessionConfig.layer({
  cookie: { name: "session", secure: false },
  trustedProxies: ["127.0.0.1"]
})

server.pipe(
  Layer.merge(SessionGc.layer),
  Layer.provide(Layer.merge(store, config)),
  Layer.launch,
  NodeRuntime.runMain
)
