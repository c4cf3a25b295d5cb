/** Nothing lost, nothing resurrected: requests that run at the same time, on one process and on two. */
import { expect } from "vitest"
import type { Answer, Client } from "../client.js"
import type { Case, Harness } from "../harness.js"
import type { Step } from "../operations.js"
import { attributes, idOf, isStored, member, visitor } from "./support.js"

const times = <A>(count: number, f: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => f(index))

/** Runs `slow` with `meanwhile` between its handler's last step and its commit. */
const during = async (
  harness: Harness,
  client: Client,
  slow: ReadonlyArray<Step>,
  meanwhile: () => Promise<unknown>,
  ask: object = {}
): Promise<Answer> => {
  const gate = harness.unique("during")
  const pending = client.ask({ steps: [...slow, ["gate", gate]], node: 1, ...ask })
  await harness.entered(gate, 1)
  await meanwhile()
  await harness.open(gate, 1)
  return pending
}

const ends: ReadonlyArray<
  readonly [
    string,
    (harness: Harness, client: Client, id: string, user: string) => Promise<unknown>
  ]
> = [
  ["destroy", (_, client) => client.run(["destroy"])],
  ["logout", (_, client) => client.run(["logout"])],
  ["revoke", (harness, _, id) => harness.admin("revoke", { id })],
  ["revokeUser", (harness, _, _id, userId) => harness.admin("revokeUser", { userId })]
]

const writes: ReadonlyArray<ReadonlyArray<Step>> = [
  [["put", "b", 1]],
  [["flash", "b", 1]],
  [["increment", "n"]],
  [["regenerate"], ["put", "b", 1]],
  [["migrate"], ["put", "b", 1]],
  [["setLifetime", "30 days"]],
  [["invalidate"], ["put", "b", 1]],
  [["get", "a"]]
]

const races = ends.map(
  ([name, end]): Case => [
    `a slow request that commits after ${name} is dropped: nothing inserted, no cookie, the answer untouched`,
    async (harness) => {
      for (const steps of writes) {
        const user = harness.unique("user")
        const client = await visitor(harness)
        await client.run(["login", user])
        const id = await idOf(client)
        const slow = client.copy()
        let left = 0
        const answer = await during(
          harness,
          slow,
          steps,
          async () => {
            await end(harness, client, id, user)
            left = (await harness.sessions()).length
          },
          { headers: { "x-app": "yes" } }
        )

        expect([JSON.stringify(steps), answer.status, answer.setCookies]).toEqual([
          JSON.stringify(steps),
          200,
          []
        ])
        expect(answer.results).toHaveLength(steps.length + 1)
        expect(answer.headers["x-app"]).toBe("yes")
        expect((await harness.sessions()).length).toBe(left)
        expect(await isStored(harness, id, 1)).toBe(false)
      }
    }
  ]
)

