/** A server with sessions in a process of its own, and clients that come back with their cookie. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { Agent, type IncomingMessage, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { expect, onTestFinished } from "vitest"
import { programOf } from "../../support/programOf.js"
import type { Setting } from "../workers/server.js"
import { asNobody } from "./machine.js"

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly setCookies: ReadonlyArray<string>
  readonly retryAfter: string | undefined
}

export interface Client {
  readonly cookie: () => string | undefined
  readonly send: (path: string) => Promise<Answer>
}

export interface FaultServer {
  readonly child: ChildProcess
  /** A browser: one cookie, that of `like` if given, and one connection that is kept. */
  readonly client: (like?: Client) => Client
}

/** How long a client waits for an answer: far longer than the library may take, so that a hang is a failure. */
const patienceMillis = 20_000

const script = new URL("../workers/server.ts", import.meta.url).pathname

/** A copy of the program for the time of a test, which any user may read: the repository may be its owner's alone. */
const copyForAnybody = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "effect-session-program-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, "server.cjs")
  copyFileSync(programOf(script), path)
  chmodSync(directory, 0o755)
  chmodSync(path, 0o644)
  return path
}

/** Starts the server, behind what is to be put before the command, for the time of a test. */
export const startServer = async (
  setting: Setting,
  before: ReadonlyArray<string> = []
): Promise<FaultServer> => {
  const program = before === asNobody ? copyForAnybody() : programOf(script)
  const command = [...before, process.execPath, program, JSON.stringify(setting)]
  const child = spawn(command[0] ?? "", command.slice(1), {
    stdio: ["pipe", "pipe", "inherit"],
    // One thread, so that a fault in the n-th call of a kind is in the n-th call of the process.
    env: { ...process.env, ...(before[0] === "strace" ? { UV_THREADPOOL_SIZE: "1" } : {}) }
  })
  const exited = once(child, "exit")
  const agents: Array<Agent> = []
  onTestFinished(async () => {
    for (const agent of agents) agent.destroy()
    // The worker ends with its input, also behind a tracer that could not pass a signal on.
    child.stdin.destroy()
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000)
    await exited
    clearTimeout(timer)
  })
  const port = await portOf(child)
  return {
    child,
    client: (like) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      agents.push(agent)
      return makeClient(port, agent, like?.cookie())
    }
  }
}

const portOf = async (child: ChildProcess): Promise<number> => {
  if (child.stdout === null) throw new Error("The server has no output.")
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("port ")) return Number(line.slice(5))
  }
  throw new Error("The server ended before it listened.")
}

const makeClient = (port: number, agent: Agent, given: string | undefined): Client => {
  let cookie = given
  return {
    cookie: () => cookie,
    send: async (path) => {
      const headers = cookie === undefined ? {} : { cookie }
      const sent = request({ host: "127.0.0.1", port, path, agent, headers })
      const timer = setTimeout(() => sent.destroy(new Error("No answer came.")), patienceMillis)
      sent.end()
      const [response]: Array<IncomingMessage> = await once(sent, "response")
      if (response === undefined) throw new Error("No answer came.")
      let text = ""
      for await (const chunk of response) text += chunk
      clearTimeout(timer)
      const setCookies = response.headers["set-cookie"] ?? []
      for (const line of setCookies) cookie = line.split(";", 1)[0]
      return {
        status: response.statusCode ?? 0,
        body: text.startsWith("{") ? JSON.parse(text) : text,
        setCookies,
        retryAfter: response.headers["retry-after"]
      }
    }
  }
}

/** What every refusal for the store's sake must be: 503, when to come back, and no word about the cookie. */
export const refused = { status: 503, setCookies: [], retryAfter: expect.any(String) }

/** An answer of `/increment` or `/read`. */
export const counted = (count: number | null) => ({ status: 200, body: { count } })
