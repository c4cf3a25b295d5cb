import { connect } from "node:net"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import { json, pages, type Server, withApp } from "./support.js"

/** Sends a handshake, calls `talk` when the server has answered, and gives all that came until the end. */
const handshake = (server: Server, path: string, headers: Readonly<Record<string, string>>) =>
  new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    let received = ""
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1")
      // A close frame, masked with zeros.
      if (received.includes("101 Switching")) socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]))
      else if (received.includes("\r\n\r\n")) socket.end()
    })
    socket.on("close", () => resolve(received))
    socket.on("error", reject)
    const lines = Object.entries({ host: "localhost", ...headers }).map((line) => line.join(": "))
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`)
  })

const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="
}

/** An app with a websocket that reads the session, writes to it, and ends when its client goes. */
const makeApp = () => {
  const seen = Effect.runSync(Deferred.make<unknown>())
  const socket = Effect.gen(function* () {
    yield* Deferred.succeed(seen, Option.getOrNull(yield* Session.get("a")))
    yield* Session.put("b", 1)
    const request = yield* HttpServerRequest.HttpServerRequest
    const socket = yield* request.upgrade
    yield* Effect.ignore(socket.run(() => Effect.void))
    return HttpServerResponse.empty()
  })
  const app = pages({
    "/a": json(Session.flash("a", 1)),
    "/socket": socket,
    "/refusing": json(Session.put("b", 1)),
    "/all": json(Session.all)
  })
  return { app, seen: () => Effect.runPromise(Deferred.await(seen)) }
}

describe("a websocket", () => {
  it("reads the session", async () => {
    const { app, seen } = makeApp()
    await withApp(app, async (server) => {
      const client = server.client()
      await client.send("/a")
      const answer = await handshake(server, "/socket", { ...upgrade, cookie: client.cookie ?? "" })

      expect(answer).toMatch(/^HTTP\/1.1 101 /)
      expect(await seen()).toBe(1)
    })
  })

  it("writes nothing, ages no flash and sets no cookie", async () => {
    const { app } = makeApp()
    await withApp(app, async (server) => {
      const client = server.client()
      await client.send("/a")
      const answer = await handshake(server, "/socket", { ...upgrade, cookie: client.cookie ?? "" })

      expect(answer).not.toMatch(/set-cookie/i)
      expect((await client.send("/all")).text).toBe('{"a":1}')
    })
  })
})

describe("an answer to a request that offered to upgrade", () => {
  const offers = {
    websocket: upgrade,
    h2c: { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABk" }
  }
  for (const [name, headers] of Object.entries(offers)) {
    it(`commits like any other: ${name}`, async () => {
      const { app } = makeApp()
      await withApp(app, async (server) => {
        const answer = await handshake(server, "/refusing", headers)

        expect(answer).toMatch(/^HTTP\/1.1 200 .*set-cookie: __Host-session=/is)
        expect(await server.rows()).toBe(1)
      })
    })
  }
})