export const concurrencyCases: ReadonlyArray<Case> = [
  ...races,
  [
    "200 increments over all processes, 40 at a time, make 200",
    async (harness) => {
      const client = await visitor(harness)
      for (let wave = 0; wave < 5; wave++) {
        const answers = await Promise.all(
          times(40, (node) => client.peek({ steps: [["increment", "n"]], node }))
        )
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      }

      expect(await client.run(["get", "n"])).toEqual([{ some: 200 }])
    }
  ],
  [
    "parallel pushes are all kept, each once",
    async (harness) => {
      const client = await visitor(harness)
      const answers = await Promise.all(
        times(40, (index) => client.peek({ steps: [["push", "list", index]], node: index % 2 }))
      )
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      const [list] = (await client.run(["getOrElse", "list", []])) as [Array<number>]

      expect(list.sort((a, b) => a - b)).toEqual(times(40, (index) => index))
    }
  ],
  [
    "parallel puts to siblings are all kept",
    async (harness) => {
      const client = await visitor(harness)
      await Promise.all(
        times(40, (index) =>
          client.peek({ steps: [["put", `cart.k${index}`, index]], node: index % 2 })
        )
      )
      const [cart] = (await client.run(["getOrElse", "cart", {}])) as [object]

      expect(Object.keys(cart)).toHaveLength(40)
    }
  ],
  [
    "parallel decrements, modifies and flashes are replayed, not lost",
    async (harness) => {
      const client = await visitor(harness)
      await Promise.all(
        times(30, (index) =>
          client.peek({
            steps: [
              ["decrement", "n", 2],
              ["modify", "text", "appendX"],
              ["modify", "m", "add1"]
            ],
            node: index % 2
          })
        )
      )

      expect(await client.run(["get", "n"], ["get", "text"], ["get", "m"])).toEqual([
        { some: -60 },
        { some: "x".repeat(30) },
        { some: 30 }
      ])
    }
  ],
  [
    "of parallel consumes exactly one gets the value",
    async (harness) => {
      for (let round = 0; round < 5; round++) {
        const client = await visitor(harness, { ticket: "gold" })
        const answers = await Promise.all(
          times(20, (index) => client.peek({ steps: [["consume", "ticket"]], node: index % 2 }))
        )
        const got = answers.filter(({ results }) => results[0] !== null)

        expect(got).toHaveLength(1)
        expect(await client.run(["get", "ticket"])).toEqual([null])
      }
    }
  ],
  [
    "consume acts on the stored value, not on the snapshot",
    async (harness) => {
      const client = await visitor(harness, { ticket: "one" })
      const gate = harness.unique("consume")
      const slow = client.copy().ask({
        steps: [
          ["gate", gate],
          ["consume", "ticket"]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["put", "ticket", "two"])
      await harness.open(gate, 1)

      expect((await slow).results[1]).toEqual({ some: "two" })
    }
  ],
  [
    "consume finds a value and a flash that were stored after the request began, and leaves pending operations pending",
    async (harness) => {
      for (const store of [
        ["put", "ticket", "late"],
        ["flash", "ticket", "late"]
      ] as const) {
        const client = await visitor(harness)
        const gate = harness.unique("consume")
        const slow = client.copy().ask({
          steps: [
            ["put", "pending", 1],
            ["gate", gate],
            ["consume", "ticket"],
            ["consume", "ticket"]
          ],
          node: 1
        })
        await harness.entered(gate, 1)
        await client.run(store)
        await harness.open(gate, 1)

        expect((await slow).results.slice(2)).toEqual([{ some: "late" }, null])
        expect(await client.run(["all"])).toEqual([{ a: 1, pending: 1 }])
      }
    }
  ],
  [
    "consume is committed at once and leaves pending operations pending",
    async (harness) => {
      const client = await visitor(harness, { ticket: "gold" })
      const gate = harness.unique("consume")
      const slow = client.copy().ask({
        steps: [
          ["put", "pending", 1],
          ["consume", "ticket"],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      const between = await client.run(["all"])
      await harness.open(gate, 1)
      await slow

      expect(between).toEqual([{}])
      expect(await client.run(["all"])).toEqual([{ pending: 1 }])
    }
  ],
  [
    "consume takes a value that is still pending, and nothing of it is stored",
    async (harness) => {
      const client = await visitor(harness)

      expect(
        await client.run(["put", "ticket", 1], ["consume", "ticket"], ["get", "ticket"])
      ).toEqual([null, { some: 1 }, null])
      expect(await client.elsewhere(["all"])).toEqual([{ a: 1 }])
    }
  ],
  [
    "consume takes a flash once over all processes",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])
      const answers = await Promise.all(
        times(10, (index) => client.peek({ steps: [["consume", "f"]], node: index % 2 }))
      )

      expect(answers.filter(({ results }) => results[0] !== null).length).toBeLessThanOrEqual(1)
    }
  ],
  [
    "remember runs its effect only when missing or null, and is put only if still missing",
    async (harness) => {
      const client = await visitor(harness)
      const key = harness.unique("remember")
      const slowGate = harness.unique("remember-gate")
      const slow = client.copy().ask({
        steps: [
          ["remember", key, "slow"],
          ["gate", slowGate]
        ],
        node: 1
      })
      await harness.entered(slowGate, 1)
      await client.run(["remember", key, "quick"])
      await harness.open(slowGate, 1)
      await slow
      const before = (await client.run(["remembered", key]))[0]
      const again = await client.run(["remember", key, "third"], ["remembered", key])

      expect(await client.run(["get", key])).toEqual([{ some: "quick" }])
      expect(again).toEqual(["quick", before])
    }
  ],
  [
    "remember runs for a stored null",
    async (harness) => {
      const client = await visitor(harness, { nothing: null })

      expect(await client.run(["remember", "nothing", 5])).toEqual([5])
      expect(await client.elsewhere(["get", "nothing"])).toEqual([{ some: 5 }])
    }
  ],
  [
    "the last committer wins for one path, siblings of both stay",
    async (harness) => {
      const client = await visitor(harness, { cart: { x: 1 } })
      await during(
        harness,
        client.copy(),
        [
          ["put", "cart.y", "slow"],
          ["put", "p", "slow"]
        ],
        () => client.run(["put", "cart.z", "quick"], ["put", "p", "quick"])
      )

      expect(await client.run(["all"])).toEqual([
        { cart: { x: 1, y: "slow", z: "quick" }, p: "slow" }
      ])
    }
  ],
  [
    "an operation that no longer fits fails the commit with 409, and nothing is stored",
    async (harness) => {
      const misfits: ReadonlyArray<readonly [Step, Step]> = [
        [
          ["increment", "n"],
          ["put", "n", "text"]
        ],
        [
          ["push", "n", 1],
          ["put", "n", { an: "object" }]
        ],
        [
          ["decrement", "n"],
          ["put", "n", [1]]
        ]
      ]
      for (const [slow, quick] of misfits) {
        const client = await visitor(harness)
        const answer = await during(harness, client.copy(), [["put", "b", 1], slow], () =>
          client.run(quick)
        )

        expect([answer.status, answer.setCookies]).toEqual([409, []])
        expect(await client.run(["get", "b"], ["get", "n"])).toEqual([null, { some: quick[2] }])
      }
    }
  ],
  [
    "an operation that failed is not recorded: the rest of the request commits",
    async (harness) => {
      const client = await visitor(harness, { a: "text" })
      const answer = await client.ask({
        steps: [
          ["try", ["increment", "a"]],
          ["try", ["push", "a", 1]],
          ["put", "b", 1]
        ]
      })

      expect([answer.status, answer.results.slice(0, 2)]).toEqual([
        200,
        [{ error: "SessionTypeError" }, { error: "SessionTypeError" }]
      ])
      expect(await client.elsewhere(["all"])).toEqual([{ a: "text", b: 1 }])
    }
  ],
  [
    "replayed operations see each other: what the request read of its own writes holds",
    async (harness) => {
      const client = await visitor(harness, { n: 1 })
      const answer = await during(
        harness,
        client.copy(),
        [
          ["increment", "n"],
          ["increment", "n"],
          ["get", "n"]
        ],
        () => client.run(["increment", "n", 10])
      )

      expect(answer.results.slice(0, 3)).toEqual([2, 3, { some: 3 }])
      expect(await client.run(["get", "n"])).toEqual([{ some: 13 }])
    }
  ],
  [
    "a flush in a slow request clears what others added meanwhile, a put to a parent replaces it",
    async (harness) => {
      const client = await visitor(harness, { tree: { a: 1 } })
      await during(harness, client.copy(), [["put", "tree", { b: 1 }]], () =>
        client.run(["put", "tree.c", 1])
      )
      const replaced = await client.run(["get", "tree"])
      await during(harness, client.copy(), [["flush"]], () => client.run(["put", "late", 1]))

      expect(replaced).toEqual([{ some: { b: 1 } }])
      expect(await client.run(["all"])).toEqual([{}])
    }
  ],
  [
    "commits in the middle of a request are seen by others at once, and the rest at the end",
    async (harness) => {
      const client = await visitor(harness)
      let between: ReadonlyArray<unknown> = []
      await during(
        harness,
        client.copy(),
        [["put", "b", 1], ["commit"], ["put", "c", 1]],
        async () => {
          between = await client.run(["all"])
        }
      )

      expect(between).toEqual([{ a: 1, b: 1 }])
      expect(await client.run(["all"])).toEqual([{ a: 1, b: 1, c: 1 }])
    }
  ],
  [
    "increments before and after a commit in one request count once each",
    async (harness) => {
      const client = await visitor(harness, { n: 0 })
      await during(
        harness,
        client.copy(),
        [["increment", "n"], ["commit"], ["increment", "n"]],
        () => client.run(["increment", "n", 10])
      )

      expect(await client.run(["get", "n"])).toEqual([{ some: 12 }])
    }
  ],
  [
    "a commit after the session is gone is dropped, a write after destroy of another request begins nothing",
    async (harness) => {
      const client = await visitor(harness)
      const slow = client.copy()
      const gate = harness.unique("gone")
      const pending = slow.ask({
        steps: [
          ["gate", gate],
          ["put", "b", 1],
          ["try", ["commit"]],
          ["put", "c", 1]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["destroy"])
      const left = (await harness.sessions()).length
      await harness.open(gate, 1)
      const answer = await pending

      expect([answer.status, answer.setCookies]).toEqual([200, []])
      expect((await harness.sessions()).length).toBe(left)
    }
  ],
  [
    "a slow request that logs out after another did deletes the cookie and harms nobody",
    async (harness) => {
      const client = await visitor(harness)
      const slow = client.copy()
      const gate = harness.unique("twice")
      const pending = slow.ask({ steps: [["gate", gate], ["logout"]], node: 1 })
      await harness.entered(gate, 1)
      await client.run(["logout"])
      await harness.open(gate, 1)
      const answer = await pending

      expect(answer.status).toBe(200)
      for (const line of answer.setCookies) expect(attributes(line)["max-age"]).toBe("0")
    }
  ],
  [
    "a logout that races 20 writers leaves nothing behind",
    async (harness) => {
      for (let round = 0; round < 5; round++) {
        const user = harness.unique("user")
        const client = await member(harness, user)
        const copy = client.copy()
        const writers = times(20, (index) =>
          copy.peek({ steps: [["increment", "n"]], node: index % 2 })
        )
        const [answers] = await Promise.all([Promise.all(writers), client.run(["logout"])])

        for (const { status } of answers) expect(status).toBe(200)
        expect(await harness.admin("ofUser", { userId: user }, 1)).toEqual([])
      }
    }
  ],
  [
    "parallel first requests of one new session each render a valid CSRF token",
    async (harness) => {
      const client = await visitor(harness)
      const answers = await Promise.all(
        times(20, (index) => client.peek({ steps: [["csrfToken"]], node: index % 2 }))
      )
      const checks = await client.run(
        ...answers.map(({ results }): Step => ["verifyToken", results[0]])
      )

      expect(checks).toEqual(times(20, () => true))
    }
  ]
]
