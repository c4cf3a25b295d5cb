/** A flash beside a data key of the same name: a request reads what it wrote, and no value is lost or revived. */
import { expect } from "vitest"
import type { Case } from "../harness.js"
import type { Step } from "../operations.js"
import { visitor } from "./support.js"

/** After a flash of `f` in the request before, these steps give these results. */
const reads = (
  claim: string,
  flashed: unknown,
  steps: ReadonlyArray<Step>,
  results: ReadonlyArray<unknown>
): Case => [
  claim,
  async (harness) => {
    const client = await visitor(harness)
    await client.run(["flash", "f", flashed])
    const answer = await client.ask({ steps })

    expect([answer.status, answer.results]).toEqual([200, results])
  }
]

/** A slow request that saw the flash `old` runs `steps`; meanwhile another flashes `new` under the same key. */
const beside = (claim: string, steps: ReadonlyArray<Step>, next: ReadonlyArray<unknown>): Case => [
  claim,
  async (harness) => {
    const client = await visitor(harness)
    await client.run(["flash", "f", "old"])
    const gate = harness.unique("gate")
    const slow = client.copy().ask({ steps: [...steps, ["gate", gate]], node: 1 })
    await harness.entered(gate, 1)
    await client.run(["flash", "f", "new"])
    await harness.open(gate, 1)
    await slow
    const seen = []
    for (let round = 0; round < next.length; round++) {
      seen.push((await client.ask({ steps: [["get", "f"]], node: round })).results[0])
    }

    expect(seen).toEqual(next)
  }
]

