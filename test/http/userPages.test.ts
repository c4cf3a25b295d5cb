/** What caches are told of the pages of a user who is logged in. */
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { json, pages, withLayer } from "./support.js"

const app = pages({
  "/login": json(Effect.orDie(Session.login("ann"))),
  "/put": json(Session.put("a", 1)),
  "/page": json(Session.userId),
  "/own": Effect.succeed(
    HttpServerResponse.text("own", { headers: { "cache-control": "max-age=60" } })
  )
})

const served = (options?: SessionMiddleware.Options) =>
  HttpServer.serve(SessionMiddleware.make(options).middleware(app))

/** The `Cache-Control` of a path once the client has been to another one. */
const cacheControl = async (
  first: string,
  path: string,
  options?: SessionMiddleware.Options
): Promise<string | null> => {
  let found: string | null = null
  await withLayer(served(options), async (server) => {
    const client = server.client()
    await client.send(first)
    found = (await client.send(path)).headers.get("cache-control")
  })
  return found
}

describe("Cache-Control", () => {
  it("keeps caches from the pages of a user", async () => {
    expect(await cacheControl("/login", "/page")).toBe("private, no-store")
  })

  it("is left to the app where it sets it", async () => {
    expect(await cacheControl("/login", "/own")).toBe("max-age=60")
  })

  it("is left out for guests, with a session or without", async () => {
    expect(await cacheControl("/put", "/page")).toBe(null)
    expect(await cacheControl("/page", "/page")).toBe(null)
  })

  it("is left out where the option says so", async () => {
    expect(await cacheControl("/login", "/page", { noStoreForUsers: false })).toBe(null)
  })

  it("is left out where the session is skipped", async () => {
    const skip = ({ url }: { readonly url: string }) => url === "/page"

    expect(await cacheControl("/login", "/page", { skip })).toBe(null)
  })
})
