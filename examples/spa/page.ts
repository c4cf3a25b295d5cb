/** Serves the page on an origin of its own. `API` says where the page finds the API. */
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"

const read = (name: string) => readFileSync(new URL(`page/${name}`, import.meta.url), "utf8")

const api = "http://localhost:3000"
const html = read("index.html").replace(api, process.env.API ?? api)

const script = (name: string) =>
  HttpServerResponse.text(read(name), { contentType: "text/javascript" })

const files = HttpRouter.empty.pipe(
  HttpRouter.get("/", HttpServerResponse.html(html)),
  HttpRouter.get("/api.js", script("api.js")),
  HttpRouter.get("/page.js", script("page.js"))
)

files.pipe(
  HttpServer.serve(),
  HttpServer.withLogAddress,
  Layer.provide(NodeHttpServer.layer(createServer, { port: Number(process.env.PORT ?? 8080) })),
  Layer.launch,
  NodeRuntime.runMain
)
