/** Encryption at rest: rotation, unknown keys, tampering. */
import { expect } from "vitest"
import { Client } from "../client.js"
import type { Case, Harness } from "../harness.js"
import { idOf, issued, visitor } from "./support.js"

/** The same browser, talking to a server with other keys. */
const through = (harness: Harness, client: Client, app: string): Client =>
  new Client(harness.client(app).ports, client.jar)

/** What a request is told that may not see the session, and must not touch it. */
const kept = async (harness: Harness, client: Client, app: string) => {
  const stranger = through(harness, client, app)
  for (const step of [["all"], ["put", "a", 2], ["csrfToken"], ["flash", "f", 1]] as const) {
    const answer = await stranger.ask({ steps: [step, ["userId"]], node: 1 })
    expect([answer.status, answer.setCookies, answer.results[1]]).toEqual([200, [], null])
    if (step[0] === "all") expect(answer.results[0]).toEqual({})
  }
}

export const sealingCases: ReadonlyArray<Case> = [
  [
    "a rotation of keys logs nobody out: the old row is read, the next write is sealed with the new key",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "sealedOld")
      const both = through(harness, client, "sealedBoth")
      const read = await both.elsewhere(["get", "a"])
      await kept(harness, client, "sealedNew")
      await both.run(["put", "b", 1])
      const next = through(harness, client, "sealedNew")

      expect(read).toEqual([{ some: 1 }])
      expect(await next.elsewhere(["all"])).toEqual([{ a: 1, b: 1 }])
    }
  ],
  [
    "a row of a key this server lacks is left as it is, and so is the cookie",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "sealedOld")
      await client.run(["login", harness.unique("user")])
      await kept(harness, client, "sealedNew")

      expect(await client.elsewhere(["all"])).toEqual([{ a: 1 }])
      expect((await client.run(["userId"]))[0]).not.toBeNull()
    }
  ],
  [
    "with an unknown key an explicit login begins a new session, and the row stays",
    async (harness) => {
      const user = harness.unique("user")
      const client = await visitor(harness, { a: 1 }, "sealedOld")
      const stranger = through(harness, client, "sealedNew")
      const answer = await stranger.ask({ steps: [["login", user]], node: 1 })

      expect(issued(answer)).not.toBe(client.cookie)
      expect(await stranger.run(["userId"], ["all"])).toEqual([{ some: user }, {}])
      expect(await client.run(["all"])).toEqual([{ a: 1 }])
    }
  ],
  [
    "a row that does not open with the key it names is void: anonymous, never a 500",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "sealedOld")
      const start = (await harness.events()).length
      const forged = through(harness, client, "sealedForged")
      const read = await forged.ask({ steps: [["all"]] })
      const events = (await harness.events()).slice(start).map(({ _tag }) => _tag)
      const write = await forged.ask({ steps: [["put", "b", 1]] })

      expect([read.status, read.results]).toEqual([200, [{}]])
      expect(events).toContain("PayloadDiscarded")
      expect(issued(write)).not.toBe(client.cookie)
      expect(await forged.elsewhere(["all"])).toEqual([{ b: 1 }])
    }
  ],
  [
    "a plain row is refused where encryption is on",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "unsealed")
      const answer = await through(harness, client, "sealedBoth").ask({ steps: [["all"]] })

      expect([answer.status, answer.results]).toEqual([200, [{}]])
    }
  ],
  [
    "a sealed row is no data where encryption is off",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "sealedOld")
      const answer = await through(harness, client, "unsealed").ask({ steps: [["all"]] })

      expect([answer.status, answer.results]).toEqual([200, [{}]])
    }
  ],
  [
    "sealed sessions change their id, migrate and flash like others",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "sealedBoth")
      const left = client.copy()
      await client.run(["flash", "f", 1], ["migrate"])
      const behind = await left.ask({ steps: [["all"]], node: 1 })
      await client.run(["login", harness.unique("user")])

      expect(behind.results).toEqual([{ a: 1, f: 1 }])
      expect(issued(behind)).not.toBe(client.cookie)
      expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 1 }])
      expect(await idOf(client)).toMatch(/^[0-9a-f]{40}$/)
    }
  ]
]
