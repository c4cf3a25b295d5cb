/** Flash: exactly one next request, whatever runs beside it. */
import { expect } from "vitest"
import type { Case } from "../harness.js"
import { visitor } from "./support.js"

const nothingAged = (what: string, ask: object): Case => [
  `${what} does not age the flash`,
  async (harness) => {
    const client = await visitor(harness)
    await client.run(["flash", "f", 1])
    const seen = await client.ask(ask)
    if (seen.results.length > 0) expect(seen.results[0]).toEqual({ some: 1 })

    expect(await client.elsewhere(["get", "f"])).toEqual([{ some: 1 }])
    expect(await client.elsewhere(["get", "f"])).toEqual([null])
  }
]

export const flashCases: ReadonlyArray<Case> = [
  [
    "a flash lives for the rest of its request and the whole next one",
    async (harness) => {
      const client = harness.client()

      expect(await client.run(["flash", "f", 1], ["get", "f"])).toEqual([null, { some: 1 }])
      expect(await client.elsewhere(["get", "f"], ["has", "f"], ["all"])).toEqual([
        { some: 1 },
        true,
        { f: 1 }
      ])
      expect(await client.elsewhere(["get", "f"], ["exists", "f"], ["all"])).toEqual([
        null,
        false,
        {}
      ])
    }
  ],
  [
    "a next request that does not read it uses it up all the same",
    async (harness) => {
      const client = harness.client()
      await client.run(["flash", "f", 1])
      await client.run(["isNew"])

      expect(await client.elsewhere(["get", "f"])).toEqual([null])
    }
  ],
  [
    "now is for this request only",
    async (harness) => {
      const client = await visitor(harness)

      expect(await client.run(["now", "f", 1], ["get", "f"])).toEqual([null, { some: 1 }])
      expect(await client.elsewhere(["get", "f"])).toEqual([null])
    }
  ],
  nothingAged("a prefetch (Sec-Purpose)", {
    steps: [["get", "f"]],
    send: { "sec-purpose": "prefetch" }
  }),
  nothingAged("a prerender (Sec-Purpose)", {
    steps: [["get", "f"]],
    send: { "sec-purpose": "prefetch;prerender" }
  }),
  nothingAged("a prefetch (Purpose)", { steps: [["get", "f"]], send: { purpose: "prefetch" } }),
  nothingAged("a 500", { steps: [["get", "f"]], status: 500 }),
  nothingAged("a 503", { steps: [["get", "f"]], status: 503 }),
  nothingAged("a defect", { steps: [["get", "f"], ["die"]] }),
  nothingAged("a typed failure", { steps: [["get", "f"], ["fail"]] }),
  [
    "a prefetch that writes does not age the flash",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])
      await client.ask({ steps: [["put", "b", 1]], send: { "sec-purpose": "prefetch" } })

      expect(await client.elsewhere(["get", "f"], ["get", "b"])).toEqual([{ some: 1 }, { some: 1 }])
    }
  ],
  [
    "a commit, login or regenerate in the middle of a request does not age a second time",
    async (harness) => {
      for (const step of [["commit"], ["login", "someone"], ["regenerate"]] as const) {
        const client = await visitor(harness)
        await client.run(["flash", "f", 1], step)

        expect(await client.elsewhere(["get", "f"])).toEqual([{ some: 1 }])
        expect(await client.elsewhere(["get", "f"])).toEqual([null])
      }
    }
  ],
  [
    "after a commit in the next request the flash can still be read in that request",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])

      expect(
        await client.run(["commit"], ["get", "f"], ["put", "b", 1], ["commit"], ["get", "f"])
      ).toEqual([null, { some: 1 }, null, null, { some: 1 }])
      expect(await client.elsewhere(["get", "f"])).toEqual([null])
    }
  ],
  [
    "a flash that is set after a commit lives for the next request",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])
      await client.run(["commit"], ["flash", "g", 2])

      expect(await client.elsewhere(["all"])).toEqual([{ a: 1, g: 2 }])
      expect(await client.elsewhere(["all"])).toEqual([{ a: 1 }])
    }
  ],
  [
    "two parallel next requests both see it, and it is gone afterwards",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])
      const gate = harness.unique("flash")
      const slow = client.copy().ask({
        steps: [
          ["get", "f"],
          ["gate", gate],
          ["get", "f"]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      const quick = await client.run(["get", "f"])
      await harness.open(gate, 1)

      expect(quick).toEqual([{ some: 1 }])
      expect((await slow).results).toEqual([{ some: 1 }, null, { some: 1 }])
      expect(await client.run(["get", "f"])).toEqual([null])
    }
  ],
  [
    "a slow request that began before the flash does not eat it",
    async (harness) => {
      const client = await visitor(harness)
      const gate = harness.unique("flash")
      const slow = client.copy().ask({
        steps: [
          ["put", "b", 1],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["flash", "f", 1])
      await harness.open(gate, 1)
      await slow

      expect(await client.run(["get", "f"])).toEqual([{ some: 1 }])
      expect(await client.run(["get", "f"])).toEqual([null])
    }
  ],
  [
    "a slow request that saw the flash does not revive it after it was used up",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])
      const gate = harness.unique("flash")
      const slow = client.copy().ask({
        steps: [
          ["put", "b", 1],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["get", "f"])
      await client.run(["get", "f"])
      await harness.open(gate, 1)
      await slow

      expect(await client.run(["get", "f"], ["get", "b"])).toEqual([null, { some: 1 }])
    }
  ],
  [
    "a new flash of the same key, set while a request that saw the old one runs, survives that request",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", "old"])
      const gate = harness.unique("flash")
      const slow = client.copy().ask({
        steps: [
          ["get", "f"],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["flash", "f", "new"])
      await harness.open(gate, 1)
      await slow

      expect(await client.run(["get", "f"])).toEqual([{ some: "new" }])
      expect(await client.run(["get", "f"])).toEqual([null])
    }
  ],
  [
    "two parallel requests that flash different keys both have them in the next",
    async (harness) => {
      const client = await visitor(harness)
      const gate = harness.unique("flash")
      const slow = client.copy().ask({
        steps: [
          ["flash", "one", 1],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["flash", "two", 2])
      await harness.open(gate, 1)
      await slow

      expect(await client.run(["all"])).toEqual([{ a: 1, one: 1, two: 2 }])
      expect(await client.run(["all"])).toEqual([{ a: 1 }])
    }
  ],
  [
    "keep gives one more request, and only to the keys it names",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1], ["flash", "g", 2])
      await client.run(["keep", "f"])

      expect(await client.elsewhere(["get", "f"], ["get", "g"])).toEqual([{ some: 1 }, null])
      expect(await client.elsewhere(["get", "f"])).toEqual([null])
    }
  ],
  [
    "reflash and keep() give one more request to all, those of now too",
    async (harness) => {
      for (const step of [["reflash"], ["keep"]] as const) {
        const client = await visitor(harness)
        await client.run(["flash", "f", 1])
        await client.run(["now", "n", 2], step)

        expect(await client.elsewhere(["all"])).toEqual([{ a: 1, f: 1, n: 2 }])
        expect(await client.elsewhere(["all"])).toEqual([{ a: 1 }])
      }
    }
  ],
  [
    "keep of a permanent key changes nothing",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["keep", "a"])
      await client.run(["isNew"])

      expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "keep wins over a parallel request that ages",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])
      const gate = harness.unique("flash")
      const slow = client.copy().ask({
        steps: [
          ["keep", "f"],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["get", "f"])
      await harness.open(gate, 1)
      await slow

      expect(await client.run(["get", "f"])).toEqual([{ some: 1 }])
      expect(await client.run(["get", "f"])).toEqual([null])
    }
  ],
  [
    "a flash shadows a data key of the same name while it lives",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "a", "flash"])

      expect(await client.elsewhere(["get", "a"], ["all"])).toEqual([
        { some: "flash" },
        { a: "flash" }
      ])
      expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "put removes the flash of that key, and the value stays",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "a", "flash"], ["put", "a", 2])

      expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 2 }])
      expect(await client.elsewhere(["get", "a"])).toEqual([{ some: 2 }])
    }
  ],
  [
    "a value put in the next request never vanishes with the old flash",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])
      await client.run(["put", "f", 2])
      await client.run(["isNew"])

      expect(await client.elsewhere(["get", "f"])).toEqual([{ some: 2 }])
    }
  ],
  [
    "pull takes a flash once, and the data key behind it stays",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])

      expect(await client.run(["pull", "f"], ["get", "f"])).toEqual([{ some: 1 }, null])
      expect(await client.elsewhere(["get", "f"])).toEqual([null])
    }
  ],
  [
    "forget and flush remove flash",
    async (harness) => {
      for (const step of [["forget", "f"], ["flush"]] as const) {
        const client = await visitor(harness)
        await client.run(["flash", "f", 1], step)

        expect(await client.elsewhere(["get", "f"])).toEqual([null])
      }
    }
  ],
  [
    "forget in a slow request removes only the flash it saw",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", "old"])
      const gate = harness.unique("flash")
      const slow = client.copy().ask({
        steps: [
          ["forget", "f"],
          ["gate", gate]
        ],
        node: 1
      })
      await harness.entered(gate, 1)
      await client.run(["flash", "f", "new"])
      await harness.open(gate, 1)
      await slow

      expect(await client.run(["get", "f"])).toEqual([{ some: "new" }])
    }
  ],
  [
    "flashing again in the next request gives one more request with the new value",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])
      await client.run(["flash", "f", 2])

      expect(await client.elsewhere(["get", "f"])).toEqual([{ some: 2 }])
      expect(await client.elsewhere(["get", "f"])).toEqual([null])
    }
  ],
  [
    "flash keys have one segment",
    async (harness) => {
      const client = await visitor(harness)
      const answer = await client.ask({ steps: [["flash", "a.b", 1]] })

      expect(answer.status).toBe(500)
    }
  ],
  [
    "a flash of null is seen as null",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", null])

      expect(await client.run(["get", "f"], ["exists", "f"], ["has", "f"])).toEqual([
        { some: null },
        true,
        false
      ])
    }
  ],
  [
    "old input comes back once, without passwords and tokens",
    async (harness) => {
      const client = await visitor(harness)
      await client.run([
        "flashInput",
        {
          name: "Ada",
          password: "p",
          password_confirmation: "p",
          _token: "t",
          passwordConfirmation: "p",
          current_password: "p",
          token: "t"
        }
      ])
      const [name, ...secrets] = await client.elsewhere(
        ["old", "name"],
        ["old", "password"],
        ["old", "password_confirmation"],
        ["old", "_token"],
        ["old", "passwordConfirmation"],
        ["old", "current_password"],
        ["old", "token"]
      )

      expect([name, ...secrets]).toEqual([{ some: "Ada" }, null, null, null, null, null, null])
      expect(await client.elsewhere(["old", "name"])).toEqual([null])
    }
  ],
  [
    "with the preset navigation a script's request does not age the flash",
    async (harness) => {
      const client = await visitor(harness, { a: 1 }, "navigation")
      await client.run(["flash", "f", 1])
      await client.ask({ send: { "sec-fetch-mode": "cors" } })
      const page = await client.ask({
        steps: [["get", "f"]],
        send: { "sec-fetch-mode": "navigate" }
      })

      expect(page.results).toEqual([{ some: 1 }])
      expect(await client.run(["get", "f"])).toEqual([null])
    }
  ]
]
