/** Serves the page on an origin of its own. `API` says where the page finds the API. */
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"

const read = (name: string) => readFileSync(new URL(`page/${name}`, import.meta.url), "utf8")

const api = "http://localhost:3000"
const html = read("index.html").replace(api, process.env.API ?? api)

const script = (name: string) =>
  HttpServerResponse.text(read(name), { contentType: "text/javascript" })

const files = Layer.mergeAll(
  HttpLayerRouter.add("GET", "/", HttpServerResponse.html(html)),
  HttpLayerRouter.add("GET", "/api.js", script("api.js")),
  HttpLayerRouter.add("GET", "/page.js", script("page.js"))
)

HttpLayerRouter.serve(files).pipe(
  Layer.provide(NodeHttpServer.layer(createServer, { port: Number(process.env.PORT ?? 8080) })),
  Layer.launch,
  NodeRuntime.runMain
)
