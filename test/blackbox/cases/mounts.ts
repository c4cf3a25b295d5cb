/** The three mounts and the web handler behave alike. */
import { expect } from "vitest"
import type { Case } from "../harness.js"
import { attributes, issued, maxAge, member, visitor } from "./support.js"

const of = (app: string): ReadonlyArray<Case> => [
  [
    `${app}: counts visits over all servers, with one cookie`,
    async (harness) => {
      const client = harness.client(app)
      const first = await client.ask({ steps: [["increment", "n"]] })

      expect(attributes(first.setCookies[0] as string)).toEqual({
        "max-age": "7200",
        path: "/",
        httponly: true,
        secure: true,
        samesite: "Lax"
      })
      expect(await client.elsewhere(["increment", "n"])).toEqual([2])
      expect(await client.run(["increment", "n"])).toEqual([3])
    }
  ],
  [
    `${app}: a reader gets no cookie, leaves no row, and the answer varies by cookie`,
    async (harness) => {
      const answer = await harness.client(app).ask({ steps: [["get", "a"]] })

      expect([answer.setCookies, answer.headers.vary]).toEqual([[], "Cookie"])
      expect(await harness.sessions()).toEqual([])
    }
  ],
  [
    `${app}: a defect, a typed failure and a 500 store nothing and vary by cookie`,
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, app)
      for (const ask of [
        { steps: [["put", "a", 2], ["die"]] },
        { steps: [["put", "a", 2], ["fail"]] },
        { steps: [["put", "a", 2]], status: 500 },
        { steps: [["putStrange", "a", "nan"]] }
      ] as const) {
        const answer = await client.ask(ask)
        expect([answer.status, answer.setCookies, answer.headers.vary]).toEqual([500, [], "Cookie"])
      }

      expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    `${app}: redirects, streams and other headers and cookies work`,
    async (harness) => {
      const client = harness.client(app)
      const redirect = await client.ask({ steps: [["put", "a", 1]], as: "redirect" })
      const stream = await client.ask({ steps: [["put", "b", 1]], as: "stream" })
      const other = await client.ask({ cookies: { theme: "dark" }, headers: { "x-app": "yes" } })

      expect(redirect.status).toBe(303)
      issued(redirect)
      expect(stream.text).toMatch(/^one;two;/)
      expect(other.headers["x-app"]).toBe("yes")
      expect(other.setCookies.some((line) => line.startsWith("theme=dark"))).toBe(true)
      expect(await client.elsewhere(["all"])).toEqual([{ a: 1, b: 1 }])
    }
  ],
  [
    `${app}: login, logout and flash`,
    async (harness) => {
      const user = harness.unique("user")
      const client = await member(harness, user, app)
      const copy = client.copy()
      await client.run(["flash", "f", 1])
      const seen = await client.elsewhere(["userId"], ["get", "f"])
      const left = await client.ask({ steps: [["logout"]] })

      expect(seen).toEqual([{ some: user }, { some: 1 }])
      expect(maxAge(left)).toBe(0)
      expect(await copy.elsewhere(["userId"])).toEqual([null])
    }
  ],
  [
    `${app}: an operation that no longer fits is a 409`,
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, app)
      const gate = harness.unique("gate")
      const slow = client.copy().ask({
        steps: [
          ["increment", "a"],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["put", "a", "text"])
      await harness.open(gate, 1)

      expect((await slow).status).toBe(409)
    }
  ],
  [
    `${app}: a payload over the limit is a 500 and no cookie`,
    async (harness) => {
      const answer = await harness.client(app).ask({
        steps: [
          ["putSized", "x", 40_000],
          ["putSized", "y", 40_000]
        ]
      })

      expect([answer.status, answer.setCookies]).toEqual([500, []])
      expect(await harness.sessions()).toEqual([])
    }
  ]
]

export const mountCases: ReadonlyArray<Case> = [
  "main",
  "layerRouter",
  "httpApi",
  "webHandler"
].flatMap(of)
