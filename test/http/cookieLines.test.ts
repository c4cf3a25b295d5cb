/** The `Set-Cookie` lines of real responses: rules R14 to R20 of docs/security.md. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as TestContext from "effect/TestContext"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import { json, pages, withApp } from "./support.js"

const app = pages({
  "/login": json(Session.login("ann")),
  "/all": json(Session.all),
  "/logout": json(Session.logout)
})

/** What a login and the logout after it answer under these settings, at a time that stands still. */
const visit = async (options: SessionConfig.Options = {}) => {
  const answers: Array<{ line: string; count: number; rest: string }> = []
  await withApp(
    app,
    async (server) => {
      const client = server.client()
      for (const path of ["/login", "/all", "/logout"]) {
        const { headers, setCookies, text } = await client.send(path)
        const others = [...headers].filter(([name]) => name !== "set-cookie")
        const rest = JSON.stringify([others, text])
        answers.push({ line: setCookies.join("\n"), count: setCookies.length, rest })
      }
    },
    { config: Layer.merge(TestContext.TestContext, SessionConfig.layer(options)) }
  )
  const [login, all, logout] = answers
  if (login === undefined || all === undefined || logout === undefined) throw new Error("no visit")
  return { login, all, logout }
}

/** Name, token and attributes of a line. */
const partsOf = (line: string) => {
  const [pair = "", ...attributes] = line.split("; ")
  const equals = pair.lastIndexOf("=")
  return { name: pair.slice(0, equals), value: pair.slice(equals + 1), attributes }
}

const scopeOf = (line: string): ReadonlyArray<string> =>
  partsOf(line).attributes.filter((attribute) => !/^(?:Max-Age|Expires)=/.test(attribute))

const maxAgeOf = (line: string): string | undefined => /; Max-Age=([^;]*)/.exec(line)?.[1]

const token = /^[A-Za-z0-9_-]{43}$/
const day = 24 * 60 * 60

describe("the cookie of a response", () => {
  it("R14 R15 R16 is this line and no other, with nothing configured", async () => {
    const { login } = await visit()

    expect(login.count).toBe(1)
    expect(login.line).toMatch(
      /^__Host-session=[\w-]{43}; Max-Age=7200; Path=\/; HttpOnly; Secure; SameSite=Lax$/
    )
  })

  it("R14 is shared and goes over plain HTTP where the settings say so", async () => {
    const { login } = await visit({
      cookie: { name: "sid", secure: false, path: "/app", domain: "example.com" }
    })

    expect(login.line).toMatch(
      /^sid=[\w-]{43}; Max-Age=7200; Domain=example\.com; Path=\/app; HttpOnly; SameSite=Lax$/
    )
  })

  it("R15 has its value in Set-Cookie alone", async () => {
    const { all, login, logout } = await visit()
    const { value } = partsOf(login.line)

    expect(value).toMatch(token)
    expect([login, all, logout].map(({ rest }) => rest.includes(value))).toEqual([
      false,
      false,
      false
    ])
  })

  it("R16 says which SameSite it has", async () => {
    const lines: Array<string> = []
    for (const sameSite of ["lax", "strict", "none"] as const) {
      const { login, logout } = await visit({ cookie: { sameSite } })
      lines.push(...[login, logout].map(({ line }) => line.slice(line.indexOf("; Secure"))))
    }

    expect(lines).toEqual(
      ["Lax", "Strict", "None"].flatMap((site) => Array(2).fill(`; Secure; SameSite=${site}`))
    )
  })

  it("R17 is within 4096 octets, and its attributes within 1024, at the most that is allowed", async () => {
    const name = "n".repeat(4096 - 43)
    const path = `/${"p".repeat(1023)}`
    const { login } = await visit({ cookie: { name, path } })
    const parts = partsOf(login.line)

    expect(parts.name.length + parts.value.length).toBe(4096)
    expect(parts.attributes).toContain(`Path=${path}`)
    await expect(visit({ cookie: { name: `${name}n`, path } })).rejects.toThrow("cookie.name")
    await expect(visit({ cookie: { name, path: `${path}p` } })).rejects.toThrow("cookie.path")
  })

  it("R18 has every name, path and domain as it was configured, none encoded or cut", async () => {
    const odd = {
      name: "!#$%&'*+-.^_`|~",
      path: "/!\"#$%25&'()*+,-./:<=>?@[\\]^_`{|}~",
      domain: "xn--bcher-kva.example"
    }
    const { login, logout } = await visit({ cookie: odd })

    for (const { line } of [login, logout]) {
      expect(partsOf(line).name).toBe(odd.name)
      expect(scopeOf(line)).toEqual([
        `Domain=${odd.domain}`,
        `Path=${odd.path}`,
        "HttpOnly",
        "Secure",
        "SameSite=Lax"
      ])
    }
    expect(partsOf(login.line).value).toMatch(token)
  })

  it("R19 is deleted by its name in its whole scope, at once", async () => {
    const cookies: ReadonlyArray<SessionConfig.Options["cookie"] & object> = [
      {},
      { sameSite: "none" },
      { name: "sid", secure: false, sameSite: "strict" },
      { name: "__Secure-sid", path: "/app", domain: "example.com" }
    ]
    for (const cookie of cookies) {
      const { login, logout } = await visit({ cookie })
      const { attributes, name, value } = partsOf(logout.line)

      expect([logout.count, name, value]).toEqual([1, partsOf(login.line).name, ""])
      expect(scopeOf(logout.line)).toEqual(scopeOf(login.line))
      expect(attributes).toEqual(
        expect.arrayContaining(["Max-Age=0", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
      )
    }
  })

  it("R20 lives whole seconds, and outlives the session by less than one", async () => {
    const ages: Array<string | undefined> = []
    for (const idleTimeout of [60_000, 60_400, 60_999]) {
      ages.push(maxAgeOf((await visit({ idleTimeout })).login.line))
    }

    expect(ages).toEqual(["60", "60", "61"])
  })

  it("R20 lives 400 days at the most", async () => {
    const ages: Array<string | undefined> = []
    for (const days of [399, 400, 401, 3650]) {
      const timeout = Duration.days(days)
      const { login } = await visit({ idleTimeout: timeout, absoluteTimeout: timeout })
      ages.push(maxAgeOf(login.line))
    }

    expect(ages).toEqual([399, 400, 400, 400].map((days) => `${days * day}`))
  })

  it("R20 ends with the browser where the settings say so", async () => {
    const { login, logout } = await visit({ expireOnClose: true })

    expect(login.line).toMatch(
      /^__Host-session=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/
    )
    expect(maxAgeOf(logout.line)).toBe("0")
  })
})
