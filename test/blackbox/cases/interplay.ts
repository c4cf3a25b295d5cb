/** Operations of one request, and of two, that meet in unusual orders. */
import { request } from "node:http"
import { expect } from "vitest"
import type { Case, Harness } from "../harness.js"
import type { Step } from "../operations.js"
import {
  attributes,
  idOf,
  issued,
  maxAge,
  member,
  minute,
  sessionCookies,
  visitor
} from "./support.js"

const storm: ReadonlyArray<Step> = [["migrate"], ["regenerate"], ["get", "n"]]

/** Gives the results of steps in the next request after a flash. */
const afterFlash = async (harness: Harness, ...steps: ReadonlyArray<Step>) => {
  const client = await visitor(harness)
  await client.run(["flash", "f", 1])
  return { client, results: await client.run(...steps) }
}

export const interplayCases: ReadonlyArray<Case> = [
  [
    "after a login, regenerate or consume in the next request the flash can still be read in that request",
    async (harness) => {
      for (const step of [["login", "someone"], ["regenerate"], ["consume", "a"]] as const) {
        const { client, results } = await afterFlash(harness, step, ["get", "f"])

        expect([step[0], results[1]]).toEqual([step[0], { some: 1 }])
        expect(await client.elsewhere(["get", "f"])).toEqual([null])
      }
    }
  ],
  [
    "a flash and a now of this request can be read after a commit and a login in it",
    async (harness) => {
      for (const step of [["commit"], ["login", "someone"]] as const) {
        const client = await visitor(harness)
        const results = await client.run(
          ["flash", "f", 1],
          ["now", "n", 2],
          step,
          ["get", "f"],
          ["get", "n"]
        )

        expect([step[0], ...results.slice(3)]).toEqual([step[0], { some: 1 }, { some: 2 }])
        expect(await client.elsewhere(["all"])).toEqual([{ a: 1, f: 1 }])
        expect(await client.elsewhere(["all"])).toEqual([{ a: 1 }])
      }
    }
  ],
  [
    "keep after a commit keeps",
    async (harness) => {
      const { client } = await afterFlash(harness, ["commit"], ["keep", "f"])

      expect(await client.elsewhere(["get", "f"])).toEqual([{ some: 1 }])
      expect(await client.elsewhere(["get", "f"])).toEqual([null])
    }
  ],
  [
    "a prefetch that commits by itself does not age the flash",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])
      await client.ask({
        steps: [["put", "b", 1], ["commit"]],
        send: { "sec-purpose": "prefetch" }
      })

      expect(await client.elsewhere(["get", "f"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "now shadows a data key for this request only",
    async (harness) => {
      const client = await visitor(harness)

      expect(await client.run(["now", "a", 9], ["get", "a"])).toEqual([null, { some: 9 }])
      expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "a path walks into a flash",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flashAll", { f: { x: { y: 1 } }, g: [1, 2] }])

      expect(await client.elsewhere(["get", "f.x.y"], ["get", "g.1"], ["has", "f.x"])).toEqual([
        { some: 1 },
        { some: 2 },
        true
      ])
    }
  ],
  [
    "isNew stays true for the whole request that made the session, and its id and creation stay",
    async (harness) => {
      const client = harness.client()
      const first = await client.run(
        ["id"],
        ["createdAt"],
        ["put", "a", 1],
        ["commit"],
        ["isNew"],
        ["id"]
      )
      const next = await client.elsewhere(["id"], ["createdAt"], ["isNew"])

      expect(first[4]).toBe(true)
      expect(first[5]).toBe(first[0])
      expect(next).toEqual([first[0], first[1], false])
    }
  ],
  [
    "logout, a write and a defect: the cookie is deleted, nothing new is stored",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["logout"], ["put", "b", 1], ["die"]] })

      expect([answer.status, maxAge(answer)]).toEqual([500, 0])
      expect(await harness.sessions()).toEqual([])
    }
  ],
  [
    "logout, a login and a defect: the login stands, and its cookie is the only one",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["logout"], ["login", user], ["die"]] })

      expect([answer.status, maxAge(answer)]).toEqual([500, 7200])
      expect(await client.elsewhere(["userId"])).toEqual([{ some: user }])
    }
  ],
  [
    "a login and a logout in one request leave nobody, and one deletion",
    async (harness) => {
      for (const make of [async () => harness.client(), () => visitor(harness)]) {
        const client = await make()
        const copy = client.copy()
        const answer = await client.ask({ steps: [["login", "someone"], ["logout"]] })

        expect([answer.status, maxAge(answer)]).toEqual([200, 0])
        expect(await harness.sessions()).toEqual([])
        expect((await copy.peek({ steps: [["userId"]] })).results).toEqual([null])
      }
    }
  ],
  [
    "regenerate or migrate and then destroy leave nothing under either id, and no live cookie",
    async (harness) => {
      for (const step of [["regenerate"], ["migrate"], ["invalidate"]] as const) {
        const client = await visitor(harness)
        const answer = await client.ask({ steps: [step, ["destroy"]] })

        expect(answer.status).toBe(200)
        for (const line of sessionCookies(answer)) expect(attributes(line)["max-age"]).toBe("0")
        expect(await harness.sessions()).toEqual([])
      }
    }
  ],
  [
    "changes of the id around a commit send one cookie, and it is the last one",
    async (harness) => {
      for (const step of [["regenerate"], ["migrate"]] as const) {
        const client = await visitor(harness)
        const old = client.copy()
        const answer = await client.ask({ steps: [step, ["commit"], step, ["id"]] })
        issued(answer)

        expect(await client.elsewhere(["id"], ["all"])).toEqual([answer.results[3], { a: 1 }])
        expect(await harness.sessions()).toHaveLength(1)
        await harness.admin("revokeAll")
        const stale = await old.peek({ steps: [["isNew"]] })
        expect(stale.status).toBe(200)
      }
    }
  ],
  [
    "a login, a write and a second login of the same user in one request end in one session",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const answer = await client.ask({
        steps: [
          ["login", user],
          ["put", "b", 1],
          ["login", user],
          ["put", "c", 1]
        ]
      })
      issued(answer)

      expect(await client.elsewhere(["all"])).toEqual([{ a: 1, b: 1, c: 1 }])
      expect(await harness.sessions()).toHaveLength(1)
    }
  ],
  [
    "of two regenerates at once one wins with its cookie, the other is dropped without one",
    async (harness) => {
      const client = await visitor(harness)
      const gate = harness.unique("regenerate")
      const tabs = [client.copy(), client.copy()]
      const pending = tabs.map((tab, node) =>
        tab.ask({ steps: [["regenerate"], ["gate", gate]], node })
      )
      await harness.entered(gate, 0)
      await harness.entered(gate, 1)
      await Promise.all([harness.open(gate, 0), harness.open(gate, 1)])
      const answers = await Promise.all(pending)
      const winners = answers.filter((answer) => sessionCookies(answer).length === 1)

      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      expect(winners).toHaveLength(1)
      const winner = tabs[answers.indexOf(winners[0] as (typeof answers)[0])]
      expect(await winner?.run(["all"])).toEqual([{ a: 1 }])
      expect(await harness.sessions()).toHaveLength(1)
    }
  ],
  [
    "a slow login after a migrate logs in",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const slow = client.copy()
      const gate = harness.unique("gate")
      const pending = slow.ask({
        steps: [
          ["gate", gate],
          ["login", user]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["migrate"])
      await harness.open(gate, 1)
      const answer = await pending
      issued(answer)

      expect(answer.status).toBe(200)
      expect(await slow.run(["userId"])).toEqual([{ some: user }])
    }
  ],
  [
    "a slow destroy or logout after a migrate ends the session under its new id",
    async (harness) => {
      for (const step of [["destroy"], ["logout"]] as const) {
        const client = await visitor(harness)
        const gate = harness.unique("gate")
        const pending = client.copy().ask({ steps: [["gate", gate], step], node: 1 })
        await harness.entered(gate, 1)
        await client.run(["migrate"])
        await harness.open(gate, 1)
        await pending

        expect((await client.peek({ steps: [["all"]] })).results).toEqual([{}])
        expect(await harness.sessions()).toEqual([])
      }
    }
  ],
  [
    "a slow logout after a login ends the session, or leaves it its cookie",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const gate = harness.unique("gate")
      const slow = client.copy().ask({ steps: [["gate", gate], ["logout"]], node: 1 })
      await harness.entered(gate, 1)
      await client.run(["login", user])
      await harness.open(gate, 1)
      const answer = await slow
      const left = await client.run(["userId"])

      if (answer.setCookies.length > 0) expect(left).toEqual([null])
      expect(left).toEqual([null])
    }
  ],
  [
    "a logout in the quarantine either ends the session or sends no cookie",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const late = client.copy()
      await client.run(["login", user])
      const answer = await late.ask({ steps: [["logout"]], node: 1 })
      const left = await client.run(["userId"])

      expect(answer.status).toBe(200)
      if (answer.setCookies.length > 0) expect(left).toEqual([null])
    }
  ],
  [
    "consume in the quarantine finds nothing and takes nothing",
    async (harness) => {
      const client = await visitor(harness)
      const late = client.copy()
      await client.run(["login", "someone"])

      expect((await late.peek({ steps: [["consume", "a"]], node: 1 })).results).toEqual([null])
      expect(await client.run(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "consume through an alias takes the value once",
    async (harness) => {
      const client = await visitor(harness)
      const left = client.copy()
      await client.run(["migrate"])
      const answer = await left.ask({ steps: [["consume", "a"]], node: 1 })

      expect(answer.results).toEqual([{ some: 1 }])
      expect(issued(answer)).toBe(client.cookie)
      expect(await client.run(["consume", "a"])).toEqual([null])
    }
  ],
  [
    "consume of a session that was revoked meanwhile gives nothing",
    async (harness) => {
      const client = await visitor(harness)
      const id = await idOf(client)
      const gate = harness.unique("gate")
      const slow = client.ask({
        steps: [
          ["gate", gate],
          ["consume", "a"]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await harness.admin("revoke", { id })
      await harness.open(gate, 1)
      const answer = await slow

      expect([answer.status, answer.results[1], answer.setCookies]).toEqual([200, null, []])
    }
  ],
  [
    "consume of a nested value leaves its siblings, of a list element closes the gap",
    async (harness) => {
      const client = await visitor(harness, { deep: { x: 1, y: 2 }, list: [1, 2, 3] })

      expect(await client.run(["consume", "deep.x"], ["consume", "list.0"])).toEqual([
        { some: 1 },
        { some: 1 }
      ])
      expect(await client.elsewhere(["all"])).toEqual([{ deep: { y: 2 }, list: [2, 3] }])
    }
  ],
  [
    "modify runs again on the newer state",
    async (harness) => {
      const client = await visitor(harness, { n: 1 })
      const gate = harness.unique("gate")
      const slow = client.copy().ask({
        steps: [
          ["modify", "n", "double"],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["put", "n", 10])
      await harness.open(gate, 1)

      expect((await slow).results[0]).toBe(2)
      expect(await client.run(["get", "n"])).toEqual([{ some: 20 }])
    }
  ],
  [
    "a replay that breaks a limit fails its commit with a 500 and stores nothing of it",
    async (harness) => {
      const pairs: ReadonlyArray<readonly [Step, Step]> = [
        [
          ["putAll", Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`s${i}`, 1]))],
          ["putKeys", 150]
        ],
        [
          ["putSized", "x", 40_000],
          ["putSized", "y", 40_000]
        ]
      ]
      for (const [slowly, quickly] of pairs) {
        const client = await visitor(harness)
        const gate = harness.unique("gate")
        const slow = client.copy().ask({ steps: [slowly, ["gate", gate]], node: 1 })
        await harness.entered(gate, 1)
        await client.run(quickly)
        await harness.open(gate, 1)
        const answer = await slow

        expect([answer.status, answer.setCookies]).toEqual([500, []])
        expect(await client.run(["has", "s0"], ["has", "x"])).toEqual([false, false])
      }
    }
  ],
  [
    "the payload limit counts bytes, not characters",
    async (harness) => {
      const answer = await harness.client().ask({
        steps: [
          ["modify", "x", "appendX"],
          ["putBytes", "y", 40_000]
        ]
      })

      expect([answer.status, answer.setCookies]).toEqual([500, []])
    }
  ],
  [
    "a conflict in Session.commit is typed: handled the response is the handler's, unhandled a 409",
    async (harness) => {
      for (const [commit, status] of [
        [["try", ["commit"]], 200],
        [["commit"], 409]
      ] as ReadonlyArray<readonly [Step, number]>) {
        const client = await visitor(harness)
        const gate = harness.unique("gate")
        const slow = client
          .copy()
          .ask({ steps: [["increment", "a"], ["gate", gate], commit], node: 1 })
        await harness.entered(gate, 1)
        await client.run(["put", "a", "text"])
        await harness.open(gate, 1)

        expect((await slow).status).toBe(status)
        expect(await client.run(["get", "a"])).toEqual([{ some: "text" }])
      }
    }
  ],
  [
    "a write moves the sliding expiry and says so with a cookie; at the absolute bound it does not",
    async (harness) => {
      const client = await visitor(harness)
      await harness.advance(30_000)
      const moved = await client.ask({ steps: [["put", "a", 2]] })
      const bounded = await visitor(harness, { a: 1 }, "short")
      for (let round = 0; round < 6; round++) {
        await harness.advance(9 * minute)
        await bounded.run(["get", "a"])
      }
      await harness.advance(minute)
      const unmoved = await bounded.ask({ steps: [["put", "a", 2]] })

      expect(maxAge(moved)).toBe(7200)
      expect(unmoved.setCookies).toEqual([])
      expect(await bounded.run(["get", "a"])).toEqual([{ some: 2 }])
    }
  ],
  [
    "the cookie that an alias hands out says what is left of the session",
    async (harness) => {
      const client = await visitor(harness)
      const left = client.copy()
      await client.run(["migrate"])
      await harness.advance(10_000)
      const age = maxAge(await left.peek({ steps: [["get", "a"]], node: 1 }))

      expect(age).toBeLessThanOrEqual(7190)
      expect(age).toBeGreaterThanOrEqual(7185)
    }
  ],
  [
    "expiresAt follows setLifetime and login, and the cookie agrees",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["setLifetime", "30 days"])
      const now = await harness.now()
      const [expires] = (await client.elsewhere(["expiresAt"])) as [number]
      await client.run(["login", "someone"])
      const [after] = (await client.elsewhere(["expiresAt"])) as [number]

      expect(Math.abs(expires - now - 30 * 86_400_000)).toBeLessThan(5000)
      expect(Math.abs(after - now - 7_200_000)).toBeLessThan(5000)
    }
  ],
  [
    "a client that goes away while the body is sent: what the handler did is stored",
    async (harness) => {
      const client = await visitor(harness)
      const gate = harness.unique("stream")
      const run = { as: "stream", steps: [["put", "a", 2]], late: [["gate", gate]] }
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
      await harness.open(gate)

      expect(await client.elsewhere(["all"])).toEqual([{ a: 2 }])
    }
  ],
  [
    "a login of a client that goes away stays done",
    async (harness) => {
      const user = harness.unique("user")
      const gate = harness.unique("abort")
      const run = {
        steps: [
          ["put", "b", 1],
          ["login", user],
          ["put", "c", 1],
          ["gate", gate]
        ]
      }
      const outgoing = request({
        host: "127.0.0.1",
        port: harness.port("main"),
        path: "/run",
        headers: { "x-run": encodeURIComponent(JSON.stringify(run)) }
      })
      outgoing.on("error", () => {})
      outgoing.end()
      await harness.entered(gate)
      outgoing.destroy()
      await harness.open(gate)

      expect(await harness.admin("ofUser", { userId: user }, 1)).toHaveLength(1)
    }
  ],
  [
    "user ids with NUL, lone surrogates, emoji or nothing are taken whole or end the handler, never a 503",
    async (harness) => {
      for (const user of ["a\u0000b", "\ud800", "\u{1f600}", "", " ", "a'b\\"]) {
        const client = harness.client()
        const answer = await client.ask({ steps: [["login", user]] })

        expect([JSON.stringify(user), [200, 500].includes(answer.status)]).toEqual([
          JSON.stringify(user),
          true
        ])
        if (answer.status === 200) {
          expect(await client.elsewhere(["userId"])).toEqual([{ some: user }])
          expect(await harness.admin("ofUser", { userId: user }, 1)).toHaveLength(1)
          expect(await harness.admin("revokeUser", { userId: user }, 1)).toBe(1)
        } else expect(answer.setCookies).toEqual([])
      }
    }
  ],
  [
    "a conflict that was replayed, an invalid typed value and a collection are events",
    async (harness) => {
      const start = (await harness.events(1)).length
      const client = await visitor(harness, { theme: "purple" })
      const gate = harness.unique("gate")
      const slow = client.copy().ask({
        steps: [
          ["increment", "n"],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["increment", "n"])
      await harness.open(gate, 1)
      await slow
      await client.elsewhere(["typedGet", "theme"])
      await harness.advance(3 * 3_600_000)
      await harness.admin("collect", {}, 1)
      const told = (await harness.events(1)).slice(start).map(({ _tag }) => _tag)

      expect(told).toContain("ConflictReplayed")
      expect(told).toContain("PayloadDiscarded")
      expect(told).toContain("Expired")
    }
  ],
  [
    "servers whose clocks differ by a minute agree on the session, and activity never moves back",
    async (harness) => {
      const client = await visitor(harness)
      const id = await idOf(client)
      await harness.admin("advance", { millis: 60_000 }, 1)
      await client.elsewhere(["put", "a", 2])
      const ahead = (await harness.admin("get", { id })) as { lastActivity: number }
      await client.run(["put", "b", 1])
      await client.run(["migrate"])
      const found = await client.elsewhere(["all"])
      const after = (await harness.admin("get", { id: await idOf(client) })) as {
        lastActivity: number
      }
      await harness.admin("advance", { millis: -60_000 }, 1)

      expect(found).toEqual([{ a: 2, b: 1 }])
      expect(after.lastActivity).toBeGreaterThanOrEqual(ahead.lastActivity)
    }
  ],
  [
    "the members of a team each keep their own session through a storm of changes",
    async (harness) => {
      const clients = await Promise.all(
        Array.from({ length: 6 }, (_, index) => member(harness, `storm-${index}`))
      )
      for (let round = 0; round < 5; round++) {
        await Promise.all(
          clients.map((client, index) =>
            client.ask({
              steps: [["increment", "n"], storm[index % 3] as Step],
              node: round
            })
          )
        )
      }

      for (const [index, client] of clients.entries()) {
        expect(await client.elsewhere(["userId"], ["get", "n"])).toEqual([
          { some: `storm-${index}` },
          { some: 5 }
        ])
      }
      expect(await harness.sessions()).toHaveLength(6)
    }
  ]
]