export const shadowingCases: ReadonlyArray<Case> = [
  reads(
    "a put into a flash's path is read in the same request",
    { y: 1 },
    [
      ["put", "f.x", 2],
      ["get", "f.x"]
    ],
    [null, { some: 2 }]
  ),
  reads(
    "an increment of a flash's key gives what get gives afterwards",
    5,
    [
      ["try", ["increment", "f"]],
      ["increment", "g"],
      ["get", "g"]
    ],
    [expect.anything(), 1, { some: 1 }]
  ),
  reads(
    "a modify of a flash's key gives what get gives afterwards",
    "flash",
    [
      ["modify", "f", "appendX"],
      ["get", "f"]
    ],
    [expect.any(String), { some: expect.stringMatching(/x$/) }]
  ),
  reads(
    "what was forgotten inside a flash is missing afterwards",
    { x: 1, y: 2 },
    [
      ["forget", "f.x"],
      ["get", "f.x"],
      ["get", "f.y"]
    ],
    [null, null, { some: 2 }]
  ),
  reads(
    "what was pulled out of a flash is missing afterwards",
    { x: 1, y: 2 },
    [
      ["pull", "f.x"],
      ["get", "f.x"]
    ],
    [{ some: 1 }, null]
  ),
  reads("remember finds a flash and does not run", "flash", [["remember", "f", "made"]], ["flash"]),
  reads(
    "only, except and exists see a flash",
    1,
    [
      ["only", "f"],
      ["except", "a"],
      ["exists", "f"],
      ["missing", "f"],
      ["hasAny", "f", "zzz"]
    ],
    [{ f: 1 }, { f: 1 }, true, false, true]
  ),
  reads(
    "a put after a flash of the same request is what is read",
    1,
    [
      ["flash", "g", 1],
      ["put", "g", 2],
      ["get", "g"],
      ["flash", "g", 3],
      ["get", "g"]
    ],
    [null, null, { some: 2 }, null, { some: 3 }]
  ),
  [
    "an increment, a push and a modify of a key that a flash shadows: read back at once, and not lost",
    async (harness) => {
      for (const [flashed, data, step] of [
        [5, 1, ["increment", "f"]],
        [[5], [1], ["push", "f", 2]],
        ["flash", "data", ["modify", "f", "appendX"]]
      ] as ReadonlyArray<readonly [unknown, unknown, Step]>) {
        const client = await visitor(harness, { f: data })
        await client.run(["flash", "f", flashed])
        const [given, read] = await client.run(step, ["get", "f"])
        const [next] = await client.elsewhere(["get", "f"])

        if (step[0] !== "push") expect(read).toEqual({ some: given })
        expect(next).not.toEqual({ some: data })
        expect(next).toEqual(read)
      }
    }
  ],
  beside(
    "a put in a slow request removes only the flash it saw: the new one shadows it for one request",
    [["put", "f", "data"]],
    [{ some: "new" }, { some: "data" }, { some: "data" }]
  ),
  beside(
    "a pull in a slow request removes only the flash it saw",
    [["pull", "f"]],
    [{ some: "new" }, null]
  ),
  beside(
    "a keep in a slow request does not hide the newer flash",
    [["keep", "f"]],
    [expect.anything(), null]
  ),
  beside(
    "a reflash in a slow request revives nothing twice",
    [["reflash"]],
    [expect.anything(), null]
  ),
  [
    "replace leaves no flash of the old data behind its new values",
    async (harness) => {
      const client = await visitor(harness, { f: 1 })
      await client.run(["flash", "f", "flash"])
      const [, read] = await client.run(["replace", { f: 2 }], ["get", "f"])

      expect(read).toEqual({ some: 2 })
      expect(await client.elsewhere(["get", "f"])).toEqual([{ some: 2 }])
    }
  ],
  [
    "a flush in a slow request clears the flash that was there, whoever set it, or keeps the one it did not see",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", "old"])
      const gate = harness.unique("gate")
      const slow = client.copy().ask({ steps: [["flush"], ["gate", gate]], node: 1 })
      await harness.entered(gate, 1)
      await client.run(["isNew"])
      await harness.open(gate, 1)
      await slow

      expect(await client.run(["get", "f"], ["all"])).toEqual([null, {}])
    }
  ],
  [
    "old input is not among the data, is kept by reflash, and replaced by newer input",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flashInput", { name: "Ada", address: { city: "London" } }])
      const first = await client.run(["old", "name"], ["old", "address"], ["reflash"])
      const second = await client.run(["old", "name"], ["flashInput", { name: "Grace" }])
      const third = await client.run(["old", "name"], ["old", "address"])

      expect(first).toEqual([{ some: "Ada" }, { some: { city: "London" } }, null])
      expect(second[0]).toEqual({ some: "Ada" })
      expect(third).toEqual([{ some: "Grace" }, null])
      expect(await client.run(["old", "name"])).toEqual([null])
    }
  ],
  [
    "a login, a regenerate and a migrate carry the flash to the next request, and no further",
    async (harness) => {
      for (const step of [["login", "someone"], ["regenerate"], ["migrate"]] as const) {
        const client = await visitor(harness)
        await client.run(["flash", "f", 1], step, ["flash", "g", 2])

        expect(await client.elsewhere(["get", "f"], ["get", "g"])).toEqual([
          { some: 1 },
          { some: 2 }
        ])
        expect(await client.elsewhere(["get", "f"], ["get", "g"])).toEqual([null, null])
      }
    }
  ],
  [
    "a request through the alias ages the flash like any other",
    async (harness) => {
      const client = await visitor(harness)
      const left = client.copy()
      await client.run(["migrate"], ["flash", "f", 1])
      const seen = await left.peek({ steps: [["get", "f"]], node: 1 })

      expect(seen.results).toEqual([{ some: 1 }])
      expect(await client.run(["get", "f"])).toEqual([null])
    }
  ],
  [
    "requests in the quarantine do not age the flash",
    async (harness) => {
      const client = await visitor(harness)
      const late = client.copy()
      await client.run(["login", "someone"], ["flash", "f", 1])
      await late.peek({ steps: [["get", "f"]], node: 1 })

      expect(await client.run(["get", "f"])).toEqual([{ some: 1 }])
    }
  ],
  [
    "a hundred parallel requests after a flash: everyone who loaded it sees it, nobody does afterwards",
    async (harness) => {
      const client = await visitor(harness)
      await client.run(["flash", "f", 1])
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, node) => client.peek({ steps: [["get", "f"]], node }))
      )

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(answers.some(({ results }) => results[0] !== null)).toBe(true)
      expect(await client.run(["get", "f"])).toEqual([null])
    }
  ]
]
