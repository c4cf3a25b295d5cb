/** `Csrf.middleware`: where a request comes from (A38-A47), and its token (A45). */
import { expect } from "vitest"
import type { Ask, Client } from "../client.js"
import type { Case, Harness } from "../harness.js"
import { visitor } from "./support.js"

const form = "application/x-www-form-urlencoded"

/** A visitor of the guarded app and a valid token. */
const guarded = async (harness: Harness, app = "csrf") => {
  const client = await visitor(harness, { a: 1 }, app)
  const [token] = await client.run(["csrfToken"])
  return { client, token: String(token) }
}

/** Posts; a refusal must come before the handler, so the write tells. */
const post = async (client: Client, ask: Ask) => {
  const answer = await client.ask({ method: "POST", steps: [["increment", "writes"]], ...ask })
  const [writes] = await client.run(["getOrElse", "writes", 0])
  return { status: answer.status, writes, text: answer.text }
}

const refused = { status: 403, writes: 0 }
const allowed = { status: 200, writes: 1 }

const origins: ReadonlyArray<
  readonly [string, (host: string) => Record<string, string>, typeof refused]
> = [
  ["Sec-Fetch-Site: cross-site", () => ({ "sec-fetch-site": "cross-site" }), refused],
  ["Sec-Fetch-Site: same-site", () => ({ "sec-fetch-site": "same-site" }), refused],
  ["Sec-Fetch-Site: nonsense", () => ({ "sec-fetch-site": "nonsense" }), refused],
  ["Sec-Fetch-Site: same-origin", () => ({ "sec-fetch-site": "same-origin" }), allowed],
  ["Sec-Fetch-Site: none", () => ({ "sec-fetch-site": "none" }), allowed],
  ["another Origin", () => ({ origin: "https://evil.example" }), refused],
  ["Origin: null", () => ({ origin: "null" }), refused],
  ["its own Origin over http", (host) => ({ origin: `http://${host}` }), allowed],
  ["its own Origin over https", (host) => ({ origin: `https://${host}` }), allowed],
  ["its own host with another port as Origin", () => ({ origin: "http://127.0.0.1:1" }), refused],
  [
    "its own host as the beginning of Origin",
    (host) => ({ origin: `http://${host}.evil` }),
    refused
  ],
  ["its own host as user of Origin", (host) => ({ origin: `http://${host}@evil` }), refused],
  ["neither header", () => ({}), allowed],
  [
    "a cross-site Sec-Fetch-Site beside its own Origin",
    (host) => ({ "sec-fetch-site": "cross-site", origin: `http://${host}` }),
    refused
  ],
  [
    "a Host with a path and the Origin of its beginning",
    () => ({ host: "evil.example/abc?x=", origin: "https://evil.example" }),
    refused
  ],
  [
    "a forwarded host that equals the Origin",
    () => ({ "x-forwarded-host": "evil.example", origin: "https://evil.example" }),
    refused
  ]
]

const originCases = origins.map(
  ([what, headers, expected]): Case => [
    `a POST with a valid token and ${what} is ${expected.status === 200 ? "allowed" : "refused"}`,
    async (harness) => {
      const { client, token } = await guarded(harness)
      const host = `127.0.0.1:${harness.port("csrf")}`

      expect(
        await post(client, { send: { "x-csrf-token": token, ...headers(host) } })
      ).toMatchObject(expected)
    }
  ]
)

