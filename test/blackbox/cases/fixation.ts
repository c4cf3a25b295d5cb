/** Changing the id: login, regenerate, invalidate, migrate; the quarantine and the alias of the old one. */
import { expect } from "vitest"
import type { Client } from "../client.js"
import type { Case } from "../harness.js"
import type { Step } from "../operations.js"
import { attributes, idOf, isStored, issued, maxAge, visitor } from "./support.js"

const changes: ReadonlyArray<readonly [string, Step]> = [
  ["login", ["login", "someone"]],
  ["regenerate", ["regenerate"]],
  ["migrate with destroy", ["migrate", { destroy: true }]],
  ["invalidate", ["invalidate"]]
]

const retires = changes.flatMap(
  ([name, step]): ReadonlyArray<Case> => [
    [
      `${name} gives a new id and cookie, and the old one is dead on every server at once`,
      async (harness) => {
        const client = await visitor(harness)
        const thief = client.copy()
        const before = await idOf(client)
        const answer = await client.ask({ steps: [step, ["id"]] })
        const after = answer.results[1]

        expect(issued(answer)).not.toBe(thief.cookie)
        expect(after).not.toBe(before)
        expect(await client.elsewhere(["id"])).toEqual([after])
        expect(await isStored(harness, before, 1)).toBe(false)
        for (const node of [1, 0]) {
          const stolen = await thief.peek({ steps: [["all"], ["userId"], ["isNew"]], node })
          expect(stolen.results.slice(0, 2)).toEqual([{}, null])
          expect(stolen.setCookies).toEqual([])
        }
      }
    ],
    [
      `a late request after ${name} stores nothing and gets no Set-Cookie`,
      async (harness) => {
        const client = await visitor(harness)
        const late = client.copy()
        await client.ask({ steps: [step] })
        const before = (await harness.sessions()).length
        const asks = [
          ["put", "b", 1],
          ["flash", "f", 1],
          ["increment", "n"],
          ["csrfToken"]
        ] as const
        for (const one of asks) {
          const answer = await late.peek({ steps: [one], node: 1 })

          expect([answer.status, answer.setCookies]).toEqual([200, []])
        }
        expect((await harness.sessions()).length).toBe(before)
      }
    ],
    [
      `in the quarantine after ${name} an explicit start begins a new session with what the request did`,
      async (harness) => {
        for (const begin of [["start"], ["regenerate"], ["login", "other"]] as const) {
          const client = await visitor(harness)
          const late = client.copy()
          await client.ask({ steps: [step] })
          const answer = await late.ask({ steps: [["put", "b", 1], begin], node: 1 })
          issued(answer)

          expect(await late.elsewhere(["get", "b"], ["get", "a"])).toEqual([{ some: 1 }, null])
        }
      }
    ],
    [
      `after the quarantine of ${name} the old id is simply unknown`,
      async (harness) => {
        const client = await visitor(harness)
        const late = client.copy()
        await client.ask({ steps: [step] })
        await harness.advance(5001)
        const answer = await late.ask({ steps: [["put", "b", 1]], node: 1 })
        issued(answer)

        expect(await late.run(["all"])).toEqual([{ b: 1 }])
      }
    ],
    [
      `a slow request that began before ${name} is dropped without a cookie, its answer untouched`,
      async (harness) => {
        const client = await visitor(harness)
        const slow = client.copy()
        const gate = harness.unique("slow")
        const pending = slow.ask({
          steps: [
            ["put", "b", 1],
            ["gate", gate]
          ],
          node: 1
        })
        await harness.entered(gate, 1)
        await client.ask({ steps: [step] })
        await harness.open(gate, 1)
        const answer = await pending

        expect([answer.status, answer.results.length, answer.setCookies]).toEqual([200, 2, []])
        expect((await client.elsewhere(["get", "b"]))[0]).toBeNull()
      }
    ]
  ]
)

/** Every change of id after one that is committed at once, in the same request. */
const twice: ReadonlyArray<readonly [string, ReadonlyArray<Step>]> = [
  ...changes,
  ["migrate", ["migrate"] as Step] as const
].flatMap(([name, step]) => [
  [`login and ${name}`, [["login", "someone"], step]],
  [`regenerate, commit and ${name}`, [["regenerate"], ["commit"], step]]
])

