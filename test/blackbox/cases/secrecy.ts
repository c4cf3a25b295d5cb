/** What must not leak, and revocations that race logins. */
import { expect } from "vitest"
import type { Case } from "../harness.js"
import { member, visitor } from "./support.js"

export const secrecyCases: ReadonlyArray<Case> = [
  [
    "no value of a session is in an error's answer, a log line or an event",
    async (harness) => {
      const secret = harness.unique("secret-value")
      const client = await visitor(harness, { a: secret, theme: secret, visits: secret })
      const answers = [
        await client.ask({ steps: [["increment", "a"]] }),
        await client.ask({ steps: [["push", "a", secret]] }),
        await client.ask({ steps: [["getAs", "a", "number"]] }),
        await client.ask({ steps: [["strictGet", "theme"]] }),
        await client.ask({ steps: [["typedGet", "theme"], ["typedIncrement"]] }),
        await client.ask({ steps: [["put", "b", { in: secret.repeat(5000) }]] }).catch(() => null),
        await client.ask({ steps: [["putSized", "x", 70_000]] }),
        await client.ask({ steps: [["put", "a..b", secret]] })
      ]
      const text = `${await harness.admin("logs")}${JSON.stringify(await harness.events())}`

      // The platform logs the request's headers, and with them what the test sent: only values are looked for.
      const lines = text.split("\n").filter((line) => !line.includes("x-run"))
      for (const line of lines) expect(line).not.toContain(secret)
      for (const answer of answers) {
        if (answer !== null && answer.status >= 400) expect(answer.text).not.toContain(secret)
      }
    }
  ],
  [
    "no CSRF token is in a log line or an event",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "csrf")
      const [token] = await client.run(["csrfToken"])
      await client.ask({ method: "POST", send: { "x-csrf-token": `${token}x` } })
      await client.run(["regenerateToken"], ["die"])
      const text = `${await harness.admin("logs")}${JSON.stringify(await harness.events())}`

      expect(text).not.toContain(String(token))
    }
  ],
  [
    "a revocation in one namespace refuses no login in another",
    async (harness) => {
      const user = harness.unique("user")
      const gate = harness.unique("gate")
      const pending = harness.client("admin").ask({
        steps: [
          ["gate", gate],
          ["login", user]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await harness.admin("revokeUser", { userId: user })
      await harness.open(gate, 1)

      expect((await pending).status).toBe(200)
    }
  ],
  [
    "revokeOthers refuses a login in flight on another device, not one of its own session",
    async (harness) => {
      const user = harness.unique("user")
      const here = await member(harness, user)
      const gate = harness.unique("gate")
      const own = here.copy().ask({
        steps: [
          ["gate", gate],
          ["login", user]
        ],
        node: 1
      })
      const foreign = harness.client().ask({
        steps: [
          ["gate", gate],
          ["login", user]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await new Promise((resolve) => setTimeout(resolve, 50))
      await here.run(["revokeOthers"])
      await harness.open(gate, 1)

      expect([(await own).status, (await foreign).status]).toEqual([200, 403])
    }
  ],
  [
    "a login right after a revocation is never refused, on whichever server",
    async (harness) => {
      const user = harness.unique("user")
      for (let round = 0; round < 12; round++) {
        await harness.admin("revokeUser", { userId: user }, round)
        const answer = await harness
          .client()
          .ask({ steps: [["login", user]], node: round % 3 === 0 ? round : round + 1 })

        expect(answer.status).toBe(200)
      }
    }
  ],
  [
    "logins that race a revocation are revoked or refused, or began after it",
    async (harness) => {
      for (let round = 0; round < 6; round++) {
        const user = harness.unique("user")
        const gate = harness.unique("gate")
        const pending = Array.from({ length: 4 }, (_, node) =>
          harness.client().ask({
            steps: [
              ["gate", gate],
              ["login", user]
            ],
            node
          })
        )
        await harness.entered(gate, 0)
        await harness.entered(gate, 1)
        await new Promise((resolve) => setTimeout(resolve, 20))
        await Promise.all([
          harness.open(gate, 0),
          harness.open(gate, 1),
          harness.admin("revokeUser", { userId: user }, round)
        ])
        await Promise.all(pending)

        expect(await harness.admin("ofUser", { userId: user }, 1)).toEqual([])
      }
    }
  ],
  [
    "a sealed session takes as much as a plain one",
    async (harness) => {
      const client = harness.client("sealedBoth")
      const answer = await client.ask({ steps: [["putSized", "x", 64_000]] })

      expect(answer.status).toBe(200)
      expect(await client.elsewhere(["has", "x"])).toEqual([true])
    }
  ],
  [
    "Csrf.layer guards the routes of an HttpLayerRouter",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "csrfLayer")
      const [token] = await client.run(["csrfToken"])
      const refused = await client.ask({ method: "POST", steps: [["put", "a", 2]] })
      const foreign = await client.ask({
        method: "POST",
        send: { "x-csrf-token": String(token), "sec-fetch-site": "cross-site" }
      })
      const allowed = await client.ask({
        method: "POST",
        steps: [["get", "a"]],
        send: { "x-csrf-token": String(token) }
      })

      expect([refused.status, foreign.status, allowed.status]).toEqual([403, 403, 200])
      expect(allowed.results).toEqual([{ some: 1 }])
      expect(refused.headers.vary).toBe("Cookie")
    }
  ]
]