export const csrfCases: ReadonlyArray<Case> = [
  ...originCases,
  [
    "a token is taken from X-CSRF-Token, X-XSRF-TOKEN and the form field _token",
    async (harness) => {
      for (const ask of [
        (token: string): Ask => ({ send: { "x-csrf-token": token } }),
        (token: string): Ask => ({ send: { "x-xsrf-token": token } }),
        (token: string): Ask => ({
          send: { "content-type": form },
          body: `x=1&_token=${encodeURIComponent(token)}`
        }),
        (token: string): Ask => ({
          send: { "content-type": `${form}; charset=UTF-8` },
          body: `_token=${token}`
        })
      ]) {
        const { client, token } = await guarded(harness)

        expect(await post(client, ask(token))).toMatchObject(allowed)
      }
    }
  ],
  [
    "a form of multipart/form-data carries its token too, as forms with a file do",
    async (harness) => {
      const { client, token } = await guarded(harness)
      const body = `--b\r\nContent-Disposition: form-data; name="_token"\r\n\r\n${token}\r\n--b--\r\n`

      expect(
        await post(client, { send: { "content-type": "multipart/form-data; boundary=b" }, body })
      ).toMatchObject(allowed)
    }
  ],
  [
    "the handler can still read the form",
    async (harness) => {
      const { client, token } = await guarded(harness)
      const answer = await client.ask({
        method: "POST",
        path: "/body",
        send: { "content-type": form },
        body: `_token=${token}&name=Ada`
      })

      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        200,
        [
          ["_token", token],
          ["name", "Ada"]
        ]
      ])
    }
  ],
  [
    "absent, wrong, foreign, retired and misplaced tokens are refused, each with the same body",
    async (harness) => {
      const { client, token } = await guarded(harness)
      const { token: foreign } = await guarded(harness)
      const asks: ReadonlyArray<Ask> = [
        {},
        { send: { "x-csrf-token": "" } },
        { send: { "x-csrf-token": "A".repeat(token.length) } },
        { send: { "x-csrf-token": "%%%" } },
        { send: { "x-csrf-token": `${token}A` } },
        { send: { "x-csrf-token": token.slice(0, -1) } },
        { send: { "x-csrf-token": foreign } },
        { send: { "x-csrf-token": [token, token] } },
        { path: `/run?_token=${token}` },
        { send: { cookie2: token } },
        { send: { "content-type": form }, body: "" },
        { send: { "content-type": form }, body: "_token=" },
        { send: { "content-type": form }, body: `_token[]=${token}` },
        { send: { "content-type": form }, body: `_token=x&_token=${token}` },
        { send: { "content-type": "text/plain" }, body: `_token=${token}` },
        { send: { "content-type": "application/json" }, body: "{" },
        { send: { "content-type": "multipart/form-data; boundary=b" }, body: "nonsense" },
        { send: { "content-type": form }, body: `_token=${"x".repeat(1_000_000)}` }
      ]
      const texts = new Set<string>()
      for (const ask of asks) {
        const result = await post(client, ask)
        expect([JSON.stringify(ask).slice(0, 80), result.status, result.writes]).toEqual([
          JSON.stringify(ask).slice(0, 80),
          403,
          0
        ])
        texts.add(result.text)
      }
      expect(texts.size).toBe(1)
    }
  ],
  [
    "a token from before the login is refused after it",
    async (harness) => {
      const { client, token } = await guarded(harness)
      await client.run(["login", harness.unique("user")])

      expect(await post(client, { send: { "x-csrf-token": token } })).toMatchObject(refused)
    }
  ],
  [
    "a token from before regenerate is refused, one from before migrate is good",
    async (harness) => {
      const one = await guarded(harness)
      await one.client.run(["regenerate"])
      const two = await guarded(harness)
      await two.client.run(["migrate"])

      expect(await post(one.client, { send: { "x-csrf-token": one.token } })).toMatchObject(refused)
      expect(await post(two.client, { send: { "x-csrf-token": two.token } })).toMatchObject(allowed)
    }
  ],
  [
    "a visitor without a session is refused, and leaves no row and no cookie",
    async (harness) => {
      const answer = await harness.client("csrf").ask({ method: "POST", steps: [["put", "a", 1]] })

      expect([answer.status, answer.setCookies, await harness.sessions()]).toEqual([403, [], []])
    }
  ],
  [
    "PUT, PATCH, DELETE and unknown methods are checked, GET, HEAD and OPTIONS are not",
    async (harness) => {
      const { client } = await guarded(harness)
      for (const method of ["PUT", "PATCH", "DELETE", "PROPFIND"]) {
        expect((await client.ask({ method })).status).toBe(403)
      }
      for (const method of ["GET", "HEAD", "OPTIONS"]) {
        const answer = await client.ask({ method, send: { "sec-fetch-site": "cross-site" } })
        expect(answer.status).not.toBe(403)
      }
    }
  ],
  [
    "a method override changes nothing",
    async (harness) => {
      const { client } = await guarded(harness)
      const overridden = { send: { "x-http-method-override": "GET" }, path: "/run?_method=GET" }

      expect(await post(client, overridden)).toMatchObject(refused)
    }
  ],
  [
    "with origins, these are trusted, though not without a token; the own host no longer is",
    async (harness) => {
      const { client, token } = await guarded(harness, "csrfOrigins")
      const good = { origin: "https://shop.example", "sec-fetch-site": "same-site" }
      const own = { origin: `http://127.0.0.1:${harness.port("csrfOrigins")}` }

      expect(await post(client, { send: good })).toMatchObject(refused)
      expect(await post(client, { send: { ...own, "x-csrf-token": token } })).toMatchObject(refused)
      expect(
        await post(client, { send: { origin: "http://shop.example", "x-csrf-token": token } })
      ).toMatchObject(refused)
      expect(await post(client, { send: { ...good, "x-csrf-token": token } })).toMatchObject(
        allowed
      )
    }
  ],
  [
    "Csrf.field is a hidden input with a valid token",
    async (harness) => {
      const client = await visitor(harness)
      const [html] = await client.run(["csrfField"])
      const token = /^<input type="hidden" name="_token" value="([^"]+)">$/.exec(String(html))?.[1]

      expect(await client.elsewhere(["verifyToken", token])).toEqual([true])
    }
  ],
  [
    "a rejection is an event",
    async (harness) => {
      const { client } = await guarded(harness)
      const before = (await harness.events()).filter(({ _tag }) => _tag === "CsrfRejected").length
      await post(client, {})

      expect((await harness.events()).filter(({ _tag }) => _tag === "CsrfRejected").length).toBe(
        before + 1
      )
    }
  ]
]
