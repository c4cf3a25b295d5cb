import { randomBytes } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionEvents from "../../src/SessionEvents.js"
import { send } from "./rawClient.js"
import { json, pages, type Server, withApp } from "./support.js"

const handlers = {
  "/token": json(Session.csrfToken),
  "/start": json(Session.put("a", 1)),
  "/login": json(Session.login("ann")),
  "/regenerate": json(Session.regenerate),
  "/flash": json(Session.flash("notice", "saved")),
  "/notice": json(Effect.map(Session.get("notice"), Option.getOrNull)),
  "/save": json(Session.put("saved", true)),
  "/save/": json(Session.put("saved", true)),
  "//save": json(Session.put("saved", true)),
  "/all": json(Session.all)
}

const app = (options: Csrf.Options = {}) => Csrf.middlewareWith(options)(pages(handlers))

const visitor = async (server: Server) => {
  const client = server.client()
  const token: string = JSON.parse((await client.send("/token")).text)
  return { client, token, cookie: client.cookie ?? "" }
}

const statusOf = async (
  server: Server,
  headers: Record<string, string | Array<string>>,
  path = "/save",
  method = "POST"
): Promise<number> => (await send(server.url, { path, method, headers })).status

describe("Csrf", () => {
  for (const [id, headers] of [
    ["A38", { "sec-fetch-site": "cross-site" }],
    ["A39", { "sec-fetch-site": "same-site" }],
    ["A41", { origin: "https://evil.example" }],
    ["A42", { origin: "null" }]
  ] as const) {
    it(`refuses ${JSON.stringify(headers)} in spite of a valid token (${id})`, () =>
      withApp(app(), async (server) => {
        const { cookie, token } = await visitor(server)

        expect(await statusOf(server, { cookie, "x-csrf-token": token, ...headers })).toBe(403)
      }))
  }

  it("asks for the token where the request says that it comes from the own site (A40)", () =>
    withApp(app(), async (server) => {
      const { cookie, token } = await visitor(server)
      const headers = { cookie, "sec-fetch-site": "same-origin" }

      expect(await statusOf(server, headers)).toBe(403)
      expect(await statusOf(server, { ...headers, "x-csrf-token": token })).toBe(200)
    }))

  it("asks for the token where the request does not say where it comes from (A43)", () =>
    withApp(app(), async (server) => {
      const { cookie, token } = await visitor(server)

      expect(await statusOf(server, { cookie })).toBe(403)
      expect(await statusOf(server, { cookie, "x-csrf-token": token })).toBe(200)
    }))

  it("tells schemes apart once origins are configured (A44)", () =>
    withApp(app({ origins: ["https://shop.example/"] }), async (server) => {
      const { cookie, token } = await visitor(server)
      const headers = { cookie, "x-csrf-token": token, host: "shop.example" }

      expect(await statusOf(server, { ...headers, origin: "http://shop.example" })).toBe(403)
      expect(await statusOf(server, { ...headers, origin: "https://shop.example" })).toBe(200)
    }))

  it("believes neither an odd Host nor X-Forwarded-Host (A47)", () =>
    withApp(app(), async (server) => {
      const { cookie, token } = await visitor(server)
      const headers = { cookie, "x-csrf-token": token, origin: "https://evil.com" }

      expect(await statusOf(server, { ...headers, host: "evil.com/abc?x=" })).toBe(403)
      expect(await statusOf(server, { ...headers, "x-forwarded-host": "evil.com" })).toBe(403)
      expect(await statusOf(server, { ...headers, forwarded: "host=evil.com" })).toBe(403)
    }))

  const wrong: ReadonlyArray<readonly [string, (token: string) => string | Array<string>]> = [
    ["empty", () => ""],
    ["of bad base64", (token) => `+${token.slice(1)}`],
    ["of the right length and wrong bytes", () => randomBytes(64).toString("base64url")],
    ["of 10 KB", () => "A".repeat(10_000)],
    ["sent twice", (token) => [token, token]],
    ["as JSON list", (token) => JSON.stringify([token])]
  ]
  for (const header of ["x-csrf-token", "x-xsrf-token"]) {
    for (const [name, value] of wrong) {
      it(`refuses a token ${name} in ${header} (A45)`, () =>
        withApp(app(), async (server) => {
          const { cookie, token } = await visitor(server)

          expect(await statusOf(server, { cookie, [header]: value(token) })).toBe(403)
        }))
    }
  }

  it("refuses two headers of which one is wrong (A45)", () =>
    withApp(app(), async (server) => {
      const { cookie, token } = await visitor(server)
      const headers = { cookie, "x-csrf-token": token }

      expect(await statusOf(server, { ...headers, "x-xsrf-token": "wrong" })).toBe(403)
      expect(await statusOf(server, { ...headers, "x-xsrf-token": token })).toBe(200)
    }))

  it("refuses a token in the query or in a cookie (R29, A45)", () =>
    withApp(app(), async (server) => {
      const { cookie, token } = await visitor(server)

      expect(await statusOf(server, { cookie }, `/save?_token=${token}`)).toBe(403)
      expect(await statusOf(server, { cookie: `${cookie}; XSRF-TOKEN=${token}` })).toBe(403)
    }))

  it("refuses the token of another session (R30, A45)", () =>
    withApp(app(), async (server) => {
      const [mine, other] = [await visitor(server), await visitor(server)]

      expect(await statusOf(server, { cookie: mine.cookie, "x-csrf-token": other.token })).toBe(403)
    }))

  for (const path of ["/login", "/regenerate"]) {
    it(`refuses a token from before ${path} (R30, A25, A45)`, () =>
      withApp(app(), async (server) => {
        const { client, token } = await visitor(server)
        await client.send(path, { method: "POST", headers: { "x-csrf-token": token } })
        const cookie = client.cookie ?? ""

        expect(await statusOf(server, { cookie, "x-csrf-token": token })).toBe(403)
      }))
  }

  it("answers every refusal with the same words, uncached and varying by cookie (A45)", () =>
    withApp(app(), async (server) => {
      const { cookie } = await visitor(server)
      const requests = [
        { cookie },
        { cookie, "x-csrf-token": "wrong" },
        { cookie, "sec-fetch-site": "cross-site" },
        { cookie, origin: "null" },
        {}
      ]

      const answers = await Promise.all(
        requests.map((headers) => send(server.url, { path: "/save", headers }))
      )

      const seen = answers.map(({ headers, status, text }) =>
        JSON.stringify([
          status,
          text,
          headers["cache-control"],
          headers.vary,
          headers["set-cookie"]
        ])
      )
      expect([...new Set(seen)]).toEqual([
        '[403,"The request was refused: its CSRF check failed.","no-store","Cookie",null]'
      ])
    }))

  it("does not age the flash of a session whose request it refuses", () =>
    withApp(app(), async (server) => {
      const { client, token } = await visitor(server)
      await client.send("/flash", { method: "POST", headers: { "x-csrf-token": token } })

      await client.send("/save", { method: "POST" })

      expect((await client.send("/notice")).text).toBe('"saved"')
    }))

  it("begins no session for a request that it refuses", () =>
    withApp(app(), async (server) => {
      const answer = await server.client().send("/save", { method: "POST" })

      expect([answer.setCookies, await server.rows()]).toEqual([[], 0])
    }))

  it("takes every token that parallel first pages of one session render (R32)", () =>
    withApp(app(), async (server) => {
      const client = server.client()
      await client.send("/start", { method: "GET" })
      const cookie = client.cookie ?? ""
      const pages = await Promise.all(
        Array.from({ length: 20 }, () => server.client(cookie).send("/token"))
      )

      const statuses = await Promise.all(
        pages.map(({ text }) => statusOf(server, { cookie, "x-csrf-token": JSON.parse(text) }))
      )

      expect([...new Set(statuses)]).toEqual([200])
    }))

  it("renders another text each time (R31)", () =>
    withApp(app(), async (server) => {
      const { client } = await visitor(server)
      const pages = [await client.send("/token"), await client.send("/token")]

      expect(pages[0]?.text).not.toBe(pages[1]?.text)
    }))

  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    it(`checks ${method}, and no header makes it another method (A46)`, () =>
      withApp(app(), async (server) => {
        const { cookie } = await visitor(server)
        const headers = { cookie, "x-http-method-override": "GET", "x-method-override": "GET" }

        expect(await statusOf(server, headers, "/save?_method=GET", method)).toBe(403)
      }))
  }

  it("leaves GET, HEAD and OPTIONS alone, whatever method a header asks for (A46)", () =>
    withApp(app(), async (server) => {
      const headers = { "x-http-method-override": "POST", "sec-fetch-site": "cross-site" }
      const statuses = await Promise.all(
        ["GET", "HEAD", "OPTIONS"].map((method) =>
          statusOf(server, headers, "/all?_method=POST", method)
        )
      )

      expect(statuses).toEqual([200, 200, 200])
    }))
})

