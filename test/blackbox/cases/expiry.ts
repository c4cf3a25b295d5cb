/** Time: idle and absolute timeout, the touch interval, lifetimes, and keys that expire. */
import { expect } from "vitest"
import type { Client } from "../client.js"
import type { Case, Harness, Summary } from "../harness.js"
import { attributes, day, hour, idOf, issued, maxAge, member, minute, visitor } from "./support.js"

const summaryOf = async (harness: Harness, id: string) =>
  // This is what `server.ts` answers with.
  (await harness.admin("get", { id }, 1)) as Summary | null

const found = async (client: Client): Promise<unknown> => (await client.elsewhere(["get", "a"]))[0]

export const expiryCases: ReadonlyArray<Case> = [
  [
    "a session ends when it was idle for 120 minutes, though nobody collected it",
    async (harness) => {
      const client = await visitor(harness)
      const id = await idOf(client)
      await harness.advance(2 * hour - 2000)
      const alive = await harness.admin("get", { id })
      await harness.advance(2500)

      expect(alive).not.toBeNull()
      const answer = await client.peek({ steps: [["get", "a"], ["isNew"]], node: 1 })
      expect([answer.results, answer.setCookies]).toEqual([[null, true], []])
      expect(await harness.admin("get", { id })).toBeNull()
    }
  ],
  [
    "activity moves the idle timeout",
    async (harness) => {
      const client = await visitor(harness)
      for (let round = 0; round < 4; round++) {
        await harness.advance(119 * minute)
        expect(await found(client)).toEqual({ some: 1 })
      }
    }
  ],
  [
    "an expired id is never adopted: a write begins a session under another id",
    async (harness) => {
      const client = await visitor(harness)
      const old = client.cookie
      await harness.advance(3 * hour)
      const answer = await client.ask({ steps: [["put", "b", 1]] })

      expect(issued(answer)).not.toBe(old)
      expect(await client.elsewhere(["all"])).toEqual([{ b: 1 }])
    }
  ],
  [
    "the absolute timeout ends a busy session, and no touch, write, regenerate or migrate moves it",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "short")
      for (const step of [
        ["get", "a"],
        ["put", "b", 1],
        ["regenerate"],
        ["migrate"],
        ["get", "a"],
        ["setLifetime", "browser"]
      ] as const) {
        await harness.advance(9 * minute)
        await client.run(step)
      }
      await harness.advance(5 * minute)
      expect(await found(client)).toEqual({ some: 1 })
      await harness.advance(minute + 1)

      expect(await found(client)).toBeNull()
    }
  ],
  [
    "near the absolute bound Max-Age is what is left, to the second",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "short")
      for (let round = 0; round < 6; round++) {
        await harness.advance(9 * minute)
        await client.run(["get", "a"])
      }
      await harness.advance(2 * minute)
      const left = maxAge(await client.ask({ steps: [["regenerate"]] }))

      expect(left).toBeLessThanOrEqual(240)
      expect(left).toBeGreaterThanOrEqual(238)
    }
  ],
  [
    "the absolute timeout counts from the login",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "short")
      const busy = async (minutes: number) => {
        for (let passed = 0; passed < minutes; passed += 5) {
          await harness.advance(5 * minute)
          await client.run(["get", "a"])
        }
      }
      await busy(50)
      await client.run(["login", harness.unique("user")])
      await busy(55)
      expect(await found(client)).toEqual({ some: 1 })
      await busy(6)

      expect(await found(client)).toBeNull()
    }
  ],
  [
    "a request that changed nothing writes at most once in the touch interval",
    async (harness) => {
      const client = await visitor(harness)
      const id = await idOf(client)
      const first = await summaryOf(harness, id)
      await harness.advance(50_000)
      const early = await client.ask({ steps: [["get", "a"]] })
      const unmoved = await summaryOf(harness, id)
      await harness.advance(11_000)
      const due = await client.ask({ steps: [["get", "a"]] })
      const moved = await summaryOf(harness, id)
      const again = await client.ask({ steps: [["get", "a"]], node: 1 })

      expect(early.setCookies).toEqual([])
      expect(unmoved).toEqual(first)
      expect(maxAge(due)).toBe(7200)
      expect(due.headers["cache-control"]).toMatch(/no-store/)
      expect(issued(due)).toBe(client.cookie)
      expect((moved?.lastActivity ?? 0) - (first?.lastActivity ?? 0)).toBeGreaterThanOrEqual(61_000)
      expect((moved?.expiresAt ?? 0) - (first?.expiresAt ?? 0)).toBeGreaterThanOrEqual(61_000)
      expect(again.setCookies).toEqual([])
    }
  ],
  [
    "the touch interval is never more than a twentieth of the idle timeout",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "short")
      await harness.advance(25_000)
      const early = await client.ask({})
      await harness.advance(6_000)
      const due = await client.ask({})

      expect(early.setCookies).toEqual([])
      expect(maxAge(due)).toBe(600)
    }
  ],
  [
    "a touch of a 5xx or of a client that reads changes no data",
    async (harness) => {
      const client = await visitor(harness)
      await harness.advance(2 * minute)
      await client.ask({ steps: [["put", "a", 2]], status: 500 })

      expect(await found(client)).toEqual({ some: 1 })
    }
  ],
  [
    "a touch never conflicts with a writer and never undoes it",
    async (harness) => {
      const client = await visitor(harness)
      await harness.advance(2 * minute)
      const gate = harness.unique("touch")
      const slow = client.copy().ask({
        steps: [
          ["get", "a"],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["put", "a", 2])
      await harness.open(gate, 1)

      expect((await slow).status).toBe(200)
      expect(await found(client)).toEqual({ some: 2 })
    }
  ],
  [
    "a commit after the session expired is dropped without a cookie",
    async (harness) => {
      const client = await visitor(harness)
      const gate = harness.unique("expiry")
      const slow = client.ask({
        steps: [
          ["put", "b", 1],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await harness.advance(2 * hour + 1000)
      await harness.open(gate, 1)
      const answer = await slow

      expect([answer.status, answer.setCookies]).toEqual([200, []])
      expect(await harness.sessions()).toEqual([])
    }
  ],
  [
    "setLifetime makes idle and absolute timeout and the cookie as long, for this session only",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["setLifetime", "30 days"]] })
      await harness.advance(20 * day)
      const other = await harness.client().ask({ steps: [["put", "a", 1]] })

      expect(maxAge(answer)).toBe(30 * 86_400)
      expect(await found(client)).toEqual({ some: 1 })
      expect(maxAge(other)).toBe(7200)
      await harness.advance(10 * day)
      expect(await found(client)).toBeNull()
    }
  ],
  [
    "the lifetime survives regenerate and migrate",
    async (harness) => {
      for (const step of [["regenerate"], ["migrate"]] as const) {
        const client = await visitor(harness)
        await client.run(["setLifetime", "30 days"])
        const left = maxAge(await client.ask({ steps: [step] }))

        expect(left).toBeGreaterThanOrEqual(30 * 86_400 - 5)
      }
    }
  ],
  [
    "a short lifetime ends the session sooner",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["setLifetime", "1 minute"]] })
      await harness.advance(minute + 1)

      expect(maxAge(answer)).toBe(60)
      expect(await found(client)).toBeNull()
    }
  ],
  [
    "a lifetime over 400 days gives a cookie of 400 days",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["setLifetime", "1000 days"]] })

      expect(maxAge(answer)).toBe(400 * 86_400)
    }
  ],
  [
    "setLifetime(browser) gives a cookie that ends with the browser, and the configured timeouts",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["setLifetime", "30 days"])
      const answer = await client.ask({ steps: [["setLifetime", "browser"]] })
      issued(answer)

      expect(attributes(answer.setCookies[0] as string)).toEqual({
        path: "/",
        httponly: true,
        secure: true,
        samesite: "Lax"
      })
      await harness.advance(2 * hour + 1000)
      expect(await found(client)).toBeNull()
    }
  ],
  [
    "setLifetime makes the cookie persist where expireOnClose is on",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "browser")

      expect(maxAge(await client.ask({ steps: [["setLifetime", "3 hours"]] }))).toBe(3 * 3600)
    }
  ],
  [
    "expired sessions are not listed or counted, and are removed by a collection, live ones stay",
    async (harness) => {
      await visitor(harness)
      await visitor(harness)
      await harness.advance(2 * hour + 1000)
      const live = await visitor(harness)

      expect(await harness.sessions()).toHaveLength(1)
      expect(await harness.admin("countActive")).toBe(1)
      expect(await harness.admin("collect", {}, 1)).toBeGreaterThanOrEqual(2)
      expect(await harness.admin("collect")).toBe(0)
      expect(await found(live)).toEqual({ some: 1 })
    }
  ],
  [
    "activity and expiry never move back when the clock does",
    async (harness) => {
      const client = await visitor(harness)
      const id = await idOf(client)
      const before = await summaryOf(harness, id)
      await harness.advance(-hour)
      const answer = await client.ask({ steps: [["put", "a", 2]], node: 1 })
      const after = await summaryOf(harness, id)
      await harness.advance(hour)

      expect(answer.status).toBe(200)
      expect(after?.lastActivity).toBeGreaterThanOrEqual(before?.lastActivity ?? 0)
      expect(await found(client)).toEqual({ some: 2 })
    }
  ],
  [
    "createdAt, lastActivity and expiresAt tell the truth",
    async (harness) => {
      const client = await visitor(harness)
      const start = await harness.now()
      await harness.advance(10 * minute)
      await client.run(["put", "a", 1])
      const [created, active, expires] = (await client.elsewhere(
        ["createdAt"],
        ["lastActivity"],
        ["expiresAt"]
      )) as ReadonlyArray<number>

      expect(Math.abs((created ?? 0) - start)).toBeLessThan(5000)
      expect(Math.abs((active ?? 0) - start - 10 * minute)).toBeLessThan(5000)
      expect((expires ?? 0) - (active ?? 0)).toBe(2 * hour)
    }
  ],
  [
    "an expired key is missing for every reader",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["putFor", "k", 7, 10_000])
      const alive = await client.elsewhere(["get", "k"])
      await harness.advance(10_001)

      expect(alive).toEqual([{ some: 7 }])
      expect(
        await client.elsewhere(
          ["get", "k"],
          ["getOrElse", "k", "none"],
          ["has", "k"],
          ["exists", "k"],
          ["missing", "k"],
          ["all"],
          ["only", "k"],
          ["pull", "k"],
          ["consume", "k"]
        )
      ).toEqual([null, "none", false, false, true, { a: 1 }, {}, null, null])
    }
  ],
  [
    "a key that expires during the request is missing from then on",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["putFor", "k", 7, 10_000])
      const gate = harness.unique("ttl")
      const slow = client.ask({
        steps: [
          ["get", "k"],
          ["gate", gate],
          ["get", "k"]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await harness.advance(10_001)
      await harness.open(gate, 1)

      expect((await slow).results).toEqual([{ some: 7 }, null, null])
    }
  ],
  [
    "a later plain put clears the TTL; increment, push and modify keep it",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(
        ["putFor", "cleared", 1, 10_000],
        ["putFor", "counted", 1, 10_000],
        ["putFor", "pushed", [1], 10_000],
        ["putFor", "modified", 1, 10_000]
      )
      await client.run(
        ["put", "cleared", 2],
        ["increment", "counted"],
        ["push", "pushed", 2],
        ["modify", "modified", "add1"]
      )
      const before = await client.elsewhere(["all"])
      await harness.advance(10_001)

      expect(before).toEqual([{ a: 1, cleared: 2, counted: 2, pushed: [1, 2], modified: 2 }])
      expect(await client.elsewhere(["all"])).toEqual([{ a: 1, cleared: 2 }])
    }
  ],
  [
    "increment, push, modify and remember of an expired key begin anew, without its TTL",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(
        ["putFor", "n", 5, 1000],
        ["putFor", "list", [5], 1000],
        ["putFor", "m", 5, 1000],
        ["putFor", "r", 5, 1000]
      )
      await harness.advance(1001)

      expect(
        await client.run(
          ["increment", "n"],
          ["push", "list", 1],
          ["modify", "m", "add1"],
          ["remember", "r", 9]
        )
      ).toEqual([1, null, 1, 9])
      await harness.advance(10_000)
      expect(await client.elsewhere(["all"])).toEqual([{ a: 1, n: 1, list: [1], m: 1, r: 9 }])
    }
  ],
  [
    "a TTL survives regenerate and login",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["putFor", "k", 7, 10_000])
      await client.run(["regenerate"])
      await client.run(["login", harness.unique("user")])
      const alive = await client.elsewhere(["get", "k"])
      await harness.advance(10_001)

      expect(alive).toEqual([{ some: 7 }])
      expect(await client.elsewhere(["get", "k"])).toEqual([null])
    }
  ],
  [
    "a past date removes the key",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["putUntil", "a", 2, 1000])

      expect(await client.elsewhere(["get", "a"])).toEqual([null])
    }
  ],
  [
    "a nested write into a key with a TTL keeps the TTL",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["putFor", "k", { x: 1 }, 10_000])
      await client.run(["increment", "k.x"])
      await harness.advance(10_001)

      expect(await client.elsewhere(["get", "k"])).toEqual([null])
    }
  ],
  [
    "a TTL key has one segment",
    async (harness) => {
      const client = await visitor(harness)

      expect((await client.ask({ steps: [["putFor", "a.b", 1, 1000]] })).status).toBe(500)
    }
  ],
  [
    "the expiry of a key alone does not make the session dirty",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["putFor", "k", 7, 1000])
      const id = await idOf(client)
      const before = await summaryOf(harness, id)
      await harness.advance(2000)
      const answer = await client.ask({ steps: [["get", "k"]] })

      expect(answer.setCookies).toEqual([])
      expect(await summaryOf(harness, id)).toEqual(before)
    }
  ],
  [
    "a member's session ends like a guest's, and the listing forgets it",
    async (harness) => {
      const user = harness.unique("user")
      await member(harness, user)
      await harness.advance(2 * hour + 1000)

      expect(await harness.admin("ofUser", { userId: user }, 1)).toEqual([])
      expect(await harness.admin("countActiveUsers")).toBe(0)
    }
  ]
]
