/**
 * The demo that `npm run demo` starts: a small shop with accounts, a cart, flash messages and a page of active sessions, on
 * http://localhost:3000 (`PORT`). Sessions and accounts lie in `.data/demo` (`DEMO_DIRECTORY`) and survive a restart.
 */

import { createServer } from "node:http"
import { join } from "node:path"
import { HttpServer } from "@effect/platform"
import { NodeContext, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import { FileSystemSessionStore, SessionConfig, SessionGc } from "../../src/index.js"
import { makeApp } from "./app.js"
import { openUsers } from "./users.js"

const directory = process.env.DEMO_DIRECTORY ?? join(".data", "demo")
const port = Number(process.env.PORT ?? 3000)

makeApp(openUsers(directory)).pipe(
  HttpServer.serve(),
  HttpServer.withLogAddress,
  Layer.provide(SessionGc.layer()),
  Layer.provide(FileSystemSessionStore.layer({ directory: join(directory, "sessions") })),
  // Plain http on localhost, for every browser and for curl. A real site keeps the secure default.
  Layer.provide(SessionConfig.layer({ cookie: { name: "session", secure: false } })),
  Layer.provide(NodeHttpServer.layer(createServer, { port })),
  Layer.provide(NodeContext.layer),
  Layer.launch,
  NodeRuntime.runMain
)
