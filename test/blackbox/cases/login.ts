/** Who is logged in: login, its races and limits, and the user's sessions. */
import { expect } from "vitest"
import type { Case, Harness, Summary } from "../harness.js"
import type { Step } from "../operations.js"
import { idOf, issued, maxAge, member, visitor } from "./support.js"

const ofUser = async (harness: Harness, userId: string, namespace?: string) =>
  // This is what `server.ts` answers with.
  (await harness.admin("ofUser", { userId, namespace }, 1)) as ReadonlyArray<Summary>

/** A request that has begun, stands before `steps`, and runs them when `open` is called. */
const standing = async (
  harness: Harness,
  client: ReturnType<Harness["client"]>,
  before: ReadonlyArray<Step>,
  steps: ReadonlyArray<Step>
) => {
  const gate = harness.unique("standing")
  const pending = client.ask({ steps: [...before, ["gate", gate], ...steps], node: 1 })
  await harness.entered(gate, 1)
  return async () => {
    await harness.open(gate, 1)
    return pending
  }
}

export const loginCases: ReadonlyArray<Case> = [
  [
    "login sets the user, on every server and in the listing",
    async (harness) => {
      const user = harness.unique("user")
      const client = await member(harness, user)

      expect(await client.elsewhere(["userId"])).toEqual([{ some: user }])
      expect((await ofUser(harness, user)).map(({ id }) => id)).toEqual([await idOf(client)])
    }
  ],
  [
    "login commits at once with what was recorded before it, not with what comes after",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const id = await idOf(client)
      const gate = harness.unique("login")
      const pending = client.ask({
        steps: [
          ["put", "b", 1],
          ["login", user],
          ["gate", gate],
          ["put", "c", "after"]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      const between = await ofUser(harness, user)
      const old = await harness.admin("get", { id })
      await harness.open(gate, 1)
      await pending

      expect([between.length, old]).toEqual([1, null])
      expect(await client.run(["all"], ["userId"])).toEqual([
        { a: 1, b: 1, c: "after" },
        { some: user }
      ])
    }
  ],
  [
    "another user's data is flushed at login, one's own is kept",
    async (harness) => {
      const [one, two] = [harness.unique("user"), harness.unique("user")]
      const client = await member(harness, one)
      await client.run(["put", "secret", 1], ["flash", "note", 1])
      await client.run(["login", one])
      const same = await client.run(["get", "secret"])
      await client.run(["flash", "note", 1])
      await client.run(["login", two], ["put", "mine", 1])

      expect(same).toEqual([{ some: 1 }])
      expect(await client.elsewhere(["all"], ["userId"])).toEqual([{ mine: 1 }, { some: two }])
    }
  ],
  [
    "another user's data is flushed within one request as well",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({
        steps: [["login", "u1"], ["put", "secret", 1], ["login", "u2"], ["all"]]
      })
      issued(answer)

      expect(answer.results[3]).toEqual({})
      expect(await client.elsewhere(["all"], ["userId"])).toEqual([{}, { some: "u2" }])
    }
  ],
  [
    "a double click logs in twice: the second begins a new session with what was done from login on",
    async (harness) => {
      const user = harness.unique("user")
      const first = await visitor(harness)
      const second = first.copy()
      const open = await standing(
        harness,
        second,
        [["put", "before", 1]],
        [
          ["login", user],
          ["put", "after", 1]
        ]
      )
      await first.run(["login", user])
      const answer = await open()
      issued(answer)

      expect(answer.status).toBe(200)
      expect(await second.run(["userId"], ["all"])).toEqual([{ some: user }, { after: 1 }])
      expect(await first.run(["userId"], ["all"])).toEqual([{ some: user }, { a: 1 }])
      expect(await ofUser(harness, user)).toHaveLength(2)
    }
  ],
  [
    "a login whose session was destroyed meanwhile begins a new one",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const slow = client.copy()
      const open = await standing(harness, slow, [["put", "before", 1]], [["login", user]])
      await client.run(["destroy"])
      const answer = await open()
      issued(answer)

      expect(await slow.run(["userId"], ["all"])).toEqual([{ some: user }, {}])
    }
  ],
  [
    "ten logins at once from one cookie all succeed, each with a session of its own",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const tabs = Array.from({ length: 10 }, () => client.copy())
      const answers = await Promise.all(
        tabs.map((tab, node) => tab.ask({ steps: [["login", user]], node }))
      )

      for (const answer of answers) expect(answer.status).toBe(200)
      for (const tab of tabs) expect(await tab.run(["userId"])).toEqual([{ some: user }])
      expect(await ofUser(harness, user)).toHaveLength(10)
    }
  ],
  [
    "a login is refused when the user was revoked after its request began: 403, no cookie, nothing stored",
    async (harness) => {
      const user = harness.unique("user")
      for (const client of [harness.client(), await visitor(harness)]) {
        const open = await standing(harness, client, [], [["login", user]])
        await harness.admin("revokeUser", { userId: user })
        const answer = await open()

        expect([answer.status, answer.setCookies]).toEqual([403, []])
        expect(await ofUser(harness, user)).toEqual([])
        expect(await client.run(["userId"])).toEqual([null])
      }
    }
  ],
  [
    "a login after the revocation is not refused, nor is another user's",
    async (harness) => {
      const user = harness.unique("user")
      const other = harness.client()
      const open = await standing(harness, other, [], [["login", harness.unique("other")]])
      await harness.admin("revokeUser", { userId: user })
      const client = await member(harness, user)

      expect((await open()).status).toBe(200)
      expect(await client.elsewhere(["userId"])).toEqual([{ some: user }])
    }
  ],
  [
    "a refused login is a typed error: the request can go on as a guest",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness)
      const open = await standing(
        harness,
        client,
        [],
        [["try", ["login", user]], ["userId"], ["put", "b", 1]]
      )
      await harness.admin("revokeUser", { userId: user })
      const answer = await open()

      expect(answer.results.slice(1, 3)).toEqual([{ error: "SessionRefused" }, null])
      expect(await client.run(["all"], ["userId"])).toEqual([{ a: 1, b: 1 }, null])
    }
  ],
  [
    "with reject the login over the limit is 403, and the sessions and the guest stay as they were",
    async (harness) => {
      const user = harness.unique("user")
      const devices = [
        await member(harness, user, "rejecting"),
        await member(harness, user, "rejecting")
      ]
      const third = await visitor(harness, { cart: 1 }, "rejecting")
      const answer = await third.ask({ steps: [["login", user]], node: 1 })

      expect([answer.status, answer.setCookies]).toEqual([403, []])
      expect(await third.run(["all"], ["userId"])).toEqual([{ cart: 1 }, null])
      for (const device of devices) expect(await device.run(["userId"])).toEqual([{ some: user }])
      const again = await devices[0]?.ask({ steps: [["login", user]] })
      expect(again?.status).toBe(200)
      await devices[1]?.run(["logout"])
      expect((await third.ask({ steps: [["login", user]] })).status).toBe(200)
    }
  ],
  [
    "with evictOldest the oldest session goes, on every server",
    async (harness) => {
      const user = harness.unique("user")
      const oldest = await member(harness, user, "evicting")
      await harness.advance(1000)
      const middle = await member(harness, user, "evicting")
      await harness.advance(1000)
      const newest = await member(harness, user, "evicting")

      expect((await oldest.peek({ steps: [["userId"]], node: 1 })).results).toEqual([null])
      expect(await middle.elsewhere(["userId"])).toEqual([{ some: user }])
      expect(await newest.elsewhere(["userId"])).toEqual([{ some: user }])
      expect(await ofUser(harness, user, "evicting")).toHaveLength(2)
    }
  ],
  [
    "parallel logins do not pass the limit for good: the next login finds it kept",
    async (harness) => {
      const user = harness.unique("user")
      await Promise.all(
        Array.from({ length: 6 }, (_, node) =>
          harness.client("evicting").ask({ steps: [["login", user]], node })
        )
      )
      await member(harness, user, "evicting")

      expect((await ofUser(harness, user, "evicting")).length).toBeLessThanOrEqual(2)
    }
  ],
  [
    "put of user_id, _token, _flash and the like is plain data and logs nobody in",
    async (harness) => {
      const client = await visitor(harness)
      const data = { user_id: 42, userId: "u", _token: "t", _flash: ["x"], _previous: "y", id: "z" }
      await client.run(["putAll", data], ["flash", "f", 1])

      expect(await client.elsewhere(["userId"], ["all"], ["previousUrl"])).toEqual([
        null,
        { a: 1, ...data, f: 1 },
        null
      ])
    }
  ],
  [
    "flush clears the user and keeps the id",
    async (harness) => {
      const user = harness.unique("user")
      const client = await member(harness, user)
      const id = await idOf(client)
      const answer = await client.ask({ steps: [["put", "a", 1], ["flush"], ["userId"]] })

      expect(answer.results[2]).toBeNull()
      expect(await client.elsewhere(["userId"], ["id"], ["all"])).toEqual([null, id, {}])
      expect(await ofUser(harness, user)).toEqual([])
    }
  ],
  [
    "replace keeps the user and the id",
    async (harness) => {
      const user = harness.unique("user")
      const client = await member(harness, user)
      const id = await idOf(client)
      await client.run(["put", "a", 1])
      await client.run(["replace", { b: 2 }])

      expect(await client.elsewhere(["userId"], ["id"], ["all"])).toEqual([
        { some: user },
        id,
        { b: 2 }
      ])
    }
  ],
  [
    "a user id of 255 bytes is taken, one byte more ends the handler and stores nothing",
    async (harness) => {
      const longest = "u".repeat(255)
      const client = await member(harness, longest)
      const refused = ["u".repeat(256), "\u00e9".repeat(128)]

      expect(await client.elsewhere(["userId"])).toEqual([{ some: longest }])
      for (const user of refused) {
        const answer = await harness.client().ask({ steps: [["login", user]] })
        expect([answer.status, answer.setCookies]).toEqual([500, []])
      }
    }
  ],
  [
    "user ids are told apart by case, accent, trailing space and wildcard",
    async (harness) => {
      const name = harness.unique("ada")
      const ids = [name, name.toUpperCase(), `${name} `, `${name}%`, name.replace("a", "\u00e4")]
      for (const id of ids) await member(harness, id)

      for (const id of ids) expect(await ofUser(harness, id)).toHaveLength(1)
      expect(await harness.admin("revokeUser", { userId: name })).toBe(1)
      for (const id of ids.slice(1)) expect(await ofUser(harness, id)).toHaveLength(1)
    }
  ],
  [
    "login changes the CSRF token",
    async (harness) => {
      const client = await visitor(harness)
      const [token] = await client.run(["csrfToken"])
      await client.run(["login", harness.unique("user")])

      expect(await client.elsewhere(["verifyToken", token])).toEqual([false])
    }
  ],
  [
    "createdAt never changes: not by login, regenerate or migrate",
    async (harness) => {
      const client = await visitor(harness)
      const [created] = await client.run(["createdAt"])
      await harness.advance(5000)
      for (const step of [["regenerate"], ["migrate"], ["login", "someone"]] as const) {
        await client.run(step)
        expect(await client.elsewhere(["createdAt"])).toEqual([created])
      }
    }
  ],
  [
    "remember makes the cookie and the session last as long",
    async (harness) => {
      const client = harness.client()
      const answer = await client.ask({
        steps: [["login", harness.unique("user"), { remember: "30 days" }]]
      })
      await harness.advance(29 * 86_400_000)

      expect(maxAge(answer)).toBe(30 * 86_400)
      expect((await client.elsewhere(["userId"]))[0]).not.toBeNull()
      await harness.advance(86_400_001)
      expect(await client.elsewhere(["userId"])).toEqual([null])
    }
  ],
  [
    "a login without remember starts the lifetime afresh",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["setLifetime", "30 days"])
      const answer = await client.ask({ steps: [["login", harness.unique("user")]] })

      expect(maxAge(answer)).toBe(7200)
    }
  ],
  [
    "a login of the same user without remember keeps the lifetime and starts it afresh",
    async (harness) => {
      const client = harness.client()
      const user = harness.unique("user")
      await client.run(["login", user, { remember: "30 days" }])
      await harness.advance(29 * 86_400_000)
      const again = await client.ask({ steps: [["login", user]] })
      await harness.advance(29 * 86_400_000)

      expect(maxAge(again)).toBe(30 * 86_400)
      expect(await client.run(["userId"])).toEqual([{ some: user }])
      const ended = await client.ask({ steps: [["login", user, { remember: "browser" }]] })
      expect(maxAge(ended)).toBeNaN()
    }
  ],
  [
    "revokeOthers ends the user's other sessions and keeps this one, another user's too",
    async (harness) => {
      const user = harness.unique("user")
      const here = await member(harness, user)
      const there = await member(harness, user)
      const stranger = await member(harness, harness.unique("user"))

      expect(await here.elsewhere(["revokeOthers"])).toEqual([1])
      expect(await there.peek({ steps: [["userId"]] })).toMatchObject({ results: [null] })
      expect(await here.run(["userId"])).toEqual([{ some: user }])
      expect((await stranger.run(["userId"]))[0]).not.toBeNull()
    }
  ],
  [
    "revokeOthers right after a migrate or through an alias keeps this session",
    async (harness) => {
      const user = harness.unique("user")
      const here = await member(harness, user)
      const there = await member(harness, user)
      const left = here.copy()
      await here.run(["migrate"])

      expect(await left.elsewhere(["revokeOthers"])).toEqual([1])
      expect(await here.run(["userId"])).toEqual([{ some: user }])
      expect((await there.peek({ steps: [["userId"]] })).results).toEqual([null])
    }
  ],
  [
    "revokeOthers right after login or in a request that changes its id keeps this session",
    async (harness) => {
      const user = harness.unique("user")
      const there = await member(harness, user)
      const here = harness.client()

      expect(await here.run(["login", user], ["revokeOthers"])).toEqual([null, 1])
      expect(await here.run(["regenerate"], ["revokeOthers"])).toEqual([expect.any(String), 0])
      expect(await here.elsewhere(["userId"])).toEqual([{ some: user }])
      expect((await there.peek({ steps: [["userId"]] })).results).toEqual([null])
    }
  ],
  [
    "revokeOthers of a guest ends nobody",
    async (harness) => {
      const client = await visitor(harness)
      const other = await visitor(harness)

      expect(await client.run(["revokeOthers"])).toEqual([0])
      expect(await other.run(["get", "a"])).toEqual([{ some: 1 }])
    }
  ]
]
