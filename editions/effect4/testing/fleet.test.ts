/** Servers of both lines on one store: what one has stored the other goes on with, whatever befalls the two. */
import type { ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import type { Step } from "../out/test/blackbox/operations.js"
import { send } from "../out/test/history/client.js"
import { type Cluster, ownScript, startCluster, startProcess } from "../out/test/history/cluster.js"
import { reportOf, runSeed } from "../out/test/history/run.js"
import { type Backing, openBacking } from "../out/test/support/backing.js"
import { endProcess, freePort } from "../out/test/support/process.js"

/** The same program, on the source of the repository and on what is made from it. */
const scripts = {
  effect3: fileURLToPath(new URL("../../../test/history/server.ts", import.meta.url)),
  effect4: ownScript
} as const

type Line = keyof typeof scripts

const patience = 120_000

describe.each(["postgres", "files"] as const)("a fleet of both lines on %s", (store) => {
  let backing: Backing
  const children: Array<ChildProcess> = []

  beforeAll(async () => {
    backing = await openBacking(store)
  }, patience)

  afterEach(() => Promise.all(children.splice(0).map((child) => endProcess(child, "SIGKILL"))))

  afterAll(() => backing?.close())

  const start = async (line: Line) => {
    const port = await freePort()
    const listener = { store, argument: backing.argument, port }
    const child = await startProcess([listener], scripts[line])
    children.push(child)
    return { port, stop: () => endProcess(child, "SIGKILL") }
  }

  /** A browser: it keeps its cookie, and asks whichever server it is told to. */
  const aBrowser = () => {
    let cookie: string | undefined
    let isNew = true
    return async (port: number, ...steps: ReadonlyArray<Step>) => {
      const first: ReadonlyArray<Step> = isNew ? [["put", "lineage", "fleet"]] : []
      const run = { lineage: isNew ? null : "fleet", steps: [...first, ...steps] }
      isNew = false
      const outcome = await send(port, run, cookie, undefined)
      if (outcome._tag !== "answered") throw new Error(`The server did not answer: ${outcome._tag}`)
      if (outcome.cookie !== undefined) cookie = outcome.cookie ?? undefined
      return outcome.sight
    }
  }

  it.each([
    ["effect3", "effect4"],
    ["effect4", "effect3"]
  ] as const)(
    "a session of %s goes on with %s, and ends there",
    { timeout: patience },
    async (from, to) => {
      const [one, other] = await Promise.all([start(from), start(to)])
      const ask = aBrowser()

      await ask(
        one.port,
        ["put", "cart", ["tea"]],
        ["login", "ada"],
        ["flash", "notice", "welcome"]
      )
      const there = await ask(other.port, ["push", "cart", "milk"])
      const back = await ask(one.port)
      await ask(other.port, ["logout"])
      const after = await ask(one.port)

      expect(there).toMatchObject({ userId: "ada", before: { cart: ["tea"], notice: "welcome" } })
      expect(back).toMatchObject({ userId: "ada", before: { cart: ["tea", "milk"] } })
      expect(back.before).not.toHaveProperty("notice")
      expect(after).toEqual({ userId: null, before: {}, after: {} })
    }
  )

  it("loses no increment of requests that come at once to both", {
    timeout: patience
  }, async () => {
    const servers = await Promise.all([start("effect3"), start("effect4")])
    const ask = aBrowser()
    await ask(servers[0].port, ["put", "count", 0])
    const times = 40

    await Promise.all(
      Array.from({ length: times }, (_, nth) =>
        ask(servers[nth % 2 === 0 ? 0 : 1].port, ["increment", "count"])
      )
    )

    expect((await ask(servers[0].port)).before.count).toBe(times)
    expect((await ask(servers[1].port)).before.count).toBe(times)
  })

  it.each([
    ["effect3", "effect4"],
    ["effect4", "effect3"]
  ] as const)(
    "a rolling change from %s to %s logs nobody out",
    { timeout: patience },
    async (from, to) => {
      const before = await Promise.all([start(from), start(from)])
      const browsers = Array.from({ length: 4 }, (_, nth) => ({
        ask: aBrowser(),
        user: `user ${nth}`
      }))
      for (const [nth, { ask, user }] of browsers.entries()) {
        await ask(before[nth % 2 === 0 ? 0 : 1].port, ["login", user])
      }
      const visitAll = async (port: number) => {
        for (const { ask, user } of browsers) {
          expect((await ask(port, ["increment", "visits"])).userId).toBe(user)
        }
      }

      // One after the other is replaced, and everybody visits every server that there is.
      const first = await start(to)
      await before[0].stop()
      for (const { port } of [first, before[1]]) await visitAll(port)
      const second = await start(to)
      await before[1].stop()
      for (const { port } of [first, second]) await visitAll(port)

      for (const { ask } of browsers) expect((await ask(second.port)).before.visits).toBe(4)
    }
  )
})

describe.each(["postgres", "files"] as const)(
  "a history of both lines on %s, with faults",
  (store) => {
    let cluster: Cluster

    beforeAll(async () => {
      cluster = await startCluster(store, [scripts.effect3, scripts.effect4])
    }, patience)

    afterAll(() => cluster?.close())

    it.each([1, 2])(
      "loses, doubles, revives and shows nothing it must not (seed %i)",
      {
        timeout: patience
      },
      async (seed) => {
        const verdict = await runSeed(seed, cluster)

        expect(verdict.violations, reportOf(verdict)).toEqual([])
      }
    )
  }
)
