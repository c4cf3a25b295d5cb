/** The session cookie: which are believed (A1-A24), which are sent, and when none is. */
import { request } from "node:http"
import { connect } from "node:net"
import { expect } from "vitest"
import { cookieName } from "../client.js"
import type { Case, Harness } from "../harness.js"
import { attributes, idOf, issued, sessionCookies, visitor } from "./support.js"

const valueOf = (cookie: string): string => cookie.slice(cookie.indexOf("=") + 1)

/** What a request with this `Cookie` header reads and is given. */
const seenWith = async (harness: Harness, cookie: string) => {
  const answer = await harness.client().ask({ steps: [["get", "a"], ["isNew"]], cookie })
  expect(answer.status).toBe(200)
  return { found: answer.results[0], isNew: answer.results[1], cookies: answer.setCookies }
}

const anonymous = { found: null, isNew: true, cookies: [] }
const known = { found: { some: 1 }, isNew: false, cookies: [] }

const rejected: ReadonlyArray<readonly [string, (value: string) => string]> = [
  ["an empty value", () => ""],
  ["42 characters", (value) => value.slice(0, 42)],
  ["44 characters", (value) => `${value}A`],
  ["a plus sign", (value) => `+${value.slice(1)}`],
  ["a slash", (value) => `/${value.slice(1)}`],
  ["padding", (value) => `${value}=`],
  ["15 KB", () => "A".repeat(15_000)],
  ["a path that climbs", () => "../../../etc/passwd"],
  ["an encoded path that climbs", () => "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd"],
  ["an encoded character", (value) => `%${value.charCodeAt(0).toString(16)}${value.slice(1)}`],
  ["an encoded NUL", (value) => `${value}%00`],
  ["SQL", () => "' OR 1=1 --"],
  ["wildcards", () => "%".repeat(43)],
  ["stars", () => "*".repeat(43)],
  ["underscores", () => "_".repeat(43)],
  ["Latin-1 letters", (value) => `\u00e9${value.slice(1)}`],
  ["a trailing no-break space", (value) => `${value}\u00a0`],
  ["quotes", (value) => `"${value}"`],
  ["an opening quote", (value) => `"${value}`],
  ["a well-formed unknown token", () => "A".repeat(43)],
  ["another case", (value) => (value === value.toUpperCase() ? value : value.toUpperCase())],
  [
    "other unused bits in the last character",
    (value) => {
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
      const last = alphabet.indexOf(value.at(-1) as string)
      return value.slice(0, -1) + alphabet[last ^ 1]
    }
  ]
]

const rejections = rejected.map(
  ([what, change]): Case => [
    `a cookie with ${what} is nobody's`,
    async (harness) => {
      const client = await visitor(harness)
      const value = valueOf(client.cookie as string)

      expect(await seenWith(harness, `${cookieName}=${change(value)}`)).toEqual(anonymous)
    }
  ]
)

const accepted: ReadonlyArray<readonly [string, (cookie: string) => string]> = [
  ["alone", (cookie) => cookie],
  ["twice with the same value", (cookie) => `${cookie}; ${cookie}`],
  ["after 300 others", (cookie) => `${"c=1; ".repeat(300)}${cookie}`],
  ["without a space after the semicolon", (cookie) => `x=1;${cookie};y=2`],
  ["beside a name with a no-break space", (cookie) => `\u00a0${cookieName}=evil; ${cookie}`],
  ["beside a lower-case name", (cookie) => `__host-session=evil; ${cookie}`],
  ["beside an upper-case name", (cookie) => `__HOST-SESSION=evil; ${cookie}`],
  ["beside a nameless cookie", (cookie) => `=${cookieName}=evil; ${cookie}`],
  ["after a part without a value", (cookie) => `lonely; ${cookie}`],
  ["beside a value with a percent sign", (cookie) => `broken=%E0%A4%A; ${cookie}`]
]

const acceptances = accepted.map(
  ([how, change]): Case => [
    `a good cookie is found ${how}`,
    async (harness) => {
      const client = await visitor(harness)

      expect(await seenWith(harness, change(client.cookie as string))).toEqual(known)
    }
  ]
)

