import { describe, expect, it, vi } from "@effect/vitest"
import * as fc from "fast-check"
import type { Json } from "../../src/core/session/json.js"
import { type Action, pending } from "./actions.js"
import { type Visit, World } from "./world.js"

// Properties run long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const action = fc.oneof(...pending)
const some = fc.array(action, { maxLength: 8 })

/** What cannot touch a key `a`, however it goes on. */
const elsewhere = fc.array(
  action.filter((each) => each.kind !== "flush" && !JSON.stringify(each).includes('"a"')),
  { maxLength: 8 }
)

const flashing: ReadonlyArray<Action["kind"]> = [
  "flash",
  "flashAll",
  "flashInput",
  "keep",
  "keepList",
  "reflash"
]

/** What flashes nothing. */
const withoutFlashing = fc.array(
  action.filter(({ kind }) => !flashing.includes(kind)),
  { maxLength: 8 }
)

/** A stored session with flash, and two requests that were shown it. */
const twoVisits = async (
  before: ReadonlyArray<Action>
): Promise<{ world: World; a: Visit; b: Visit }> => {
  const world = new World()
  const first = await world.begin()
  await first.act({ kind: "flash", name: "b", value: "seen by both" })
  await first.actAll(before)
  await first.act({ kind: "put", path: ["stored"], value: true })
  await first.end()
  return { world, a: await world.begin(), b: await world.begin() }
}

const storedFlash = async (world: World): Promise<Visit["session"]["life"]["state"]["flash"]> =>
  (await world.begin()).session.life.state.flash

const idsOf = (flash: Visit["session"]["life"]["state"]["flash"]): ReadonlyArray<string> =>
  Object.values(flash).map(({ id }) => id)

const valueOf = async (world: World, name: string): Promise<Json | undefined> =>
  (await storedFlash(world))[name]?.value

const flashA: Action = { kind: "flash", name: "a", value: "of this request" }

describe("flash between parallel requests", () => {
  it("dies with the first ageing commit whose snapshot held it, whatever either does", async () => {
    await fc.assert(
      fc.asyncProperty(some, some, some, fc.boolean(), async (before, inA, inB, agesB) => {
        const { a, b, world } = await twoVisits(before)
        const shown = idsOf(a.session.life.state.flash)
        await a.actAll(inA)
        await b.actAll(inB)

        await a.end(true)
        await b.end(agesB)

        const left = idsOf(await storedFlash(world))
        expect(left.filter((id) => shown.includes(id))).toEqual([])
      }),
      { numRuns: 60 }
    )
  })

  it("is not revived by a request that flashes and keeps nothing", async () => {
    await fc.assert(
      fc.asyncProperty(withoutFlashing, async (inB) => {
        const { a, b, world } = await twoVisits([])
        await b.actAll(inB)

        await a.end(true)
        await b.end(false)

        expect(await storedFlash(world)).toEqual({})
      }),
      { numRuns: 60 }
    )
  })

  it("of one is not eaten by the other, which ages what it was shown", async () => {
    await fc.assert(
      fc.asyncProperty(elsewhere, fc.boolean(), async (inB, firstA) => {
        const { a, b, world } = await twoVisits([])
        await a.act(flashA)
        await b.actAll(inB)

        await (firstA ? a : b).end()
        const outcome = await (firstA ? b : a).end()

        fc.pre(outcome === "done")
        expect(await valueOf(world, "a")).toBe("of this request")
      }),
      { numRuns: 60 }
    )
  })

  it.each<Action>([
    { kind: "put", path: ["a"], value: 1 },
    { kind: "forget", paths: [["a"]] },
    { kind: "pull", path: ["a"] },
    { kind: "increment", path: ["a"], by: 1 },
    { kind: "remember", path: ["a"], value: 1 },
    { kind: "putUntil", name: "a", value: 1, in: -1 }
  ])("is left by $kind of a request that had not seen it", async (blind) => {
    const { a, b, world } = await twoVisits([{ kind: "put", path: ["a"], value: 0 }])
    await a.act(flashA)
    await b.act(blind)

    await a.end()
    await b.end()

    expect(await valueOf(world, "a")).toBe("of this request")
  })

  it.each<Action>([
    { kind: "put", path: ["b"], value: 1 },
    { kind: "forget", paths: [["b"]] },
    { kind: "pull", path: ["b"] }
  ])("is removed by $kind of a request that had seen it, without ageing", async (seeing) => {
    const { b, world } = await twoVisits([])
    await b.act(seeing)

    await b.end(false)

    expect(await storedFlash(world)).toEqual({})
  })

  it("that one keeps lives on, though the other ages it", async () => {
    const { a, b, world } = await twoVisits([])
    await b.act({ kind: "keep", names: ["b"] })

    await a.end()
    await b.end()

    expect(await valueOf(world, "b")).toBe("seen by both")
  })

  it("stays for a request that ages nothing", async () => {
    const { a, world } = await twoVisits([])
    await a.act({ kind: "put", path: ["a"], value: 1 })

    await a.end(false)

    expect(await valueOf(world, "b")).toBe("seen by both")
  })

  it("does not take along what the next request puts under its name", async () => {
    const { a, world } = await twoVisits([])
    await a.act({ kind: "put", path: ["b"], value: "permanent" })

    await a.end()

    const next = await world.begin()
    expect(next.session.life.state.data.b).toBe("permanent")
  })

  it("stays readable to the end of the request whose commit ages it", async () => {
    const { a } = await twoVisits([])

    await a.act({ kind: "commit" })

    expect(a.request.get(["b"])).toBe("seen by both")
    a.compare()
  })
})

describe("a replay", () => {
  it("that no longer fits stores nothing of its request", async () => {
    const { a, b, world } = await twoVisits([])
    await a.act({ kind: "put", path: ["a"], value: "text" })
    await b.actAll([
      { kind: "put", path: ["l"], value: 1 },
      { kind: "increment", path: ["a"], by: 1 },
      flashA
    ])

    await a.end(false)
    const outcome = await b.end()

    const next = await world.begin()
    expect(outcome).toBe("conflict")
    expect(next.session.life.state.data).toEqual({ stored: true, a: "text" })
    expect(Object.keys(next.session.life.state.flash)).toEqual(["b"])
  })
})
