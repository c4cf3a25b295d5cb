/**
 * How long one visitor waits for each store: `tsx bench/stores.ts`, with names of stores behind it (default all).
 *
 * One request at a time over a real socket, to a server in this process: reading a session, writing one of about 200 bytes, and
 * logging in. Prints in milliseconds what each takes more than a request without a session. The figure is what the quickest
 * tenth of the requests had at most, because the others wait for what else the machine does. Writes the table of
 * docs/stores.md.
 */
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeContext, NodeHttpServer } from "@effect/platform-node"
import { Effect, Fiber, Layer } from "effect"
import { FileSystemSessionStore, Session, SessionMiddleware, SessionStore } from "../src/index.js"
import * as Database from "./support/database.js"
import { quantile, visitor } from "./support/load.js"
import { storeLayer } from "./support/store.js"

const requests = 1000

interface Place {
  readonly store: Layer.Layer<SessionStore.SessionStore, unknown>
  readonly close: () => Promise<void>
}

const files = (fsync: boolean) => async (): Promise<Place> => {
  const directory = mkdtempSync(join(tmpdir(), "effect-session-bench-"))
  return {
    store: FileSystemSessionStore.layer({ directory, fsync }).pipe(
      Layer.provide(NodeContext.layer)
    ),
    close: async () => rmSync(directory, { recursive: true })
  }
}

const database = (name: Database.Name) => async (): Promise<Place> => {
  const server = await Database.start(name)
  return { store: storeLayer(server.url, true), close: server.stop }
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  memory: async () => ({
    store: SessionStore.layerMemory,
    close: async () => {}
  }),
  files: files(true),
  "files, fsync: false": files(false),
  sqlite: database("sqlite"),
  postgres: database("postgres"),
  mariadb: database("mariadb")
}

const answer = HttpServerResponse.text("ok")
const paths = ["/plain/answer", "/session/read", "/session/write", "/session/login"]

const sessions = HttpRouter.empty.pipe(
  HttpRouter.get("/start", Effect.zipRight(Session.put("text", "x".repeat(150)), answer)),
  HttpRouter.get("/read", Effect.zipRight(Session.get("visits"), answer)),
  HttpRouter.get("/write", Effect.zipRight(Session.increment("visits"), answer)),
  HttpRouter.get("/login", Effect.zipRight(Session.login("42"), answer)),
  SessionMiddleware.middleware
)

const app = HttpRouter.empty.pipe(
  HttpRouter.mountApp("/plain", HttpRouter.empty.pipe(HttpRouter.get("/answer", answer))),
  HttpRouter.mountApp("/session", sessions)
)

/** The wait of each path. They take turns, so that what else the machine does hits all of them alike. */
const waitsOf = async (port: number): Promise<ReadonlyArray<number>> => {
  const one = await visitor(port)
  while ((await one.send("/session/start")) === 503);
  const waits = paths.map((): Array<number> => [])
  for (let left = requests; left > 0; left--) {
    for (const [index, path] of paths.entries()) {
      const begin = performance.now()
      const status = await one.send(path)
      if (status !== 200) throw new Error(`${path} answered ${status}`)
      waits[index]?.push(performance.now() - begin)
    }
  }
  one.close()
  return waits.map((all) =>
    quantile(
      [...all].sort((a, b) => a - b),
      0.1
    )
  )
}

const measure = async (open: () => Promise<Place>): Promise<ReadonlyArray<number>> => {
  const place = await open()
  const server = createServer()
  const listening = once(server, "listening")
  const fiber = HttpServer.serve(app).pipe(
    Layer.provide(NodeHttpServer.layer(() => server, { port: 0, host: "127.0.0.1" })),
    Layer.provide(place.store),
    Layer.launch,
    Effect.runFork
  )
  try {
    await listening
    // Listening on a port, the address is an object.
    return await waitsOf((server.address() as AddressInfo).port)
  } finally {
    await Effect.runPromise(Fiber.interrupt(fiber))
    await place.close()
  }
}

console.log("| store | a read | a write | a login |\n|---|---|---|---|")
const asked = process.argv.slice(2)
for (const [name, open] of Object.entries(places)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  const [bare = Number.NaN, ...others] = await measure(open)
  console.log(`| ${name} | ${others.map((wait) => (wait - bare).toFixed(2)).join(" | ")} |`)
}
