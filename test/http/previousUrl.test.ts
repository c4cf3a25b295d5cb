import { request } from "node:http"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { layerMemory } from "../../src/SessionStore.js"
import { json, pages, type Server, withLayer } from "./support.js"

const html = (status: number) =>
  Effect.succeed(HttpServerResponse.text("page", { status, contentType: "text/html" }))

const app = SessionMiddleware.make({ recordsPreviousUrl: true }).middleware(
  pages({
    "/start": json(Session.start),
    "/first": Effect.zipRight(Session.start, html(200)),
    "/page": html(200),
    "/missing": html(404),
    "/away": html(302),
    "/data": json(Effect.succeed(1)),
    "/previous": json(Session.previousUrl)
  })
)

const navigation = { accept: "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate" }

interface Asking {
  readonly method?: string
  readonly headers: Record<string, string>
}

/** Not `fetch`, which says of itself that it is no navigation. Gives the cookie the server has set. */
const ask = (server: Server, path: string, { headers, method = "GET" }: Asking) =>
  new Promise<string | undefined>((resolve, reject) => {
    const sent = request(`${server.url}${path}`, { method, headers, agent: false }, (response) => {
      response.resume()
      const [line] = response.headers["set-cookie"] ?? []
      response.on("end", () => resolve(line?.split(";", 1)[0]))
    })
    sent.on("error", reject).end()
  })

/** The URL remembered after one request of a started session. */
const remembered = async (path: string, asking: Asking): Promise<unknown> => {
  let previous: unknown
  await withLayer(HttpServer.serve(app), async (server: Server) => {
    const client = server.client()
    await client.send("/start")
    const headers = { ...asking.headers, cookie: client.cookie ?? "" }
    await ask(server, path, { ...asking, headers })
    previous = JSON.parse((await client.send("/previous")).text).value ?? null
  })
  return previous
}

describe("recordsPreviousUrl", () => {
  it("remembers path and query of a page load", async () => {
    expect(await remembered("/page?q=1", { headers: navigation })).toBe("/page?q=1")
  })

  const others: ReadonlyArray<readonly [string, string, Asking]> = [
    ["a POST", "/page", { method: "POST", headers: navigation }],
    ["HEAD", "/page", { method: "HEAD", headers: navigation }],
    ["a prefetch", "/page", { headers: { ...navigation, "sec-purpose": "prefetch" } }],
    ["a script's request", "/page", { headers: { ...navigation, "x-requested-with": "fetch" } }],
    ["a page that is missing", "/missing", { headers: navigation }],
    ["a redirect", "/away", { headers: navigation }],
    ["an answer that is no page", "/data", { headers: navigation }],
    ["a request that asks for no page", "/page", { headers: { accept: "application/json" } }],
    ["a URL with a secret", "/page?token=abc", { headers: navigation }]
  ]
  for (const [name, path, init] of others) {
    it(`does not remember ${name}`, async () => {
      expect(await remembered(path, init)).toBeNull()
    })
  }

  it("is no reason to create a session", () =>
    withLayer(HttpServer.serve(app), async (server) => {
      const cookie = await ask(server, "/page", { headers: navigation })

      expect([cookie, await server.rows()]).toEqual([undefined, 0])
    }))

  it("remembers the page that creates the session", () =>
    withLayer(HttpServer.serve(app), async (server) => {
      const client = server.client(await ask(server, "/first", { headers: navigation }))

      expect(JSON.parse((await client.send("/previous")).text).value).toBe("/first")
    }))

  it("remembers the path alone under a web handler", async () => {
    const { dispose, handler } = HttpApp.toWebHandlerLayer(Effect.orDie(app), layerMemory)
    const get = (path: string, headers: Record<string, string>) =>
      handler(new Request(`http://localhost${path}`, { headers }))
    const first = await get("/first?q=1", navigation)
    const cookie = first.headers.getSetCookie()[0]?.split(";", 1)[0] ?? ""

    const previous = await (await get("/previous", { cookie })).json()

    expect(previous).toMatchObject({ value: "/first?q=1" })
    await dispose()
  })
})
