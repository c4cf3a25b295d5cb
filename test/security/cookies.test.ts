/** Cookies that are not the server's own: no store call, no new cookie, no error. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeToken, tokenId } from "../../src/core/record/token.js"
import { cookieName } from "../http/support.js"
import { aMember, cookieOf, serve, tokenOf } from "./app.js"
import { counting } from "./counting.js"
import { exchange, statusOf } from "./exchange.js"
import { memoryPlace, type Place } from "./places.js"

let place: Place

beforeAll(async () => {
  place = await memoryPlace()
})

afterAll(() => place.close())

const token = makeToken()
const cut = token.slice(0, 42)

const malformed: ReadonlyArray<readonly [id: string, what: string, cookie: string]> = [
  ["A1", "an empty value", cookieOf("")],
  ["A2", "42 characters", cookieOf(cut)],
  ["A2", "44 characters", cookieOf(`${token}A`)],
  ["A3", "a plus sign", cookieOf(`${cut}+`)],
  ["A3", "a slash", cookieOf(`${cut}/`)],
  ["A3", "padding", cookieOf(`${cut}=`)],
  ["A3", "a space", cookieOf(`${cut.slice(0, 20)} ${cut.slice(20)}`)],
  ["A4", "15 KB", cookieOf("A".repeat(15_000))],
  ["A5", "a path", cookieOf("../../../etc/passwd")],
  ["A6", "an encoded path", cookieOf("%2e%2e%2fetc%2fpasswd")],
  ["A6", "an encoded backslash", cookieOf("..%5c..%5cboot.ini")],
  [
    "A6",
    "an encoded token",
    cookieOf(`%${Buffer.from(token[0] ?? "").toString("hex")}${token.slice(1)}`)
  ],
  ["A7", "an encoded NUL", cookieOf(`${cut}%00`)],
  ["A8", "an injection", cookieOf("' OR 1=1 --")],
  ["A9", "wildcards", cookieOf("*%_")],
  ["A10", "bytes above 127", cookieOf(`\xc3\x28${cut.slice(2)}\xff`)],
  ["A13", "spare bits that are set", cookieOf(`${"A".repeat(42)}B`)],
  ["A17", "two different values", `${cookieOf(token)}; ${cookieOf(makeToken())}`],
  ["A19", "a name behind a no-break space", `\xa0${cookieOf(token)}`],
  ["A20", "the name in another case", `__host-session=${token}`],
  ["A21", "a nameless cookie", `=${cookieOf(token)}`],
  ["A22", "a quoted value", cookieOf(`"${token}"`)],
  ["A22", "the $Version form", `$Version=1; ${cookieName}="${token}"; $Path=/`],
  ["A27", "a value with a signature behind it", cookieOf(`${token}.${makeToken()}`)],
  ["A27", "a value in the form s:id.signature", cookieOf(`s%3A${token}.${makeToken()}`)]
]

describe("R04 a cookie that is no token", () => {
  for (const [id, what, cookie] of malformed) {
    it(`${id} ${what}: a stranger, no store call, no cookie`, () => {
      const counted = counting()
      return serve(
        place,
        async (server) => {
          const answer = await exchange(server.url, [`Cookie: ${cookie}`])

          expect(statusOf(answer)).toBe(200)
          expect(answer.endsWith("{}")).toBe(true)
          expect(answer.toLowerCase()).not.toContain("set-cookie")
          expect(counted.calls).toEqual([])
        },
        { store: counted.store }
      )
    })
  }

  it("A4 a header beyond 16 KB is refused by the server itself", () =>
    serve(place, async (server) => {
      const answer = await exchange(server.url, [`Cookie: ${cookieOf("A".repeat(17_000))}`])

      expect(statusOf(answer)).toBe(431)
    }))

  it("A7 a NUL byte is refused by the server itself", () =>
    serve(place, async (server) => {
      const answer = await exchange(server.url, [`Cookie: ${cookieOf(`${cut}\0`)}`])

      expect(statusOf(answer)).toBe(400)
    }))
})

describe("a cookie among others", () => {
  it("A18 A19 A23 the own one is found, once or twice, behind strangers and three hundred others", () =>
    serve(place, async (server) => {
      const own = (await aMember(server, "ann")).cookie ?? ""
      const others = Array.from({ length: 300 }, (_, index) => `c${index}=${index}`).join("; ")
      const headers = [`${own}; ${own}`, `\xa0${cookieOf(token)}; ${own}`, `${others}; ${own}`]

      for (const header of headers) {
        expect(await exchange(server.url, [`Cookie: ${header}`])).toMatch(/^HTTP\/1\.1 200/)
        const answer = await server.client(header).send("/user")
        expect(answer.text).toBe('"ann"')
      }
    }))
})

describe("R02 A28 the token anywhere but in the cookie", () => {
  const places: ReadonlyArray<
    readonly [what: string, send: (token: string) => readonly [string, RequestInit]]
  > = [
    ["the query", (sent) => [`/user?${cookieName}=${sent}&sid=${sent}&session=${sent}`, {}]],
    ["the path", (sent) => [`/user;jsessionid=${sent}`, {}]],
    ["Authorization", (sent) => ["/user", { headers: { authorization: `Bearer ${sent}` } }]],
    ["other headers", (sent) => ["/user", { headers: { [cookieName]: sent, "x-session": sent } }]],
    [
      "a form",
      (sent) => ["/user", { method: "POST", body: new URLSearchParams({ [cookieName]: sent }) }]
    ]
  ]

  for (const [what, send] of places) {
    it(`is nothing: ${what}`, () =>
      serve(place, async (server) => {
        const [path, init] = send(tokenOf(await aMember(server, "ann")))
        const answer = await server.client().send(path, init)

        expect(["false", "missing"]).toContain(answer.text)
        expect(answer.setCookies).toEqual([])
      }))
  }

  it("is in no answer's body and in no header but Set-Cookie", () =>
    serve(place, async (server) => {
      const client = await aMember(server, "ann")
      for (const path of ["/", "/all", "/id", "/user", "/regenerate", "/migrate", "/missing"]) {
        const { headers, text } = await client.send(path)
        const current = tokenOf(client)
        const shown = [...headers].filter(([name]) => name !== "set-cookie")

        expect(`${text}${JSON.stringify(shown)}`).not.toContain(current)
        expect(tokenId(current, "session")).toMatch(/^[0-9a-f]{40}$/)
      }
    }))
})