const misnamed = ["__host-session", "__HOST-SESSION", `\u00a0${cookieName}`, `=${cookieName}`].map(
  (name): Case => [
    `a cookie named ${JSON.stringify(name)} is not the session's`,
    async (harness) => {
      const client = await visitor(harness)
      const value = valueOf(client.cookie as string)

      expect(await seenWith(harness, `${name}=${value}`)).toEqual(anonymous)
    }
  ]
)

const untouched = async (
  harness: Harness,
  ask: Parameters<ReturnType<Harness["client"]>["ask"]>[0]
) => {
  const before = (await harness.sessions()).length
  const answer = await harness.client().ask(ask)
  expect(answer.setCookies).toEqual([])
  expect((await harness.sessions()).length).toBe(before)
  return answer
}

export const cookieCases: ReadonlyArray<Case> = [
  ...rejections,
  ...acceptances,
  ...misnamed,
  [
    "two different values of the name are nobody's, in either order",
    async (harness) => {
      const one = await visitor(harness)
      const other = await visitor(harness)
      const junk = `${cookieName}=${"B".repeat(43)}`

      expect(await seenWith(harness, `${one.cookie}; ${other.cookie}`)).toEqual(anonymous)
      expect(await seenWith(harness, `${one.cookie}; ${junk}`)).toEqual(anonymous)
      expect(await seenWith(harness, `${junk}; ${one.cookie}`)).toEqual(anonymous)
    }
  ],
  [
    "a raw NUL in the header is no 500 and nobody's",
    async (harness) => {
      const text = await raw(
        harness,
        `GET /run HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: ${cookieName}=a\u0000b\r\n\r\n`
      )

      expect(text).toMatch(/^HTTP\/1\.1 (400|200) /)
      expect(text).not.toMatch(/set-cookie/i)
    }
  ],
  [
    "invalid UTF-8 in the header is nobody's",
    async (harness) => {
      const head = `GET /run HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: ${cookieName}=`
      const text = await raw(
        harness,
        Buffer.concat([Buffer.from(head), Buffer.from([0xff, 0xfe]), Buffer.from("\r\n\r\n")])
      )

      expect(text).toMatch(/^HTTP\/1\.1 200 /)
    }
  ],
  [
    "the public id is useless as a cookie",
    async (harness) => {
      const client = await visitor(harness)
      const id = await idOf(client)

      expect(id).toMatch(/^[0-9a-f]{40}$/)
      expect(await seenWith(harness, `${cookieName}=${id}`)).toEqual(anonymous)
      expect(await seenWith(harness, `${cookieName}=${id}AAA`)).toEqual(anonymous)
    }
  ],
  [
    "an unknown id is never adopted when something is written",
    async (harness) => {
      const sent = "C".repeat(43)
      const answer = await harness
        .client()
        .ask({ steps: [["put", "a", 1]], cookie: `${cookieName}=${sent}` })

      expect(issued(answer)).not.toContain(sent)
      expect(await seenWith(harness, `${cookieName}=${sent}`)).toEqual(anonymous)
    }
  ],
  [
    "the id in the query, the body or Authorization is ignored",
    async (harness) => {
      const client = await visitor(harness)
      const value = valueOf(client.cookie as string)
      const answer = await harness.client().ask({
        method: "POST",
        path: `/run?${cookieName}=${value}&sid=${value}`,
        body: `${cookieName}=${value}`,
        send: {
          authorization: `Bearer ${value}`,
          "content-type": "application/x-www-form-urlencoded",
          "x-session": value
        },
        steps: [["get", "a"]]
      })

      expect(answer.results).toEqual([null])
    }
  ],
  [
    "the cookie has exactly the attributes of the contract",
    async (harness) => {
      const answer = await harness.client().ask({ steps: [["put", "a", 1]] })
      const [line = ""] = answer.setCookies

      expect(line).toMatch(/^__Host-session=[A-Za-z0-9_-]{43};/)
      expect(attributes(line)).toEqual({
        "max-age": "7200",
        path: "/",
        httponly: true,
        secure: true,
        samesite: "Lax"
      })
    }
  ],
  [
    "name, path, domain and SameSite follow the settings, and the deletion repeats them",
    async (harness) => {
      const client = harness.client("plainName")
      const answer = await client.ask({ steps: [["put", "a", 1]] })
      const deletion = await client.ask({ steps: [["logout"]] })
      const expected = {
        path: "/run",
        domain: "example.test",
        httponly: true,
        samesite: "Strict"
      }

      expect(answer.setCookies[0]).toMatch(/^sid=[A-Za-z0-9_-]{43};/)
      expect(attributes(answer.setCookies[0] as string)).toEqual({ ...expected, "max-age": "7200" })
      expect(deletion.setCookies[0]).toMatch(/^sid=;/)
      expect(attributes(deletion.setCookies[0] as string)).toMatchObject({
        ...expected,
        "max-age": "0"
      })
    }
  ],
  [
    "the deletion at logout repeats path, Secure, HttpOnly and SameSite",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["logout"]] })

      expect(answer.setCookies).toHaveLength(1)
      expect(attributes(answer.setCookies[0] as string)).toMatchObject({
        "max-age": "0",
        path: "/",
        httponly: true,
        secure: true,
        samesite: "Lax"
      })
    }
  ],
  [
    "with expireOnClose the cookie ends with the browser",
    async (harness) => {
      const answer = await harness.client("browser").ask({ steps: [["put", "a", 1]] })

      expect(attributes(answer.setCookies[0] as string)).toEqual({
        path: "/",
        httponly: true,
        secure: true,
        samesite: "Lax"
      })
    }
  ],
  [
    "a visitor who writes nothing gets no cookie and leaves no row",
    async (harness) => {
      await untouched(harness, {
        steps: [
          ["get", "a"],
          ["all"],
          ["has", "a"],
          ["id"],
          ["isNew"],
          ["userId"],
          ["old", "a"],
          ["previousUrl"],
          ["createdAt"],
          ["lastActivity"],
          ["expiresAt"],
          ["verifyToken", "x"],
          ["consume", "a"]
        ]
      })
    }
  ],
  [
    "operations that change nothing on an empty session create none",
    async (harness) => {
      await untouched(harness, { steps: [["forget", "a"]] })
      await untouched(harness, { steps: [["pull", "a"]] })
      await untouched(harness, { steps: [["flush"]] })
      await untouched(harness, { steps: [["reflash"]] })
      await untouched(harness, { steps: [["keep", "a"]] })
      await untouched(harness, { steps: [["now", "a", 1]] })
      await untouched(harness, { steps: [["destroy"]] })
    }
  ],
  [
    "a commit that has nothing to write creates no session",
    async (harness) => {
      await untouched(harness, { steps: [["commit"]] })
    }
  ],
  [
    "start creates the session though nothing is written",
    async (harness) => {
      const client = harness.client()
      const answer = await client.ask({ steps: [["start"], ["isNew"]] })
      issued(answer)

      expect(await client.run(["isNew"])).toEqual([false])
    }
  ],
  [
    "csrfToken creates the session where there is none",
    async (harness) => {
      const client = harness.client()
      const answer = await client.ask({ steps: [["csrfToken"]] })
      issued(answer)

      expect(await client.run(["verifyToken", answer.results[0]])).toEqual([true])
    }
  ],
  [
    "a logout of nobody creates nothing",
    async (harness) => {
      const before = (await harness.sessions()).length
      const answer = await harness.client().ask({ steps: [["logout"]] })

      for (const line of answer.setCookies) expect(attributes(line)["max-age"]).toBe("0")
      expect((await harness.sessions()).length).toBe(before)
    }
  ],
  [
    "a request that only reads sends no cookie again",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["get", "a"], ["all"]] })

      expect(answer.setCookies).toEqual([])
    }
  ],
  [
    "Set-Cookie goes with Cache-Control: no-store, and keeps what the app said there",
    async (harness) => {
      const fresh = await harness.client().ask({ steps: [["put", "a", 1]] })
      const said = await harness
        .client()
        .ask({ steps: [["put", "a", 1]], headers: { "cache-control": "public, max-age=60" } })

      expect(fresh.headers["cache-control"]).toBe("no-store")
      expect(said.headers["cache-control"]).toMatch(/no-store/)
    }
  ],
  [
    "a response that sets no cookie keeps its Cache-Control",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ headers: { "cache-control": "public, max-age=60" } })

      expect(answer.headers["cache-control"]).toBe("public, max-age=60")
    }
  ],
  [
    "Vary: Cookie is on every response, beside what the app varies by",
    async (harness) => {
      const client = await visitor(harness)
      const answers = [
        await harness.client().ask({}),
        await client.ask({}),
        await client.ask({ path: "/missing" }),
        await client.ask({ steps: [["die"]] }),
        await client.ask({ steps: [["fail"]] }),
        await client.ask({ as: "redirect" }),
        await client.ask({ as: "stream" }),
        await client.ask({ method: "HEAD" })
      ]
      const both = await client.ask({ headers: { vary: "Accept-Encoding" } })
      const own = await client.ask({ headers: { vary: "cookie" } })
      const star = await client.ask({ headers: { vary: "*" } })

      for (const { headers } of answers) expect(headers.vary).toBe("Cookie")
      expect(both.headers.vary).toMatch(/Accept-Encoding,\s*Cookie/)
      expect(own.headers.vary).toMatch(/^cookie$/i)
      expect(star.headers.vary).toMatch(/\*/)
    }
  ],
  [
    "other cookies and headers of the app stay",
    async (harness) => {
      const answer = await harness.client().ask({
        steps: [["put", "a", 1]],
        cookies: { theme: "dark", lang: "de" },
        headers: { "x-app": "yes" }
      })

      expect(answer.headers["x-app"]).toBe("yes")
      expect(answer.setCookies.map((line) => line.split("=", 1)[0]).sort()).toEqual(
        [cookieName, "lang", "theme"].sort()
      )
    }
  ],
  [
    "a 404, a redirect, a stream, HEAD and POST commit and set the cookie",
    async (harness) => {
      const asks = [
        { status: 404 },
        { as: "redirect" as const },
        { as: "stream" as const },
        { method: "HEAD" },
        { method: "POST" },
        { status: 499 - 1 },
        { status: 204 }
      ]
      for (const ask of asks) {
        const client = harness.client()
        const answer = await client.ask({ steps: [["put", "a", 1]], ...ask })
        issued(answer)

        expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 1 }])
      }
    }
  ],
  [
    "a route that does not exist is a 404 that touches nothing",
    async (harness) => {
      const answer = await untouched(harness, { path: "/missing" })

      expect(answer.status).toBe(404)
    }
  ],
  [
    "a redirect's target sees what was written, each time and on the other server",
    async (harness) => {
      const client = await visitor(harness)
      for (let round = 1; round <= 30; round++) {
        await client.ask({ steps: [["put", "a", round]], as: "redirect", node: round % 2 })

        expect(
          (await client.ask({ steps: [["get", "a"]], node: (round + 1) % 2 })).results
        ).toEqual([{ some: round }])
      }
    }
  ],
  [
    "a status of 500 or above, a defect and a typed failure store nothing and set no cookie",
    async (harness) => {
      const asks = [
        { steps: [["put", "a", 1]], status: 500 },
        { steps: [["put", "a", 1]], status: 503 },
        { steps: [["put", "a", 1], ["die"]] },
        { steps: [["put", "a", 1], ["fail"]] }
      ] as const
      for (const ask of asks) {
        const answer = await untouched(harness, ask)

        expect(answer.status).toBeGreaterThanOrEqual(500)
      }
    }
  ],
  [
    "a failed request leaves an existing session as it was",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["put", "a", 2], ["flash", "f", 1], ["die"]] })

      expect([answer.status, answer.setCookies]).toEqual([500, []])
      expect(await client.elsewhere(["all"])).toEqual([{ a: 1 }])
    }
  ],
  [
    "what login, commit and consume did stays done and gets its cookie though the answer is a 500",
    async (harness) => {
      const user = harness.unique("user")
      const login = harness.client()
      const loggedIn = await login.ask({
        steps: [
          ["put", "a", 1],
          ["login", user],
          ["put", "b", 1]
        ],
        status: 500
      })
      const committing = harness.client()
      const committed = await committing.ask({
        steps: [["put", "a", 1], ["commit"], ["put", "b", 1], ["die"]]
      })
      const consuming = await visitor(harness)
      await consuming.ask({ steps: [["consume", "a"]], status: 500 })

      expect([loggedIn.status, committed.status]).toEqual([500, 500])
      issued(loggedIn)
      issued(committed)
      expect(await login.elsewhere(["userId"], ["all"])).toEqual([{ some: user }, { a: 1 }])
      expect(await committing.elsewhere(["all"])).toEqual([{ a: 1 }])
      expect(await consuming.elsewhere(["all"])).toEqual([{}])
    }
  ],
  [
    "logout deletes the cookie whatever the status, and destroy stays done after a 500",
    async (harness) => {
      const leaving = await visitor(harness)
      const copy = leaving.copy()
      const left = await leaving.ask({ steps: [["logout"], ["die"]] })
      const destroying = await visitor(harness)
      const other = destroying.copy()
      await destroying.ask({ steps: [["destroy"]], status: 500 })

      expect(left.status).toBe(500)
      expect(sessionCookies(left)).toHaveLength(1)
      expect(attributes(left.setCookies[0] as string)["max-age"]).toBe("0")
      expect(await copy.elsewhere(["all"])).toEqual([{}])
      expect(await other.elsewhere(["all"])).toEqual([{}])
    }
  ],
  [
    "a client that goes away before the handler ended leaves nothing behind",
    async (harness) => {
      const client = await visitor(harness)
      const gate = harness.unique("abort")
      const run = {
        steps: [
          ["put", "a", 2],
          ["flash", "f", 1],
          ["gate", gate]
        ]
      }
      const outgoing = request({
        host: "127.0.0.1",
        port: harness.port("main"),
        path: "/run",
        headers: {
          "x-run": encodeURIComponent(JSON.stringify(run)),
          cookie: client.cookie as string
        }
      })
      outgoing.on("error", () => {})
      outgoing.end()
      await harness.entered(gate)
      outgoing.destroy()
      await new Promise((resolve) => setTimeout(resolve, 30))
      await harness.open(gate)
      await new Promise((resolve) => setTimeout(resolve, 30))

      expect(await client.elsewhere(["all"])).toEqual([{ a: 1 }])
    }
  ],
  [
    "what is written while the body is sent is not stored and does no harm",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({
        as: "stream",
        steps: [["put", "a", 2]],
        late: [["put", "a", 3]]
      })

      expect(answer.text).toMatch(/^one;two;/)
      expect(await client.elsewhere(["all"])).toEqual([{ a: 2 }])
    }
  ],
  [
    "commitOn decides which answers commit",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "under400")
      await client.ask({ steps: [["put", "a", 2]], status: 422 })

      expect(await client.run(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "a skipped request has an empty session that is not stored, and no cookie",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "skipping")
      const answer = await client.ask({
        steps: [["all"], ["put", "a", 2]],
        send: { "x-skip": "yes" }
      })

      expect([answer.results[0], answer.setCookies]).toEqual([{}, []])
      expect(await client.run(["all"])).toEqual([{ a: 1 }])
    }
  ],
  [
    "no log line, event or answer ever contains a token",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      await client.run(["login", user])
      await client.run(["migrate"], ["id"])
      await client.run(["putStrange", "a", "nan"])
      await client.run(["put", "__proto__.a", 1])
      await client.run(["die"])
      await client.run(["logout"])
      const tokens = client.seen.map((line) => valueOf(line.split(";", 1)[0] as string))

      const text = `${await harness.admin("logs")}${JSON.stringify(await harness.events())}`

      expect(tokens.filter((token) => token !== "")).toHaveLength(3)
      for (const token of tokens) if (token !== "") expect(text).not.toContain(token)
    }
  ]
]

/** Sends bytes as they are, and reads what comes until the connection closes. */
const raw = (harness: Harness, bytes: string | Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(harness.port("main"), "127.0.0.1")
    const chunks: Array<Buffer> = []
    socket.on("data", (chunk) => chunks.push(chunk))
    socket.on("error", reject)
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")))
    socket.write(bytes)
  })
