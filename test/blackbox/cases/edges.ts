/** The edges of the sentences: what the first reading of the contract passes over. */
import { expect } from "vitest"
import type { Case } from "../harness.js"
import type { Step } from "../operations.js"
import { attributes, issued, maxAge, member, minute, sessionCookies, visitor } from "./support.js"

const times = <A>(count: number, f: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => f(index))

const keys = [
  "a",
  "a.b",
  " ",
  "a b",
  "\u{1f600}",
  "\ud800",
  "a\u0000b",
  "length",
  "toString",
  "hasOwnProperty",
  "0",
  "-1",
  "a.0.b",
  "__proto",
  "proto__",
  "x".repeat(1000),
  Array(32).fill("s").join("."),
  Array(33).fill("s").join("."),
  Array(64).fill("s").join("."),
  "",
  ".",
  "..",
  "a.",
  ".a",
  "__proto__",
  "a.prototype",
  "constructor.b"
]

export const edgeCases: ReadonlyArray<Case> = [
  [
    "isKey is true exactly for the keys that put takes",
    async (harness) => {
      for (const key of keys) {
        const client = harness.client()
        const [is] = await client.run(["isKey", key])
        const answer = await client.ask({ steps: [["put", key, 1]] })
        const found = answer.status === 200 ? await client.elsewhere(["get", key]) : []

        expect([key.slice(0, 70), is, found]).toEqual(
          answer.status === 200
            ? [key.slice(0, 70), true, [{ some: 1 }]]
            : [key.slice(0, 70), false, []]
        )
      }
    }
  ],
  [
    "only login, regenerate and start begin a session in the quarantine: the others do not",
    async (harness) => {
      const others: ReadonlyArray<ReadonlyArray<Step>> = [
        [["migrate"], ["put", "b", 1]],
        [
          ["migrate", { destroy: true }],
          ["put", "b", 1]
        ],
        [["invalidate"], ["put", "b", 1]],
        [
          ["setLifetime", "30 days"],
          ["put", "b", 1]
        ],
        [["put", "b", 1], ["commit"]],
        [["replace", { b: 1 }]],
        [["flush"], ["flash", "f", 1]],
        [["regenerateToken"]],
        [
          ["push", "l", 1],
          ["remember", "r", 1],
          ["modify", "m", "add1"]
        ]
      ]
      for (const steps of others) {
        const client = await visitor(harness)
        const late = client.copy()
        await client.run(["regenerate"])
        const before = (await harness.sessions()).length
        const answer = await late.ask({ steps, node: 1 })

        expect([JSON.stringify(steps), answer.status, answer.setCookies]).toEqual([
          JSON.stringify(steps),
          200,
          []
        ])
        expect((await harness.sessions()).length).toBe(before)
        expect(await client.run(["get", "b"])).toEqual([null])
      }
    }
  ],
  [
    "a 403 of a refused login, a 409 and a 500 of the commit vary by cookie too",
    async (harness) => {
      const user = harness.unique("user")
      const statuses: Array<unknown> = []
      const gate = harness.unique("gate")
      const refused = harness.client().ask({
        steps: [
          ["gate", gate],
          ["login", user]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await harness.admin("revokeUser", { userId: user })
      await harness.open(gate, 1)
      const conflicting = harness.unique("gate")
      const client = await visitor(harness)
      const conflict = client.copy().ask({
        steps: [
          ["increment", "a"],
          ["gate", conflicting]
        ],
        node: 1
      })
      await harness.entered(conflicting, 1)
      await client.run(["put", "a", "text"])
      await harness.open(conflicting, 1)
      const large = client.ask({
        steps: [
          ["putSized", "x", 40_000],
          ["putSized", "y", 40_000]
        ]
      })
      for (const answer of [await refused, await conflict, await large]) {
        statuses.push([answer.status, answer.headers.vary, answer.setCookies])
      }

      expect(statuses).toEqual([
        [403, "Cookie", []],
        [409, "Cookie", []],
        [500, "Cookie", []]
      ])
    }
  ],
  [
    "20 migrates at once make one new id, and every client is handed the same cookie",
    async (harness) => {
      const client = await visitor(harness)
      const tabs = times(20, () => client.copy())
      const answers = await Promise.all(
        tabs.map((tab, node) => tab.ask({ steps: [["migrate"], ["increment", "a"]], node }))
      )

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(new Set(tabs.map(({ cookie }) => cookie)).size).toBe(1)
      expect(await harness.sessions()).toHaveLength(1)
      expect(await tabs[0]?.run(["get", "a"])).toEqual([{ some: 21 }])
    }
  ],
  [
    "50 reads at once when a touch is due all succeed",
    async (harness) => {
      const client = await visitor(harness)
      await harness.advance(2 * minute)
      const answers = await Promise.all(
        times(50, (node) => client.peek({ steps: [["get", "a"]], node }))
      )

      for (const { status, results } of answers)
        expect([status, results]).toEqual([200, [{ some: 1 }]])
    }
  ],
  [
    "20 destroys and 20 logouts at once all succeed",
    async (harness) => {
      const client = await visitor(harness)
      const answers = await Promise.all(
        times(40, (node) => client.peek({ steps: [[node < 20 ? "destroy" : "logout"]], node }))
      )

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(await harness.sessions()).toEqual([])
    }
  ],
  [
    "expired sessions do not count against the limit",
    async (harness) => {
      for (const app of ["rejecting", "evicting"]) {
        const user = harness.unique("user")
        await member(harness, user, app)
        await member(harness, user, app)
        await harness.advance(2 * 3_600_000 + 1000)
        const first = await member(harness, user, app)
        await member(harness, user, app)

        expect(await first.elsewhere(["userId"])).toEqual([{ some: user }])
      }
    }
  ],
  [
    "a refused login over the limit can be caught, and the guest goes on",
    async (harness) => {
      const user = harness.unique("user")
      await member(harness, user, "rejecting")
      await member(harness, user, "rejecting")
      const client = harness.client("rejecting")
      const answer = await client.ask({
        steps: [["put", "b", 1], ["try", ["login", user]], ["userId"], ["put", "c", 1]]
      })

      expect(answer.results.slice(1, 3)).toEqual([{ error: "SessionRefused" }, null])
      expect(await client.elsewhere(["all"], ["userId"])).toEqual([{ b: 1, c: 1 }, null])
    }
  ],
  [
    "changing an object after it was put, or one that get or all gave, changes nothing stored",
    async (harness) => {
      const client = await visitor(harness, { deep: { x: 1 }, list: [1] })

      expect(await client.run(["mutating"])).toEqual([null])
      expect(await client.elsewhere(["all"])).toEqual([
        { deep: { x: 1 }, list: [1], given: { x: 1 } }
      ])
    }
  ],
  [
    "a failing effect of remember stores nothing and its failure is the handler's",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({
        steps: [
          ["try", ["rememberFailing", "r"]],
          ["exists", "r"]
        ]
      })

      expect(answer.results).toEqual([{ error: "AppFailure" }, false])
    }
  ],
  [
    "invalidate shows at once: no data, no user, another token",
    async (harness) => {
      const client = await member(harness, "someone")
      const [token] = await client.run(["csrfToken"], ["put", "a", 1])

      expect(
        (await client.run(["invalidate"], ["all"], ["userId"], ["verifyToken", token])).slice(1)
      ).toEqual([{}, null, false])
    }
  ],
  [
    "a key that expires at once is missing at once",
    async (harness) => {
      const client = await visitor(harness)

      expect(await client.run(["putFor", "a", 2, 0], ["get", "a"], ["exists", "a"])).toEqual([
        null,
        null,
        false
      ])
      expect(await client.elsewhere(["get", "a"])).toEqual([null])
    }
  ],
  [
    "a TTL beyond the session's end does not lengthen the session",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["putFor", "k", 1, 86_400_000]] })
      await harness.advance(2 * 3_600_000 + 1000)

      for (const line of sessionCookies(answer)) expect(attributes(line)["max-age"]).toBe("7200")
      expect(await client.elsewhere(["get", "k"])).toEqual([null])
    }
  ],
  [
    "an endless or senseless lifetime is bounded or ends the handler, and never makes an endless cookie",
    async (harness) => {
      for (const step of [
        ["setLifetime", "endless"],
        ["setLifetime", "negative"],
        ["setLifetime", "zero"]
      ] as const) {
        const client = await visitor(harness)
        const answer = await client.ask({ steps: [["lifetimeOf", step[1]]] })

        expect([200, 500]).toContain(answer.status)
        for (const line of sessionCookies(answer)) {
          expect(attributes(line)["max-age"]).toMatch(/^\d+$/)
          expect(Number(attributes(line)["max-age"])).toBeLessThanOrEqual(34_560_000)
        }
        expect((await client.elsewhere(["get", "a"])).length).toBe(1)
      }
    }
  ],
  [
    "old input leaves out passwords and tokens in other spellings and inside objects",
    async (harness) => {
      const client = await visitor(harness)
      await client.run([
        "flashInput",
        {
          Password: "p",
          newPassword: "p",
          "new-password": "p",
          passwd: "p",
          pwd: "p",
          csrf_token: "t",
          accessToken: "t",
          api_token: "t",
          user: { name: "Ada", password: "p" },
          list: [{ password: "p" }]
        }
      ])
      const text = JSON.stringify(await client.elsewhere(["old", "user"], ["old", "list"], ["all"]))

      expect(text).toContain("Ada")
      expect(text).not.toContain('"p"')
      expect(text).not.toContain('"t"')
    }
  ],
  [
    "lists of keys are taken where several keys are",
    async (harness) => {
      const client = await visitor(harness, { a: 1, b: 2, c: 3 })
      const list = ["a", "b"] as unknown as string

      expect(
        await client.run(
          ["has", list],
          ["only", list],
          ["except", list],
          ["missing", list],
          ["hasAny", list]
        )
      ).toEqual([true, { a: 1, b: 2 }, { c: 3 }, false, true])
      await client.run(["flash", "f", 1], ["flash", "g", 1])
      await client.run(["forget", list], ["keep", ["f", "g"]])
      expect(await client.elsewhere(["all"])).toEqual([{ c: 3, f: 1, g: 1 }])
    }
  ],
  [
    "a defect after logout, of a visitor without a session, sets no live cookie",
    async (harness) => {
      const answer = await harness.client().ask({ steps: [["logout"], ["put", "a", 1], ["die"]] })

      for (const line of answer.setCookies) expect(attributes(line)["max-age"]).toBe("0")
      expect(await harness.sessions()).toEqual([])
    }
  ],
  [
    "logout, then start: the new session's cookie replaces the deletion",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["logout"], ["start"]] })

      expect(maxAge(answer)).toBe(7200)
      expect(await client.elsewhere(["isNew"], ["all"])).toEqual([false, {}])
    }
  ],
  [
    "the app's own cookies stay beside a deletion and beside a change of the id",
    async (harness) => {
      for (const step of [["logout"], ["regenerate"], ["login", "someone"]] as const) {
        const client = await visitor(harness)
        const answer = await client.ask({ steps: [step], cookies: { theme: "dark" } })

        expect(answer.setCookies).toHaveLength(2)
        expect(sessionCookies(answer)).toHaveLength(1)
      }
    }
  ],
  [
    "an increment that was answered is never lost to a parallel login, migrate or regenerate without a word",
    async (harness) => {
      for (const step of [["migrate"], ["get", "n"]] as const) {
        const client = await visitor(harness, { n: 0 })
        const changer = client.copy()
        const answers = await Promise.all([
          ...times(20, (node) => client.peek({ steps: [["increment", "n"]], node })),
          changer.ask({ steps: [step], node: 1 })
        ])

        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
        expect(await changer.run(["get", "n"])).toEqual([{ some: 20 }])
      }
    }
  ],
  [
    "a write after login in the same request is kept when another request writes in between",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const gate = harness.unique("gate")
      const pending = client.ask({
        steps: [
          ["login", user],
          ["put", "b", 1],
          ["gate", gate],
          ["increment", "n"]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await harness.open(gate, 1)
      const answer = await pending

      expect(issued(answer)).toBe(client.cookie)
      expect(await client.run(["all"])).toEqual([{ a: 1, b: 1, n: 1 }])
    }
  ],
  [
    "a user revoked after the login of this request: the rest of it is dropped and no live cookie is sent",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const gate = harness.unique("gate")
      const pending = client.ask({
        steps: [
          ["login", user],
          ["gate", gate],
          ["put", "b", 1]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await harness.admin("revokeUser", { userId: user })
      await harness.open(gate, 1)
      const answer = await pending

      expect(answer.status).toBe(200)
      expect(await harness.sessions()).toEqual([])
      expect(await client.run(["userId"], ["all"])).toEqual([null, {}])
    }
  ]
]
