/** What the middleware answers where nothing is stored: a failure, no route, a store that is down. */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { SessionStoreError } from "../../src/SessionStore.js"
import { storeWith } from "../support/storeWith.js"
import { cookieName, json, pages, withApp, withLayer } from "./support.js"

const visits = Session.increment("visits")

const app = pages({
  "/read": json(Session.all),
  "/visits": json(visits),
  "/fail": Effect.zipRight(visits, Effect.fail("typed")),
  "/die": Effect.zipRight(visits, Effect.die("defect")),
  "/500": Effect.as(visits, HttpServerResponse.text("broken", { status: 500 }))
})

describe("what is pending", () => {
  for (const [name, path] of [
    ["a typed failure", "/fail"],
    ["a defect", "/die"],
    ["a 500", "/500"]
  ] as const) {
    it(`is dropped by ${name} (R49)`, () =>
      withApp(app, async (server) => {
        const { setCookies, status } = await server.client().send(path)

        expect({ status, setCookies }).toEqual({ status: 500, setCookies: [] })
        expect(await server.rows()).toBe(0)
      }))

    it(`leaves a stored session as it was after ${name} (R49)`, () =>
      withApp(app, async (server) => {
        const client = server.client()
        await client.send("/visits")
        await client.send(path)

        expect((await client.send("/read")).text).toBe('{"visits":1}')
      }))
  }
})

describe("a path without a route", () => {
  it("is a 404 without Vary outside the middleware", () => {
    const routes = HttpRouter.empty.pipe(
      HttpRouter.get("/visits", json(visits)),
      HttpRouter.use(SessionMiddleware.middleware)
    )
    return withLayer(HttpServer.serve(routes), async (server) => {
      const { headers, status } = await server.client().send("/nowhere")

      expect({ status, vary: headers.get("vary") }).toEqual({ status: 404, vary: null })
    })
  })
})

describe("a store that is down", () => {
  const down = new SessionStoreError({ operation: "test", reason: "unavailable" })
  const without = (...calls: ReadonlyArray<"find" | "insert" | "update">) =>
    storeWith(() => Object.fromEntries(calls.map((call) => [call, () => down])))

  for (const [call, before, cookie] of [
    ["find", undefined, `${cookieName}=${"A".repeat(43)}`],
    ["insert", undefined, undefined],
    ["update", "/visits", undefined]
  ] as const) {
    it(`is a 503 with Retry-After and no Set-Cookie at ${call}`, () =>
      withApp(
        app,
        async (server) => {
          const client = server.client(cookie)
          if (before !== undefined) await client.send(before)

          const { headers, setCookies, status } = await client.send("/visits")

          expect({ status, setCookies }).toEqual({ status: 503, setCookies: [] })
          expect(headers.get("retry-after")).toBe("1")
        },
        { store: without(call) }
      ))
  }

  it("is unnoticed by a visitor without a cookie that stores nothing", () =>
    withApp(
      app,
      async (server) => {
        expect((await server.client().send("/read")).status).toBe(200)
      },
      { store: without("find", "insert", "update") }
    ))
})
