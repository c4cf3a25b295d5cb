/** Handlers that answer with a `Response` of the web: proxies, and mounted handlers of other frameworks. */

import { once } from "node:events"
import { createServer } from "node:http"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { layerMemory } from "../../src/SessionStore.js"
import { json, pages, withLayer } from "./support.js"

const upstream = createServer((request, response) => {
  const status = Number(request.url?.slice(1))
  response.writeHead(
    status,
    [
      ["vary", "Accept-Encoding"],
      ["x-upstream", "yes"],
      ["set-cookie", "a=1; Path=/"],
      ["set-cookie", "b=2; Path=/; HttpOnly"]
    ].flat()
  )
  response.end(status === 204 ? undefined : "proxied")
})

beforeAll(async () => {
  upstream.listen(0, "127.0.0.1")
  await once(upstream, "listening")
})

afterAll(() => void upstream.close())

const proxied = (status: number) =>
  Effect.promise(() => {
    const address = upstream.address()
    const port = typeof address === "object" ? address?.port : undefined
    return fetch(`http://127.0.0.1:${port}/${status}`)
  })

/** Writes to the session, then answers with what was fetched. */
const proxy = (status: number) =>
  Effect.map(Effect.zipRight(Session.increment("visits"), proxied(status)), (response) =>
    HttpServerResponse.raw(response, { headers: { "x-own": "yes" } })
  )

const app = SessionMiddleware.middleware(
  pages({
    "/ok": proxy(200),
    "/empty": proxy(204),
    "/broken": proxy(503),
    "/own": Effect.sync(() => HttpServerResponse.raw(new Response("own", { status: 201 }))),
    "/read": json(Session.all)
  })
)

/** Asks the app as a web handler and as a Node server. */
const asked = (
  path: string,
  check: (
    response: Response,
    again: (path: string, cookie: string) => Promise<Response>
  ) => Promise<void>
) =>
  Promise.all([
    (async () => {
      const { dispose, handler } = HttpApp.toWebHandlerLayer(Effect.orDie(app), layerMemory)
      const get = (path: string, cookie = "") =>
        handler(new Request(`http://localhost${path}`, { headers: { cookie } }))
      await check(await get(path), get)
      await dispose()
    })(),
    withLayer(HttpServer.serve(Effect.orDie(app)), async ({ url }) => {
      const get = (path: string, cookie = "") => fetch(url + path, { headers: { cookie } })
      await check(await get(path), get)
    })
  ])

describe("a response of the web behind the middleware", () => {
  it("keeps its status, headers, cookies and body beside those of the session", () =>
    asked("/ok", async (response, again) => {
      const cookies = response.headers.getSetCookie()
      const session = cookies.find((cookie) => cookie.startsWith("__Host-session="))

      expect(response.status).toBe(200)
      expect(await response.text()).toBe("proxied")
      expect(response.headers.get("vary")).toBe("Accept-Encoding, Cookie")
      expect([response.headers.get("x-upstream"), response.headers.get("x-own")]).toEqual([
        "yes",
        "yes"
      ])
      expect(cookies.filter((cookie) => cookie !== session)).toEqual([
        "a=1; Path=/",
        "b=2; Path=/; HttpOnly"
      ])
      const read = await again("/read", session?.split(";", 1)[0] ?? "")
      expect(await read.json()).toEqual({ visits: 1 })
    }))

  it("stays without a body", () =>
    asked("/empty", async (response) => {
      expect([response.status, await response.text()]).toEqual([204, ""])
      expect(response.headers.getSetCookie()).toHaveLength(3)
    }))

  it("decides by its own status whether what is pending is committed", () =>
    asked("/broken", async (response) => {
      expect([response.status, await response.text()]).toEqual([503, "proxied"])
      expect(response.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2; Path=/; HttpOnly"])
    }))

  it("may be made by the handler", () =>
    asked("/own", async (response) => {
      expect([response.status, await response.text()]).toEqual([201, "own"])
      expect(response.headers.get("vary")).toBe("Cookie")
    }))
})
