/**
 * What each runtime must be able to do with the built package: `scripts/runtimes.mjs` runs this file on each of them.
 *
 * A visitor logs in, puts, reads and logs out through a web handler, on the memory store and on files; the files are then
 * listed, copied and collected. With `serve` on the runtime's own HTTP server, too. Prints one line for each step.
 */
import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HttpApp, HttpRouter, HttpServerResponse } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import {
  FileSystemSessionStore,
  Session,
  SessionAdmin,
  SessionConfig,
  SessionMiddleware,
  SessionStore
} from "effect-session"

const app = HttpRouter.empty.pipe(
  HttpRouter.post("/login", Effect.as(Session.login("ada"), HttpServerResponse.empty())),
  HttpRouter.post("/cart", Effect.as(Session.put("cart", ["mug"]), HttpServerResponse.empty())),
  HttpRouter.post("/logout", Effect.as(Session.logout, HttpServerResponse.empty())),
  HttpRouter.get(
    "/",
    Effect.flatMap(Effect.all([Session.userId, Session.get("cart")]), HttpServerResponse.json)
  ),
  SessionMiddleware.middleware
)

const settings = SessionConfig.layer({ cookie: { name: "session", secure: false } })

/** One visitor: keeps the cookie between requests. */
const visit = async (name, send) => {
  let cookie = ""
  const request = async (method, path) => {
    const headers = cookie === "" ? {} : { cookie }
    const response = await send(path, { method, headers })
    const body = await response.text()
    const [set] = response.headers.getSetCookie()
    if (set !== undefined) cookie = set.split(";", 1)[0]
    return [response.status, body]
  }
  const none = JSON.stringify([
    { _id: "Option", _tag: "None" },
    { _id: "Option", _tag: "None" }
  ])
  assert.deepEqual(await request("GET", "/"), [200, none])
  assert.deepEqual(await request("POST", "/login"), [204, ""])
  assert.deepEqual(await request("POST", "/cart"), [204, ""])
  const [status, body] = await request("GET", "/")
  assert.equal(status, 200)
  assert.match(body, /"ada".*"mug"/)
  const mine = cookie
  assert.deepEqual(await request("POST", "/logout"), [204, ""])
  cookie = mine
  assert.deepEqual(await request("GET", "/"), [200, none])
  console.log(`${name}: ok`)
}

/** Serves a handler by the server that this runtime brings. */
const serve = async (handler) => {
  if (globalThis.Deno !== undefined) {
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) =>
      handler(request)
    )
    return { port: server.addr.port, stop: () => server.shutdown() }
  }
  if (globalThis.Bun !== undefined) {
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => handler(request)
    })
    return { port: server.port, stop: () => server.stop(true) }
  }
  return undefined
}

const tryStore = async (name, store) => {
  const { dispose, handler } = HttpApp.toWebHandlerLayer(
    Effect.orDie(app),
    Layer.merge(store, settings)
  )
  await visit(`${name}, web handler`, (path, init) =>
    handler(new Request(`http://localhost${path}`, init))
  )
  const served = await serve(handler)
  if (served !== undefined) {
    await visit(`${name}, served`, (path, init) =>
      fetch(`http://127.0.0.1:${served.port}${path}`, init)
    )
    await served.stop()
  }
  await dispose()
}

const directory = mkdtempSync(join(tmpdir(), "effect-session-smoke-"))
try {
  const files = (name) =>
    FileSystemSessionStore.layer({ directory: join(directory, name) }).pipe(
      Layer.provide(NodeContext.layer)
    )
  await tryStore("memory", SessionStore.layerMemory)
  await tryStore("files", files("sessions"))

  const now = Date.now()
  const record = (number) => ({
    id: number.toString(16).padStart(40, "0"),
    namespace: "session",
    userId: "ada",
    ipAddress: null,
    userAgent: null,
    createdAtMillis: now,
    lastActivityMillis: now,
    expiresAtMillis: number === 0 ? now - 1 : now + 60_000,
    endedAtMillis: null,
    version: 1,
    previous: null,
    payload: "{}"
  })
  const work = Effect.gen(function* () {
    const store = yield* SessionStore.SessionStore
    yield* Effect.forEach([0, 1, 2, 3], (number) => store.insert(record(number)))
    assert.equal(yield* store.collect(10), 1)
    assert.equal(yield* SessionAdmin.countActive({ within: "1 hour" }), 3)
    assert.equal(yield* SessionAdmin.revokeUser("ada", { except: record(1).id }), 2)
  })
  await Effect.runPromise(Effect.provide(work, files("sessions")))
  const report = await Effect.runPromise(
    SessionStore.copy({ from: files("sessions"), to: files("copy") })
  )
  assert.equal(report.copied, 1)
  console.log("files, work: ok")
} finally {
  rmSync(directory, { recursive: true, force: true })
}
