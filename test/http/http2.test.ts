/** HTTP/2 has no `Host` header: the host is in `:authority`. */
import { once } from "node:events"
import type { Server } from "node:http"
import { connect, createServer } from "node:http2"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { json, pages } from "./support.js"

const app = pages({
  "/token": json(Session.csrfToken),
  "/post": Effect.succeed(HttpServerResponse.text("posted")),
  "/url": json(
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
      Effect.zipRight(
        Session.setPreviousUrl(`http://${headers[":authority"] ?? headers.host}/page?q=1`),
        Effect.map(Session.previousUrl, (url) => url._tag)
      )
    )
  )
}).pipe(Csrf.middleware, SessionMiddleware.middleware)

/** One request of a client over HTTP/2. */
type Ask = (headers: Readonly<Record<string, string>>) => Promise<{
  readonly status: number
  readonly cookie: string
  readonly text: string
}>

const overHttp2 = async (test: (ask: Ask, host: string) => Promise<void>) => {
  const runtime = ManagedRuntime.make(
    HttpServer.serve(Effect.orDie(app)).pipe(
      Layer.provideMerge(
        // A server of HTTP/2 has the events and methods that the platform uses.
        NodeHttpServer.layer(() => createServer() as unknown as Server, { port: 0 })
      ),
      Layer.provide(SessionStore.layerMemory)
    )
  )
  const { address } = await runtime.runPromise(HttpServer.HttpServer)
  const host = `127.0.0.1:${address._tag === "TcpAddress" ? address.port : ""}`
  const client = connect(`http://${host}`)
  try {
    await test(async (headers) => {
      const stream = client.request(headers)
      const [head] = await once(stream, "response")
      let text = ""
      for await (const bytes of stream) text += bytes
      const cookie = String(head["set-cookie"] ?? "").split(";", 1)[0] ?? ""
      return { status: head[":status"], cookie, text }
    }, host)
  } finally {
    client.close()
    await runtime.dispose()
  }
}

describe("over HTTP/2", () => {
  it("a request of the own origin passes the CSRF check, another's does not", () =>
    overHttp2(async (ask, host) => {
      const { cookie, text } = await ask({ ":path": "/token" })
      const post = async (origin: string) => {
        const token = JSON.parse(text)
        const headers = { cookie, origin, "x-csrf-token": token, ":method": "POST" }
        return (await ask({ ":path": "/post", ...headers })).status
      }

      expect(await post(`http://${host}`)).toBe(200)
      expect(await post("http://elsewhere.example")).toBe(403)
    }))

  it("setPreviousUrl takes a URL of the own host", () =>
    overHttp2(async (ask) => {
      expect((await ask({ ":path": "/url" })).text).toBe('"Some"')
    }))
})
