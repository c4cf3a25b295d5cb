/** Stores with a known fault are found out: the history check can fail. */
import type { ChildProcess } from "node:child_process"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { endProcess, freePort } from "../support/process.js"
import { brokenNames, denyingName } from "./broken.js"
import { rowsAt, startProcess } from "./cluster.js"
import { runSeed } from "./run.js"
import type { Listener } from "./server.js"

describe("a store that is broken", () => {
  let child: ChildProcess
  const ports = new Map<string, readonly [number, number]>()

  beforeAll(async () => {
    const listeners: Array<Listener> = []
    for (const store of [...brokenNames, denyingName]) {
      const pair = [await freePort(), await freePort()] as const
      ports.set(store, pair)
      listeners.push(...pair.map((port) => ({ store, argument: "", port })))
    }
    child = await startProcess(listeners)
  })

  afterAll(() => endProcess(child, "SIGKILL"))

  /** What the first seed that finds something finds. */
  const violationsOf = async (name: string, seeds: number): Promise<ReadonlyArray<string>> => {
    const pair = ports.get(name) as readonly [number, number]
    const cluster = {
      of: (node: 0 | 1) => pair[node],
      faults: [],
      suffer: async () => {},
      rows: () => rowsAt(pair[0])
    }
    for (let seed = 1; seed <= seeds; seed++) {
      const { violations } = await runSeed(seed, cluster)
      if (violations.length > 0) return violations
    }
    return []
  }

  it.each(brokenNames)("is found within ten seeds: %s", async (name) => {
    expect(await violationsOf(name, 10)).not.toEqual([])
  })

  it("is not taken for broken when it only denies a write that it has made", async () => {
    expect(await violationsOf(denyingName, 3)).toEqual([])
  })
})