describe("exempt (R28)", () => {
  const exempt = ["/save"]

  it("lets exactly that path pass, with any query", () =>
    withApp(app({ exempt }), async (server) => {
      expect(await statusOf(server, {})).toBe(200)
      expect(await statusOf(server, {}, "/save?a=/b")).toBe(200)
      expect(await statusOf(server, { origin: "https://bank.example" })).toBe(200)
    }))

  for (const path of [
    "/save/",
    "//save",
    "/save/x",
    "/saved",
    "/Save",
    "/%73ave",
    "/x/../save",
    "/./save",
    "/save%2f",
    "/save;a=b",
    "/other?/save",
    "/other?x=/save"
  ]) {
    it(`does not exempt ${path}`, () =>
      withApp(app({ exempt }), async (server) => {
        expect(await statusOf(server, {}, path)).toBe(403)
      }))
  }
})

describe("options", () => {
  const refused: ReadonlyArray<readonly [Csrf.Options, string]> = [
    [{ origins: ["shop.example"] }, "origins"],
    [{ origins: ["null"] }, "origins"],
    [{ origins: ["https://shop.example/path"] }, "origins"],
    [{ exempt: ["save"] }, "exempt"],
    [{ exempt: ["/save?x"] }, "exempt"],
    [{ exempt: ["/save#x"] }, "exempt"],
    [{ exempt: ["https://shop.example/save"] }, "exempt"],
    [{ maxFormBytes: 0 }, "maxFormBytes"]
  ]
  for (const [options, name] of refused) {
    it(`refuses ${JSON.stringify(options)} at once and names the setting`, () => {
      expect(() => Csrf.middlewareWith(options)).toThrow(`The session setting ${name} must`)
    })
  }
})

describe("CsrfRejected", () => {
  for (const [reason, headers] of [
    ["site", { "sec-fetch-site": "cross-site" }],
    ["origin", { origin: "null" }],
    ["token", {}]
  ] as const) {
    it(`is published once, with the reason "${reason}" (R42)`, () =>
      Effect.runPromise(
        Effect.gen(function* () {
          const hub = yield* SessionEvents.SessionEvents
          const heard = yield* PubSub.subscribe(hub)

          yield* Effect.promise(() =>
            withApp(
              app(),
              async (server) => {
                await statusOf(server, headers)
              },
              { config: Layer.succeed(SessionEvents.SessionEvents, hub) }
            )
          )

          const events = Chunk.toReadonlyArray(yield* heard.takeAll)
          expect(events).toMatchObject([{ _tag: "CsrfRejected", reason }])
        }).pipe(Effect.scoped, Effect.provide(SessionEvents.layer))
      ))
  }
})
