/** Who is here: listings, revocations, addresses, events, and two middlewares on one store. */
import { expect } from "vitest"
import { Client } from "../client.js"
import type { Case, Harness, Summary } from "../harness.js"
import { hour, idOf, issued, member, minute, visitor } from "./support.js"

const dead = async (client: Client): Promise<void> => {
  for (const node of [0, 1]) {
    const answer = await client.peek({ steps: [["all"], ["userId"], ["isNew"]], node })
    expect([answer.results, answer.setCookies]).toEqual([[{}, null, true], []])
  }
}

/** What is stored of a request with these headers. */
const stored = async (harness: Harness, app: string, send: Record<string, string>) => {
  const client = harness.client(app)
  const answer = await client.ask({ steps: [["put", "a", 1]], send })
  expect(answer.status).toBe(200)
  const id = await idOf(client)
  // This is what `server.ts` answers with.
  return (await harness.admin("get", { id }, 1)) as Summary
}

const addresses: ReadonlyArray<readonly [string, string, string, string]> = [
  ["from an untrusted peer is ignored", "main", "1.2.3.4", "127.0.0.1"],
  ["of a trusted proxy is believed", "proxied", "1.2.3.4", "1.2.3.4"],
  [
    "gives the rightmost address that is no proxy",
    "proxied",
    "6.6.6.6, 1.2.3.4, 10.0.0.7",
    "1.2.3.4"
  ],
  ["that is mapped into IPv6 is the same address", "proxied", "::ffff:1.2.3.4", "1.2.3.4"],
  ["with a port loses it", "proxied", "1.2.3.4:55", "1.2.3.4"],
  ["in brackets with a port loses both", "proxied", "[::1]:55", "::1"],
  ["with a zone loses it", "proxied", "fe80::1%eth0", "fe80::1"]
]

const junk = [
  "unknown",
  "",
  ",,,",
  "x".repeat(8000),
  Array(200).fill("10.0.0.1").join(", "),
  "1.2.3.4.5",
  "'; DROP"
]