const retiresOnce = twice.map(
  ([name, steps]): Case => [
    `after ${name} in one request the id that the browser had is quarantined, and then unknown`,
    async (harness) => {
      const client = await visitor(harness)
      const late = client.copy()
      const answer = await client.ask({ steps })
      const before = (await harness.sessions()).length
      issued(answer)
      for (const node of [0, 1]) {
        const dropped = await late.peek({ steps: [["put", "b", 1], ["all"]], node })

        expect([dropped.status, dropped.results[1], dropped.setCookies]).toEqual([
          200,
          { b: 1 },
          []
        ])
      }
      expect((await harness.sessions()).length).toBe(before)
      expect(await client.elsewhere(["isNew"])).toEqual([false])
      await harness.advance(5001)
      issued(await late.ask({ steps: [["put", "b", 1]], node: 1 }))
    }
  ]
)

/** The session as it is after a `migrate` whose answer this client did not get. */
const behind = async (client: Client): Promise<Client> => {
  const left = client.copy()
  await client.ask({ steps: [["migrate"]] })
  return left
}

export const fixationCases: ReadonlyArray<Case> = [
  ...retires,
  ...retiresOnce,
  [
    "login keeps a guest's data and flash",
    async (harness) => {
      const client = await visitor(harness)
      await client.ask({
        steps: [
          ["flash", "f", 1],
          ["login", harness.unique("user")]
        ]
      })

      expect(await client.elsewhere(["all"])).toEqual([{ a: 1, f: 1 }])
    }
  ],
  [
    "regenerate keeps data, flash and user, and changes the CSRF token",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      await client.run(["login", user])
      const token = (await client.run(["csrfToken"]))[0]
      await client.ask({ steps: [["flash", "f", 1], ["regenerate"]] })

      expect(await client.elsewhere(["all"], ["userId"], ["verifyToken", token])).toEqual([
        { a: 1, f: 1 },
        { some: user },
        false
      ])
    }
  ],
  [
    "migrate keeps data, user and the CSRF token, with destroy as well",
    async (harness) => {
      for (const destroy of [false, true]) {
        const user = harness.unique("user")
        const client = await visitor(harness)
        await client.run(["login", user])
        const token = (await client.run(["csrfToken"]))[0]
        await client.ask({ steps: [["migrate", { destroy }]] })

        expect(await client.elsewhere(["all"], ["userId"], ["verifyToken", token])).toEqual([
          { a: 1 },
          { some: user },
          true
        ])
      }
    }
  ],
  [
    "invalidate empties data, flash, user and token, and the session goes on under a new id",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["login", harness.unique("user")])
      const token = (await client.run(["csrfToken"], ["flash", "f", 1]))[0]
      await client.ask({ steps: [["invalidate"], ["put", "b", 1]] })

      expect(await client.elsewhere(["all"], ["userId"], ["verifyToken", token])).toEqual([
        { b: 1 },
        null,
        false
      ])
    }
  ],
  [
    "two changes of the id in one request make one new id",
    async (harness) => {
      const client = await visitor(harness)
      const before = (await harness.sessions()).length
      const answer = await client.ask({
        steps: [["regenerate"], ["regenerate"], ["migrate"], ["id"]]
      })
      issued(answer)

      expect(await client.elsewhere(["id"], ["all"])).toEqual([answer.results[3], { a: 1 }])
      expect((await harness.sessions()).length).toBe(before)
    }
  ],
  [
    "regenerate without a stored session makes one, with one cookie",
    async (harness) => {
      const client = harness.client()
      const answer = await client.ask({ steps: [["regenerate"], ["id"]] })
      issued(answer)

      expect(await client.elsewhere(["id"])).toEqual([answer.results[1]])
    }
  ],
  [
    "the id that regenerate gives is the id afterwards",
    async (harness) => {
      const client = await visitor(harness)
      for (const step of [["regenerate"], ["migrate"], ["invalidate"]] as const) {
        const [given] = await client.run(step)

        expect(await client.elsewhere(["id"])).toEqual([given])
      }
    }
  ],
  [
    "a regenerate in a request that fails changes no id",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["regenerate"], ["die"]] })

      expect(answer.setCookies).toEqual([])
      expect(await client.elsewhere(["all"])).toEqual([{ a: 1 }])
    }
  ],
  [
    "the alias after migrate works on the same session and hands out the current cookie",
    async (harness) => {
      const client = await visitor(harness)
      const left = await behind(client)
      const answer = await left.ask({ steps: [["increment", "a"]], node: 1 })

      expect(answer.results).toEqual([2])
      expect(issued(answer)).toBe(client.cookie)
      expect(answer.headers["cache-control"]).toMatch(/no-store/)
      expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 2 }])
    }
  ],
  [
    "a request through the alias that only reads is handed the current cookie as well",
    async (harness) => {
      const client = await visitor(harness)
      const left = await behind(client)
      const answer = await left.ask({ steps: [["get", "a"]], node: 1 })

      expect(answer.results).toEqual([{ some: 1 }])
      expect(issued(answer)).toBe(client.cookie)
    }
  ],
  [
    "the alias ends with the grace period",
    async (harness) => {
      const client = await visitor(harness)
      const left = await behind(client)
      await harness.advance(29_000)
      const within = await left.peek({ steps: [["get", "a"]], node: 1 })
      await harness.advance(1_001)
      const after = await left.peek({ steps: [["get", "a"]], node: 1 })

      expect(within.results).toEqual([{ some: 1 }])
      expect([after.results, after.setCookies]).toEqual([[null], []])
    }
  ],
  [
    "a second migrate through the alias makes no second id",
    async (harness) => {
      const client = await visitor(harness)
      const left = await behind(client)
      const id = await idOf(client)
      const answer = await left.ask({ steps: [["migrate"]], node: 1 })

      expect(answer.results).toEqual([id])
      expect(issued(answer)).toBe(client.cookie)
      expect(await client.elsewhere(["id"])).toEqual([id])
    }
  ],
  [
    "two migrates at the same time make one new id, and both clients go on",
    async (harness) => {
      const client = await visitor(harness)
      const one = client.copy()
      const two = client.copy()
      const gate = harness.unique("migrate")
      const steps: ReadonlyArray<Step> = [["migrate"], ["put", "b", 1], ["gate", gate]]
      const first = one.ask({ steps, node: 0 })
      const second = two.ask({ steps: [["migrate"], ["put", "c", 1], ["gate", gate]], node: 1 })
      await harness.entered(gate, 0)
      await harness.entered(gate, 1)
      await harness.open(gate, 0)
      await harness.open(gate, 1)
      await Promise.all([first, second])

      expect(one.cookie).toBe(two.cookie)
      expect(await one.run(["all"])).toEqual([{ a: 1, b: 1, c: 1 }])
    }
  ],
  [
    "an alias never crosses a login",
    async (harness) => {
      const client = await visitor(harness)
      const left = await behind(client)
      await client.ask({
        steps: [
          ["login", harness.unique("user")],
          ["put", "secret", 1]
        ]
      })
      const answer = await left.peek({ steps: [["all"], ["userId"]], node: 1 })

      expect([answer.results, answer.setCookies]).toEqual([[{}, null], []])
    }
  ],
  [
    "a slow request through the alias is dropped when a login came between",
    async (harness) => {
      const client = await visitor(harness)
      const left = await behind(client)
      const gate = harness.unique("alias")
      const pending = left.ask({
        steps: [
          ["put", "evil", 1],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.ask({ steps: [["login", harness.unique("user")]] })
      await harness.open(gate, 1)
      const answer = await pending

      expect([answer.status, answer.setCookies]).toEqual([200, []])
      expect(await client.run(["get", "evil"])).toEqual([null])
    }
  ],
  [
    "migrates within the grace keep the id, so that nobody is left behind",
    async (harness) => {
      const client = await visitor(harness)
      const left = await behind(client)
      const id = await idOf(client)
      await client.ask({ steps: [["migrate"]] })
      const again = await client.ask({ steps: [["migrate"]], node: 1 })
      const answer = await left.ask({ steps: [["all"]], node: 1 })

      expect([again.results, answer.results]).toEqual([[id], [{ a: 1 }]])
      expect(issued(answer)).toBe(client.cookie)
    }
  ],
  [
    "a slow request from before migrate commits to the same session",
    async (harness) => {
      const client = await visitor(harness)
      const slow = client.copy()
      const gate = harness.unique("slow")
      const pending = slow.ask({
        steps: [
          ["put", "b", 1],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.ask({ steps: [["migrate"]] })
      await harness.open(gate, 1)
      const answer = await pending

      expect(answer.status).toBe(200)
      expect(await client.run(["all"])).toEqual([{ a: 1, b: 1 }])
      if (slow.cookie !== undefined) expect((await slow.run(["get", "b"]))[0]).toEqual({ some: 1 })
    }
  ],
  [
    "a login through the alias logs in under a new id",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const left = await behind(client)
      const answer = await left.ask({ steps: [["login", user]], node: 1 })

      expect(issued(answer)).not.toBe(client.cookie)
      expect(await left.run(["userId"], ["get", "a"])).toEqual([{ some: user }, { some: 1 }])
      expect((await client.peek({ steps: [["userId"]] })).results).toEqual([null])
    }
  ],
  [
    "destroy, revoke and logout through the alias end the session",
    async (harness) => {
      for (const how of ["destroy", "logout", "revoke"]) {
        const client = await visitor(harness)
        const id = await idOf(client)
        const left = await behind(client)
        if (how === "revoke") expect(await harness.admin("revoke", { id }, 1)).toBe(true)
        else await left.ask({ steps: [[how]], node: 1 })

        expect((await client.peek({ steps: [["all"]] })).results).toEqual([{}])
      }
    }
  ],
  [
    "a revoke by the last id ends the session after a login",
    async (harness) => {
      const client = await visitor(harness)
      const id = await idOf(client)
      await client.ask({ steps: [["login", harness.unique("user")]] })

      expect(await harness.admin("revoke", { id }, 1)).toBe(true)
      expect((await client.peek({ steps: [["all"]] })).results).toEqual([{}])
    }
  ],
  [
    "an id that was destroyed is unknown: a write begins a new session",
    async (harness) => {
      const client = await visitor(harness)
      const copy = client.copy()
      await client.ask({ steps: [["logout"]] })
      const answer = await copy.ask({ steps: [["put", "b", 1]], node: 1 })
      issued(answer)

      expect(await copy.run(["all"])).toEqual([{ b: 1 }])
    }
  ],
  [
    "after destroy the request goes on with an empty session that is stored when it is written to",
    async (harness) => {
      const client = await visitor(harness)
      const copy = client.copy()
      const answer = await client.ask({
        steps: [["destroy"], ["all"], ["userId"], ["isNew"], ["flash", "bye", "see you"]]
      })

      expect(answer.results.slice(1, 4)).toEqual([{}, null, true])
      expect(issued(answer)).not.toBe(copy.cookie)
      expect(await client.elsewhere(["all"])).toEqual([{ bye: "see you" }])
      expect((await copy.peek({ steps: [["all"]] })).results).toEqual([{}])
    }
  ],
  [
    "after logout a login in the same request sets one cookie: the new one",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["logout"], ["login", user]] })

      expect(maxAge(answer)).toBe(7200)
      expect(await client.elsewhere(["userId"], ["all"])).toEqual([{ some: user }, {}])
    }
  ],
  [
    "after logout a flash in the same request begins a new session with one cookie",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["logout"], ["flash", "bye", 1]] })

      expect(maxAge(answer)).toBe(7200)
      expect(await client.elsewhere(["get", "bye"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "a destroy without a write deletes the session; a stale cookie is not answered",
    async (harness) => {
      const client = await visitor(harness)
      const copy = client.copy()
      const answer = await client.ask({ steps: [["destroy"]] })
      for (const line of answer.setCookies) expect(attributes(line)["max-age"]).toBe("0")
      const again = await copy.ask({ steps: [["get", "a"]] })

      expect([again.results, again.setCookies]).toEqual([[null], []])
    }
  ]
]
