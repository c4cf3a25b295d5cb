import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { layerMemory } from "../../src/SessionStore.js"
import { send } from "./rawClient.js"
import { json, pages, type Server, withLayer } from "./support.js"

const html = (status: number) =>
  Effect.succeed(HttpServerResponse.text("page", { status, contentType: "text/html" }))

const handlers = pages({
  "/start": json(Session.start),
  "/first": Effect.zipRight(Session.start, html(200)),
  "/page": html(200),
  "/missing": html(404),
  "/away": html(302),
  "/data": json(Effect.succeed(1)),
  "/previous": json(Effect.map(Session.previousUrl, Option.getOrNull))
})

const { middleware } = SessionMiddleware.make({ recordsPreviousUrl: true })
const app = middleware(handlers)
const routed = middleware(HttpRouter.empty.pipe(HttpRouter.all("*", handlers)))

const navigation = { accept: "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate" }

interface Asking {
  readonly method?: string
  readonly headers: Record<string, string>
}

/** Sent by a client that, unlike `fetch`, does not say of itself that it is no navigation. */
const ask = (server: Server, path: string, { headers, method = "GET" }: Asking) =>
  send(server.url, { method, path, headers })

/** The URL remembered after one request of a started session. */
const remembered = async (path: string, asking: Asking, served = app): Promise<unknown> => {
  let previous: unknown
  await withLayer(HttpServer.serve(served), async (server) => {
    const client = server.client()
    await client.send("/start")
    const headers = { ...asking.headers, cookie: client.cookie ?? "" }
    await ask(server, path, { ...asking, headers })
    previous = JSON.parse((await client.send("/previous")).text)
  })
  return previous
}

describe("recordsPreviousUrl (R45)", () => {
  it("remembers path and query of a page load", async () => {
    expect(await remembered("/page?q=1", { headers: navigation })).toBe("/page?q=1")
  })

  it("remembers a page load behind a router", async () => {
    expect(await remembered("/page?q=1", { headers: navigation }, routed)).toBe("/page?q=1")
  })

  const plain: Record<string, Asking> = {
    "that asks for anything": { headers: { accept: "*/*" } },
    "that does not say what it asks for": { headers: {} }
  }
  for (const [name, init] of Object.entries(plain)) {
    it(`remembers a page load of a client ${name}`, async () => {
      expect(await remembered("/page", init)).toBe("/page")
    })
  }

  const others: ReadonlyArray<readonly [string, string, Asking]> = [
    ["a POST (A54)", "/page", { method: "POST", headers: navigation }],
    ["HEAD (A54)", "/page", { method: "HEAD", headers: navigation }],
    ["a prefetch (A54)", "/page", { headers: { ...navigation, "sec-purpose": "prefetch" } }],
    ["an old prefetch (A54)", "/page", { headers: { ...navigation, purpose: "prefetch" } }],
    ["a script's (A54)", "/page", { headers: { ...navigation, "x-requested-with": "fetch" } }],
    [
      "an older script's (A54)",
      "/page",
      { headers: { ...navigation, "x-requested-with": "XMLHttpRequest" } }
    ],
    [
      "what fetch asks for (A54)",
      "/page",
      { headers: { ...navigation, "sec-fetch-mode": "cors" } }
    ],
    ["an asset (A54)", "/page", { headers: { accept: "image/png" } }],
    ["a page that is missing", "/missing", { headers: navigation }],
    ["a redirect", "/away", { headers: navigation }],
    ["an answer that is no page", "/data", { headers: navigation }],
    ["a request that asks for no page", "/page", { headers: { accept: "application/json" } }],
    ["a URL with a secret (A55)", "/page?token=abc", { headers: navigation }],
    ["more than 2048 characters (A55)", `/page?a=${"x".repeat(2048)}`, { headers: navigation }],
    ["a split header (A53)", "/page?a=%0d%0aSet-Cookie:x", { headers: navigation }]
  ]
  for (const [name, path, init] of others) {
    it(`does not remember ${name}`, async () => {
      expect(await remembered(path, init)).toBeNull()
    })
  }

  it("is no reason to create a session", () =>
    withLayer(HttpServer.serve(app), async (server) => {
      const { headers } = await ask(server, "/page", { headers: navigation })

      expect([headers["set-cookie"], await server.rows()]).toEqual([undefined, 0])
    }))

  it("remembers the page that creates the session", () =>
    withLayer(HttpServer.serve(app), async (server) => {
      const { headers } = await ask(server, "/first", { headers: navigation })
      const client = server.client(headers["set-cookie"]?.[0]?.split(";", 1)[0])

      expect(JSON.parse((await client.send("/previous")).text)).toBe("/first")
    }))

  it("remembers path and query under a web handler, of the first page and the next", async () => {
    for (const served of [app, routed]) {
      const { dispose, handler } = HttpApp.toWebHandlerLayer(Effect.orDie(served), layerMemory)
      const get = (path: string, headers: Record<string, string>) =>
        handler(new Request(`http://localhost${path}`, { headers }))
      const first = await get("/first?q=1", navigation)
      const cookie = first.headers.getSetCookie()[0]?.split(";", 1)[0] ?? ""

      expect(await (await get("/previous", { cookie })).json()).toBe("/first?q=1")
      await get("/page?q=2", { ...navigation, cookie })
      expect(await (await get("/previous", { cookie })).json()).toBe("/page?q=2")
      await dispose()
    }
  })
})

describe("setPreviousUrl", () => {
  const setting = HttpServerRequest.HttpServerRequest.pipe(
    Effect.flatMap(({ headers }) => Session.setPreviousUrl(headers["x-url"] ?? "")),
    Effect.zipRight(Session.previousUrl)
  )
  const own = SessionMiddleware.middleware(pages({ "/set": json(setting) }))

  it("takes a URL of the request's own host, and no other", () =>
    withLayer(HttpServer.serve(own), async (server) => {
      const { host } = new URL(server.url)
      const previous = async (url: string) => {
        const client = server.client()
        return JSON.parse((await client.send("/set", { headers: { "x-url": url } })).text).value
      }

      expect(await previous(`http://${host}/a?b=1#c`)).toBe("/a?b=1")
      expect(await previous(`https://${host}/a`)).toBe("/a")
      expect(await previous("http://evil.example/a")).toBeUndefined()
      expect(await previous(`http://${host}@evil.example/a`)).toBeUndefined()
      expect(await previous(`ftp://${host}/a`)).toBeUndefined()
    }))

  it("takes the URL of a web handler's request", async () => {
    const { dispose, handler } = HttpApp.toWebHandlerLayer(Effect.orDie(own), layerMemory)
    const url = "http://localhost/set?q=1"

    const answer = await handler(new Request(url, { headers: { "x-url": url } }))

    expect(await answer.json()).toMatchObject({ value: "/set?q=1" })
    await dispose()
  })
})
