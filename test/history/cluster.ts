/** The two servers of a store, and the faults that befall them. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { type Backing, openBacking } from "../support/backing.js"
import { endProcess, eventually, freePort, pause } from "../support/process.js"
import { programOf } from "../support/programOf.js"
import type { StoreName } from "../support/serverStores.js"
import { fetchText } from "./client.js"
import type { Fault } from "./program.js"
import type { Ports } from "./record.js"
import type { Listener, Row } from "./server.js"

/** The program of a server. */
export const ownScript = new URL("./server.ts", import.meta.url).pathname

export const startProcess = async (
  listeners: ReadonlyArray<Listener>,
  script = ownScript
): Promise<ChildProcess> => {
  const child = spawn(
    process.execPath,
    [programOf(script), JSON.stringify(listeners)],
    // A pipe that ends with this process ends the server too.
    { stdio: ["pipe", "pipe", "inherit"] }
  )
  const ended = new Promise<never>((_, reject) =>
    child.once("exit", () => reject(new Error("A server ended before it listened.")))
  )
  ended.catch(() => {})
  await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended])
  return child
}

export interface Cluster extends Ports {
  readonly faults: ReadonlyArray<Fault["kind"]>
  /** Lets a fault happen; resolves when everything is up again. */
  readonly suffer: (fault: Fault | undefined) => Promise<void>
  readonly rows: () => Promise<ReadonlyArray<Row>>
  readonly close: () => Promise<void>
}

/**
 * Two processes, or one with two servers where the sessions are in its memory. `scripts` are their programs, which may be of two
 * versions of the library.
 */
export const startCluster = async (
  store: StoreName,
  scripts: readonly [string, string] = [ownScript, ownScript]
): Promise<Cluster> => {
  const backing = await openBacking(store)
  const ports = [await freePort(), await freePort()] as const
  const listeners = ports.map((port): Listener => ({ store, argument: backing.argument, port }))
  const isOneProcess = store === "memory"
  const children = isOneProcess
    ? [await startProcess(listeners)]
    : await Promise.all(listeners.map((listener, node) => startProcess([listener], scripts[node])))
  const restart = async (node: 0 | 1) => {
    await endProcess(children[node] as ChildProcess, "SIGKILL")
    children[node] = await startProcess([listeners[node] as Listener], scripts[node])
  }
  return {
    of: (node) => ports[node],
    faults: isOneProcess ? [] : ["kill", ...databaseFaults(backing)],
    suffer: async (fault) => {
      if (fault === undefined) return
      await pause(fault.atMillis)
      if (fault.kind === "kill") await restart(fault.node)
      if (fault.kind === "restart") await backing.restart?.()
      if (fault.kind === "disconnect") await disconnectOften(backing)
    },
    rows: () => rowsAt(ports[0]),
    close: async () => {
      await Promise.all(children.map((child) => endProcess(child, "SIGKILL")))
      await backing.close()
    }
  }
}

const databaseFaults = (backing: Backing): ReadonlyArray<Fault["kind"]> => [
  ...(backing.disconnectAll === undefined ? [] : ["disconnect" as const]),
  ...(backing.restart === undefined ? [] : ["restart" as const])
]

const disconnectOften = async (backing: Backing) => {
  for (let times = 0; times < 4; times++) {
    await backing.disconnectAll?.()
    await pause(60)
  }
}

/** What is stored; a database may still be coming back. */
export const rowsAt = (port: number): Promise<ReadonlyArray<Row>> =>
  eventually(async () => JSON.parse(await fetchText(port, "/dump")))
