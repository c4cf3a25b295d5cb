/** Starts the server processes of a store, and runs every case against them. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest"
import type { SessionEvent } from "../../src/SessionEvents.js"
import { programOf } from "../support/programOf.js"
import { Client, send } from "./client.js"

export interface Summary {
  readonly id: string
  readonly userId: string | null
  readonly ipAddress: string | null
  readonly userAgent: string | null
  readonly createdAt: number
  readonly lastActivity: number
  readonly expiresAt: number
  readonly payloadBytes: number
}

/** The running server processes of one store. */
export interface Harness {
  readonly store: string
  /** What the store was started with: the directory, for files. */
  readonly argument: string
  readonly nodes: number
  /** A visitor without a cookie. */
  readonly client: (app?: string) => Client
  readonly port: (app: string, node?: number) => number
  /** Moves the clock of every process. */
  readonly advance: (millis: number) => Promise<void>
  /** The servers' clock. */
  readonly now: () => Promise<number>
  /** Waits until a handler of that process stands at the gate. */
  readonly entered: (name: string, node?: number) => Promise<unknown>
  readonly open: (name: string, node?: number) => Promise<unknown>
  readonly admin: (command: string, given?: object, node?: number) => Promise<unknown>
  readonly sessions: (namespace?: string) => Promise<ReadonlyArray<Summary>>
  readonly events: (node?: number) => Promise<ReadonlyArray<SessionEvent>>
  /** A name that no other case uses. */
  readonly unique: (word: string) => string
}

/** One claim about the library. */
export type Case = readonly [claim: string, test: (harness: Harness) => Promise<void>]

export interface Started {
  readonly store: string
  readonly argument: string
  readonly nodes: number
}

type Ports = Readonly<Record<string, number>>

const script = new URL("./server.ts", import.meta.url).pathname

const startProcess = async ({ store, argument }: Started, children: Array<ChildProcess>) => {
  const child = spawn(process.execPath, [programOf(script), store, argument], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })
  const [line] = await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(() => {
      throw new Error(`The server of ${store} ended before it listened.`)
    })
  ])
  // The line is written by `server.ts`.
  return JSON.parse(String(line)) as Ports
}

export interface Running extends Harness {
  readonly stop: () => Promise<void>
}

export const startServers = async (started: Started): Promise<Running> => {
  const children: Array<ChildProcess> = []
  const processes = await Promise.all(
    Array.from({ length: started.nodes }, () => startProcess(started, children))
  )
  const port = (app: string, node = 0): number => {
    const found = processes[node % processes.length]?.[app]
    if (found === undefined) throw new Error(`There is no app named ${app}.`)
    return found
  }
  const admin = async (command: string, given: object = {}, node = 0): Promise<unknown> => {
    const body = JSON.stringify({ command, ...given })
    const answer = await send(
      port("control", node),
      { method: "POST", path: "/", body, send: { "content-type": "application/json" } },
      undefined
    )
    if (answer.status !== 200) throw new Error(`${command}: ${answer.status} ${answer.text}`)
    return JSON.parse(answer.text).value
  }
  let names = 0
  return {
    ...started,
    port,
    admin,
    client: (app = "main") => new Client(processes.map((ports) => ports[app] as number)),
    advance: async (millis) => {
      await Promise.all(processes.map((_, node) => admin("advance", { millis }, node)))
    },
    now: async () => Number(await admin("now")),
    entered: (name, node) => admin("entered", { name }, node),
    open: (name, node) => admin("open", { name }, node),
    // These are what `server.ts` answers with.
    sessions: async (namespace) => (await admin("active", { namespace })) as ReadonlyArray<Summary>,
    events: async (node) => (await admin("events", {}, node)) as ReadonlyArray<SessionEvent>,
    unique: (word) => `${word}-${++names}`,
    stop: async () => {
      for (const child of children) {
        if (child.exitCode !== null) continue
        child.stdin?.end()
        await once(child, "exit")
      }
    }
  }
}

/** Runs the cases on a store; those in `known` are bugs that are open, and must still fail. */
export const runCases = (
  started: () => Started | Promise<Started>,
  groups: Readonly<Record<string, ReadonlyArray<Case>>>,
  known: ReadonlySet<string> = new Set()
): void => {
  let running: Running
  beforeAll(async () => {
    running = await startServers(await started())
  })
  afterAll(() => running?.stop())
  // Listings stay short, and no case sees what another left.
  beforeEach(async () => {
    await running.admin("revokeAll")
  })
  for (const [group, cases] of Object.entries(groups)) {
    describe(group, () => {
      for (const [claim, test] of cases) {
        const register = known.has(claim) ? it.fails : it
        register(claim, () => test(running))
      }
    })
  }
}
