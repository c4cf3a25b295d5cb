/** Starts the workers, and gives the tests a store in a directory of their own and records to put there. */
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SessionRecord } from "../../../src/core/record/record.js"
import * as FileSystemSessionStore from "../../../src/FileSystemSessionStore.js"
import { programOf } from "../../support/programOf.js"
import * as Records from "../../support/record.js"

/** A running worker. */
export interface Worker {
  readonly child: ChildProcess
  /** Every line it has written so far. */
  readonly lines: ReadonlyArray<string>
  /** Waits for a line that begins like this. */
  readonly said: (beginning: string) => Promise<string>
  /** Waits until it has ended and all it wrote is in `lines`. */
  readonly ended: Promise<void>
}

const path = new URL("./filesystem.ts", import.meta.url).pathname

/** Starts a worker, behind what stands `before` the command. It is killed with the scope at the latest. */
export const startWorker = (
  mode: string,
  directory: string,
  argument: string,
  before: ReadonlyArray<string> = []
) =>
  Effect.acquireRelease(
    Effect.sync(() => start([mode, directory, argument], before)),
    ({ child, ended }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return ended
      })
  )

const start = (given: ReadonlyArray<string>, before: ReadonlyArray<string>): Worker => {
  const [command = "", ...rest] = [...before, process.execPath, programOf(path), ...given]
  const child = spawn(command, rest, {
    stdio: ["pipe", "pipe", "inherit"],
    // One thread behind a tracer, so that the n-th call of a kind in a thread is the n-th one of the process.
    env: { ...process.env, ...(before.length > 0 ? { UV_THREADPOOL_SIZE: "1" } : {}) }
  })
  child.stdin.on("error", () => {})
  const lines: Array<string> = []
  const reader = createInterface({ input: child.stdout })
  const ended = Promise.all([once(reader, "close"), once(child, "exit")]).then(() => {})
  const said = async (beginning: string): Promise<string> => {
    for (;;) {
      const line = lines.find((one) => one.startsWith(beginning))
      if (line !== undefined) return line
      const more = await Promise.race([once(reader, "line"), ended])
      if (more === undefined) throw new Error(`The worker ended: ${lines.slice(-3).join(" | ")}`)
    }
  }
  reader.on("line", (line) => lines.push(line))
  return { child, lines, said, ended }
}

/** An empty directory that goes with the scope. */
export const aDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-session-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** Opens a store on the real file system. */
export const openStore = (options: FileSystemSessionStore.Options) =>
  Effect.provide(FileSystemSessionStore.make(options), NodeContext.layer)

/** A session that lives for an hour and counts in its payload. */
export const aRecord = (id: string, given?: Partial<SessionRecord>): SessionRecord =>
  Records.aRecord({ id, namespace: "faults", payload: "0", ...given })

/** Opens a store whose `FileSystem` is changed by `break_`, which is given the real one. */
export const openBroken = (
  options: FileSystemSessionStore.Options,
  break_: (fs: FileSystem.FileSystem) => Partial<FileSystem.FileSystem>
) => {
  const broken = Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs) => ({ ...fs, ...break_(fs) }))
  )
  return Effect.provide(
    FileSystemSessionStore.make(options),
    Layer.provideMerge(broken, NodeContext.layer)
  )
}
