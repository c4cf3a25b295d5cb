/** How the examples of the guides are tried: servers of their own, and visitors with cookies. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync } from "node:fs"
import { resolve } from "node:path"
import { endProcess } from "../../support/process.js"

export interface Answer {
  readonly status: number
  readonly location: string | null
  readonly headers: Headers
  readonly text: string
  readonly cookies: ReadonlyArray<string>
}

export type Visit = (path: string, init?: RequestInit) => Promise<Answer>

/** Visits with a cookie of its own. */
export const visitor = (ask: (path: string, init: RequestInit) => Promise<Response>): Visit => {
  let cookie = ""
  return async (path, init = {}) => {
    const headers = new Headers(init.headers)
    headers.set("cookie", cookie)
    const response = await ask(path, { redirect: "manual", ...init, headers })
    const cookies = response.headers.getSetCookie()
    for (const line of cookies) {
      cookie = /max-age=0/i.test(line) ? "" : (line.split(";", 1)[0] ?? "")
    }
    const { headers: answered, status } = response
    const location = answered.get("location")
    return { status, location, headers: answered, text: await response.text(), cookies }
  }
}

/**
 * The server of an example: `newVisitor` has no cookie yet, `later` moves the server's clock on, and `ended` gives the exit
 * code.
 */
export interface Served {
  readonly process: ChildProcess
  readonly origin: string
  readonly newVisitor: () => Visit
  readonly later: (millis: number) => Promise<void>
  readonly printed: () => string
  readonly ended: Promise<number | null>
}

/** What is tried with several servers of an example: `start` starts one with variables of its own. */
export type Tour = (start: (env?: Record<string, string>) => Promise<Served>) => Promise<void>

/** What is tried with a server: by one visitor, and by others where the test makes some. */
export type Journey = (visit: Visit, served: Served) => Promise<void>

/** Loaded before an example, so that a message moves its clock on. */
const movableClock = `data:text/javascript,${encodeURIComponent(`
  const now = Date.now
  let ahead = 0
  Date.now = () => now() + ahead
  process.on("message", (millis) => {
    ahead += millis
    process.send("moved")
  })
`)}`

/** Starts a server of an example. */
const serverOf = async (server: ChildProcess): Promise<Served> => {
  let printed = ""
  const ended = once(server, "exit").then(([code]): number | null => code)
  const port = await new Promise<string>((resolve, reject) => {
    server.once("exit", () => reject(new Error(`The example ended: ${printed}`)))
    server.stdout?.on("data", (text) => {
      printed += text
      const listening = /Listening on http:\/\/\S*:(\d+)/.exec(printed)
      if (listening?.[1] !== undefined) resolve(listening[1])
    })
  })
  const origin = `http://127.0.0.1:${port}`
  return {
    process: server,
    origin,
    newVisitor: () => visitor((path, init) => fetch(`${origin}${path}`, init)),
    later: async (millis) => {
      server.send(millis)
      await once(server, "message")
    },
    printed: () => printed,
    ended
  }
}

const root = resolve(import.meta.dirname, "../../..")

/**
 * Tries an example by servers of it, and ends them. One that is compiled already runs in a directory of its own, another one
 * in that of the project, as its README says.
 */
export const touring =
  (tour: Tour) =>
  async (file: string): Promise<void> => {
    const isSource = file.endsWith(".ts")
    const imports = ["--import", movableClock, ...(isSource ? ["--import", "tsx"] : [])]
    const cwd = isSource ? root : mkdtempSync(`${file}-`)
    const started: Array<ChildProcess> = []
    try {
      await tour((env = {}) => {
        const server = spawn(process.execPath, [...imports, file], {
          cwd,
          env: { ...process.env, PORT: "0", ...env },
          stdio: ["ignore", "pipe", "inherit", "ipc"]
        })
        started.push(server)
        return serverOf(server)
      })
    } finally {
      await Promise.all(started.map((server) => endProcess(server, "SIGKILL")))
    }
  }

/** Tries an example by one server of it. */
export const served = (journey: Journey): ((file: string) => Promise<void>) =>
  touring(async (start) => {
    const server = await start()
    await journey(server.newVisitor(), server)
  })

export const hour = 3_600_000

export const tokenIn = ({ text }: Answer): string =>
  /name="_token" value="([^"]+)"/.exec(text)?.[1] ?? ""

export const form = (fields: Record<string, string>): RequestInit => ({
  method: "POST",
  body: new URLSearchParams(fields)
})

export const seen = ({ location, status }: Answer) => [status, location]