export const adminCases: ReadonlyArray<Case> = [
  ...addresses.map(
    ([what, app, header, expected]): Case => [
      `X-Forwarded-For ${what}`,
      async (harness) => {
        const { ipAddress } = await stored(harness, app, { "x-forwarded-for": header })

        expect(ipAddress).toBe(expected)
      }
    ]
  ),
  [
    "X-Forwarded-For that is junk is never a 500 and never more than 45 characters",
    async (harness) => {
      for (const header of junk) {
        const { ipAddress } = await stored(harness, "proxied", { "x-forwarded-for": header })

        expect((ipAddress ?? "").length).toBeLessThanOrEqual(45)
        expect(ipAddress ?? "").toMatch(/^[0-9a-f.:]*$/)
      }
    }
  ],
  [
    "a user agent of 8 KB is cut to at most 512 characters, markup is kept as text",
    async (harness) => {
      const long = await stored(harness, "main", { "user-agent": "m".repeat(8000) })
      const markup = await stored(harness, "main", { "user-agent": "<script>alert(1)</script>" })

      expect(long.userAgent?.length).toBeLessThanOrEqual(512)
      expect(markup.userAgent).toBe("<script>alert(1)</script>")
    }
  ],
  [
    "active lists guests and members, the most recent of them, with all a summary has",
    async (harness) => {
      const user = harness.unique("user")
      const guest = await visitor(harness)
      const logged = await member(harness, user)
      const ids = [await idOf(guest), await idOf(logged)]
      const listed = await harness.sessions()

      expect(new Set(listed.map(({ id }) => id))).toEqual(new Set(ids))
      const summary = listed.find(({ id }) => id === ids[1])
      expect(summary).toMatchObject({ userId: user, ipAddress: "127.0.0.1" })
      expect(summary?.payloadBytes).toBeGreaterThan(0)
      expect((summary?.expiresAt ?? 0) - (summary?.lastActivity ?? 0)).toBe(2 * hour)
      expect(listed.find(({ id }) => id === ids[0])?.userId).toBeNull()
    }
  ],
  [
    "active, countActive and countActiveUsers mean the last activity within the time",
    async (harness) => {
      const user = harness.unique("user")
      await visitor(harness)
      await member(harness, user)
      await harness.advance(10 * minute)
      await member(harness, user)
      await member(harness, harness.unique("user"))
      const within = { within: 5 * minute }

      expect(await harness.admin("active", within, 1)).toHaveLength(2)
      expect(await harness.admin("countActive", within, 1)).toBe(2)
      expect(await harness.admin("countActiveUsers", within, 1)).toBe(2)
      expect(await harness.admin("countActive", { within: hour }, 1)).toBe(4)
      expect(await harness.admin("countActiveUsers", { within: hour }, 1)).toBe(2)
    }
  ],
  [
    "a session that changed its id often is listed once",
    async (harness) => {
      const client = await visitor(harness)
      for (const step of [["migrate"], ["regenerate"], ["login", "u"], ["migrate"]] as const) {
        await client.run(step)
      }

      expect(await harness.sessions()).toHaveLength(1)
      expect(await harness.admin("countActive", {}, 1)).toBe(1)
    }
  ],
  [
    "revoke ends a session for the next request on every server, and tells whether there was one",
    async (harness) => {
      const client = await member(harness, harness.unique("user"))
      const id = await idOf(client)

      expect(await harness.admin("revoke", { id }, 1)).toBe(true)
      await dead(client)
      expect(await harness.admin("revoke", { id })).toBe(false)
      expect(await harness.admin("revoke", { id: "0".repeat(40) })).toBe(false)
      expect(await harness.admin("get", { id })).toBeNull()
    }
  ],
  [
    "odd ids are nobody's: they revoke nothing and are no error",
    async (harness) => {
      const client = await visitor(harness)
      for (const id of ["", "../../etc", "%", "x".repeat(5000), "a\u0000b", "'; --", "*"]) {
        expect(await harness.admin("revoke", { id })).toBe(false)
        expect(await harness.admin("get", { id })).toBeNull()
      }

      expect(await client.run(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "the token is not an id",
    async (harness) => {
      const client = await visitor(harness)
      const token = client.cookie?.split("=", 2)[1]

      expect(await harness.admin("get", { id: token })).toBeNull()
      expect(await harness.admin("revoke", { id: token })).toBe(false)
    }
  ],
  [
    "revokeUser ends all sessions of that user and of nobody else",
    async (harness) => {
      const [one, two] = [harness.unique("user"), harness.unique("user")]
      const devices = [await member(harness, one), await member(harness, one)]
      const other = await member(harness, two)

      expect(await harness.admin("revokeUser", { userId: one }, 1)).toBe(2)
      for (const device of devices) await dead(device)
      expect(await other.elsewhere(["userId"])).toEqual([{ some: two }])
      expect(await harness.admin("revokeUser", { userId: one })).toBe(0)
    }
  ],
  [
    "revokeUser spares except, by the id or the last id",
    async (harness) => {
      const user = harness.unique("user")
      const kept = await member(harness, user)
      const id = await idOf(kept)
      await member(harness, user)
      await kept.run(["migrate"])

      expect(await harness.admin("revokeUser", { userId: user, except: id }, 1)).toBe(1)
      expect(await kept.elsewhere(["userId"])).toEqual([{ some: user }])
    }
  ],
  [
    "revokeAll ends everybody in the namespace and nobody outside",
    async (harness) => {
      const clients = [await visitor(harness), await member(harness, harness.unique("user"))]
      const outside = await visitor(harness, { a: 1 }, "admin")

      expect(await harness.admin("revokeAll", {}, 1)).toBe(2)
      for (const client of clients) await dead(client)
      expect(await outside.run(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "after a revocation the marks of it are in no listing and no count",
    async (harness) => {
      await member(harness, "someone")
      await harness.admin("revokeUser", { userId: "someone" })

      expect(await harness.sessions()).toEqual([])
      expect(await harness.admin("countActive", {}, 1)).toBe(0)
      expect(await harness.admin("ofUser", { userId: "someone" })).toEqual([])
    }
  ],
  [
    "a cookie of one namespace is nobody's in the other, and admin calls keep to theirs",
    async (harness) => {
      const user = harness.unique("user")
      const admin = await member(harness, user, "admin")
      const shop = await member(harness, user)
      const shopPorts = shop.ports
      const crossed = await new Client(shopPorts, admin.jar).peek({
        steps: [["userId"], ["isNew"]]
      })
      const id = await idOf(admin)

      expect(crossed.results).toEqual([null, true])
      expect(await harness.admin("get", { id })).toBeNull()
      expect(await harness.admin("revoke", { id })).toBe(false)
      expect(await harness.admin("ofUser", { userId: user })).toHaveLength(1)
      expect(await harness.admin("revokeUser", { userId: user }, 1)).toBe(1)
      expect(await admin.elsewhere(["userId"])).toEqual([{ some: user }])
      await dead(shop)
      expect(await harness.admin("revoke", { id, namespace: "admin" }, 1)).toBe(true)
      await dead(admin)
    }
  ],
  [
    "a write with a cookie of the other namespace begins a session of its own",
    async (harness) => {
      const admin = await visitor(harness, { a: 1 }, "admin")
      const client = new Client(harness.client().ports, admin.jar)
      const answer = await client.ask({ steps: [["put", "a", 2]] })

      expect(issued(answer)).not.toBe(admin.cookie)
      expect(await admin.run(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "each lifecycle step is an event, once",
    async (harness) => {
      const start = (await harness.events()).length
      const client = harness.client()
      await client.run(["put", "a", 1])
      const id = await idOf(client)
      await client.run(["login", "someone"])
      await client.run(["migrate"])
      await client.run(["regenerate"])
      await client.run(["logout"])
      const revoked = await visitor(harness)
      const revokedId = await idOf(revoked)
      await harness.admin("revoke", { id: revokedId })
      await harness.client().ask({ cookie: "__Host-session=junk" })
      await harness.client().ask({ cookie: `__Host-session=${"Z".repeat(43)}` })
      const events = (await harness.events()).slice(start)
      const told = events.map((event) =>
        "reason" in event ? `${event._tag} ${event.reason}` : event._tag
      )

      expect(told).toEqual([
        "Created",
        "Regenerated login",
        "LoggedIn",
        "Regenerated migrate",
        "Regenerated regenerate",
        "LoggedOut logout",
        "Destroyed logout",
        "Created",
        "Revoked revoke",
        "InvalidId malformed",
        "InvalidId malformed"
      ])
      expect(events[0]).toMatchObject({ id })
      expect(events[8]).toMatchObject({ id: revokedId })
    }
  ],
  [
    "a session that is stored nowhere gives no event of creation",
    async (harness) => {
      const start = (await harness.events()).length
      await harness.client().ask({ steps: [["put", "a", 1], ["die"]] })
      await harness.client().ask({ steps: [["get", "a"]] })

      expect((await harness.events()).slice(start)).toEqual([])
    }
  ],
  [
    "an admin's revocation reaches a session that changes its id at the same time",
    async (harness) => {
      for (let round = 0; round < 10; round++) {
        const user = harness.unique("user")
        const client = await member(harness, user)
        const [answer] = await Promise.all([
          client.ask({ steps: [["regenerate"]], node: 1 }),
          harness.admin("revokeUser", { userId: user })
        ])

        expect(answer.status).toBe(200)
        const left = (await harness.admin("ofUser", { userId: user }, 1)) as ReadonlyArray<Summary>
        expect(left).toEqual([])
        // Where the revocation came first, the regenerate began a guest's session.
        expect(await client.run(["userId"])).toEqual([null])
      }
    }
  ]
]
