import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { send } from "./rawClient.js"
import { json, withLayer } from "./support.js"

const page = HttpServerResponse.text("page", { contentType: "text/html" })

const app = HttpRouter.empty.pipe(
  HttpRouter.get("/start", json(Session.start)),
  HttpRouter.get("/previous", json(Effect.map(Session.previousUrl, Option.getOrNull))),
  HttpRouter.get("/page", page),
  HttpRouter.post("/page", page),
  HttpRouter.get("/missing", HttpServerResponse.text("missing", { status: 404 })),
  SessionMiddleware.make({ recordsPreviousUrl: true }).middleware
)

const asPage = { accept: "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate" }

/** The previous URL after a visit to `path`. */
const recorded = async (
  path: string,
  headers: Record<string, string>,
  method = "GET"
): Promise<string | null> => {
  let previous: string | null = null
  await withLayer(HttpServer.serve(app), async (server) => {
    const client = server.client()
    await client.send("/start")
    const cookie = client.cookie ?? ""
    await send(server.url, { method, path, headers: { ...headers, cookie } })
    previous = JSON.parse((await client.send("/previous")).text)
  })
  return previous
}

describe("recordsPreviousUrl (R45)", () => {
  it("keeps the path and query of a page", async () => {
    expect(await recorded("/page?a=1", asPage)).toBe("/page?a=1")
  })

  it("keeps the path of a page under a web handler", async () => {
    const { dispose, handler } = HttpApp.toWebHandlerLayer(app, SessionStore.layerMemory)
    const ask = (path: string, headers: Record<string, string>) =>
      handler(new Request(`http://localhost${path}`, { headers }))
    const cookie = (await ask("/start", {})).headers.getSetCookie()[0]?.split(";", 1)[0] ?? ""
    await ask("/page?a=1", { ...asPage, cookie })

    expect(await (await ask("/previous", { cookie })).json()).toBe("/page?a=1")
    await dispose()
  })

  const not: ReadonlyArray<readonly [string, string, Record<string, string>, string?]> = [
    ["a POST (A54)", "/page", asPage, "POST"],
    ["a HEAD (A54)", "/page", asPage, "HEAD"],
    ["what a script asks for (A54)", "/page", { ...asPage, "x-requested-with": "XMLHttpRequest" }],
    ["what fetch asks for (A54)", "/page", { ...asPage, "sec-fetch-mode": "cors" }],
    ["an asset (A54)", "/page", { accept: "image/png" }],
    ["a prefetch (A54)", "/page", { ...asPage, "sec-purpose": "prefetch" }],
    ["an old prefetch (A54)", "/page", { ...asPage, purpose: "prefetch" }],
    ["what is missing", "/missing", asPage],
    ["a token in the query (A55)", "/page?token=abc", asPage],
    ["more than 2048 characters (A55)", `/page?a=${"x".repeat(2048)}`, asPage],
    ["a split header (A53)", "/page?a=%0d%0aSet-Cookie:x", asPage]
  ]
  for (const [name, path, headers, method] of not) {
    it(`does not keep ${name}`, async () => {
      expect(await recorded(path, headers, method)).toBeNull()
    })
  }
})
