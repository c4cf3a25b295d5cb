/** An app that has installed the package: it counts, flashes, logs in and out over HTTP. */
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Logger, ManagedRuntime } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { Session, SessionMiddleware, SessionStore } from "effect-session"

const { exports } = JSON.parse(
  readFileSync(new URL("node_modules/effect-session/package.json", import.meta.url), "utf8")
)
// Its tests need the test runner.
for (const name of Object.keys(exports).filter(
  (one) => one !== "./package.json" && one !== "./SessionStoreTest"
)) {
  await import(`effect-session${name.slice(1)}`)
}

const json = (effect) => Effect.map(effect, (value) => HttpServerResponse.jsonUnsafe(value ?? null))

const routes = HttpRouter.addAll([
  HttpRouter.route("GET", "/count", json(Session.increment("visits"))),
  HttpRouter.route("GET", "/flash", json(Session.flash("notice", "saved"))),
  HttpRouter.route(
    "GET",
    "/notice",
    json(Effect.map(Session.get("notice"), (found) => found._tag))
  ),
  HttpRouter.route("GET", "/login", json(Session.login("ada"))),
  HttpRouter.route("GET", "/user", json(Effect.map(Session.userId, (found) => found._tag))),
  HttpRouter.route("GET", "/logout", json(Session.logout)),
  HttpRouter.route(
    "GET",
    "/broken",
    Effect.andThen(
      Session.put("kept", true),
      Effect.succeed(HttpServerResponse.empty({ status: 500 }))
    )
  ),
  HttpRouter.route("GET", "/all", json(Session.all))
]).pipe(Layer.provide(SessionMiddleware.layer))

const server = NodeHttpServer.layer(createServer, { port: 0 })
const runtime = ManagedRuntime.make(
  HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(Layer.merge(server, SessionStore.layerMemory)),
    Layer.provideMerge(Logger.layer([]))
  )
)
const { address } = await runtime.runPromise(HttpServer.HttpServer)
let cookie = ""
const ask = async (path) => {
  const response = await fetch(`http://127.0.0.1:${address.port}${path}`, { headers: { cookie } })
  const [line] = response.headers.getSetCookie()
  if (line !== undefined) cookie = line.split(";", 1)[0]
  assert.match(response.headers.get("vary") ?? "", /Cookie/)
  return response.text()
}

try {
  assert.equal(await ask("/count"), "1")
  assert.equal(await ask("/count"), "2")
  await ask("/flash")
  assert.equal(await ask("/notice"), '"Some"')
  assert.equal(await ask("/notice"), '"None"')
  const before = cookie
  await ask("/login")
  assert.notEqual(cookie, before)
  assert.equal(await ask("/user"), '"Some"')
  await ask("/broken")
  assert.doesNotMatch(await ask("/all"), /kept/)
  await ask("/logout")
  assert.equal(await ask("/user"), '"None"')
  assert.equal(await ask("/count"), "1")
} finally {
  await runtime.dispose()
}
console.log(`The packed package works on Node ${process.version}.`)
