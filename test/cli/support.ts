/** Runs the command line: in this process, which is fast, or as a person would. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FileSystemSessionStore } from "../../src/index.js"
import { run } from "../../src/internal/cli/app.js"
import { Screen, type Surface } from "../../src/internal/cli/format.js"
import { anId } from "../../src/internal/conformance/records.js"
import { type SessionRecord, SessionStore, type SessionStoreError } from "../../src/SessionStore.js"

const root = resolve(import.meta.dirname, "../..")

/** What Node runs as the command line. */
export const entry = [
  "--import",
  createRequire(import.meta.url).resolve("tsx"),
  join(root, "src/cli.ts")
]

/** What a command left behind. */
export interface Outcome {
  readonly code: number
  readonly output: string
  readonly errors: string
}

type Variables = Readonly<Record<string, string>>

/** A directory that is gone after the test, with the command line run on it. */
export interface Place {
  readonly directory: string
  /** Where the sessions lie that the command line works on, unless the variables say otherwise. */
  readonly files: string
  /** Runs a command in this process, with nothing but these variables as its environment. */
  readonly run: (
    args: ReadonlyArray<string>,
    variables?: Variables,
    screen?: Surface
  ) => Promise<Outcome>
}

/** No terminal: text goes into a file or a pipe. */
const pipe: Surface = { width: undefined, hasColours: false }

/** Gives a test a place of its own. */
export const inPlace = async (body: (place: Place) => Promise<void>): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), "effect-session-cli-"))
  const files = join(directory, "sessions")
  try {
    await body({
      directory,
      files,
      run: (args, variables, screen = pipe) =>
        runHere(args, { SESSION_FILES: files, ...variables }, screen)
    })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const runHere = (
  args: ReadonlyArray<string>,
  variables: Variables,
  screen: Surface
): Promise<Outcome> => {
  const printed = { output: "", errors: "" }
  const print = (stream: keyof typeof printed) => (text: unknown) =>
    Effect.sync(() => {
      printed[stream] += `${text}\n`
    })
  return Effect.consoleWith((console) =>
    Effect.withConsole(run(["node", "effect-session", ...args], "0.0.0", { ...variables }), {
      ...console,
      log: print("output"),
      error: print("errors")
    })
  ).pipe(
    Effect.provideService(Screen, screen),
    Effect.provide(NodeContext.layer),
    Effect.map((code) => ({ code, ...printed })),
    Effect.runPromise
  )
}

/** Runs a command as a person would: a process of its own, in a directory, with these variables. */
export const runAsProcess = (
  directory: string,
  args: ReadonlyArray<string>,
  variables: Variables = {}
): Promise<Outcome> => startProcess(directory, args, variables).outcome

/** A command that runs as a process of its own. */
export interface Running {
  readonly process: ChildProcess
  readonly outcome: Promise<Outcome>
}

/** Starts a command as a person would. */
export const startProcess = (
  directory: string,
  args: ReadonlyArray<string>,
  variables: Variables = {}
): Running => {
  const child = spawn(process.execPath, [...entry, ...args], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, ...variables },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const printed = { output: "", errors: "" }
  child.stdout.on("data", (text) => {
    printed.output += text
  })
  child.stderr.on("data", (text) => {
    printed.errors += text
  })
  const outcome = once(child, "close").then(([code]) => ({ code: code ?? -1, ...printed }))
  return { process: child, outcome }
}

/** A record that lives for an hour. */
export const aRecord = (given: Partial<SessionRecord> = {}): SessionRecord => {
  const now = Date.now()
  return {
    id: anId(),
    namespace: "session",
    userId: null,
    ipAddress: "192.0.2.7",
    userAgent: "test",
    createdAtMillis: now - 60_000,
    lastActivityMillis: now,
    expiresAtMillis: now + 3_600_000,
    endedAtMillis: null,
    version: 1,
    previous: null,
    payload: "{}",
    ...given
  }
}

/** Stores records through a store's layer, as a server would have. */
export const seed = <E>(
  layer: Layer.Layer<SessionStore, E>,
  records: ReadonlyArray<SessionRecord>
): Promise<void> =>
  Effect.runPromise(
    Effect.provide(
      Effect.flatMap(SessionStore, (store) =>
        Effect.forEach(records, (record) => store.insert(record), {
          concurrency: 32,
          discard: true
        })
      ),
      layer
    )
  )

/** The filesystem store in a directory. */
export const filesIn = (directory: string): Layer.Layer<SessionStore, SessionStoreError> =>
  Layer.provide(FileSystemSessionStore.layer({ directory, fsync: false }), NodeContext.layer)
