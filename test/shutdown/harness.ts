/** Starts the server of this folder as a process, and talks to it over sockets that stay in the test's hands. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { createInterface } from "node:readline"
import { endProcess, eventually } from "../support/process.js"
import { programOf } from "../support/programOf.js"
import type { StoreName } from "../support/serverStores.js"

const script = new URL("./server.ts", import.meta.url).pathname

export interface ServerProcess {
  readonly port: number
  readonly child: ChildProcess
  /** Resolves with the exit code, or the signal's name. */
  readonly exited: Promise<number | string>
  /** Resolves when so many requests have come as far as their wait. */
  readonly entered: (count: number) => Promise<void>
  readonly stop: () => void
  readonly kill: () => Promise<void>
}

/** How a server process is made. */
export interface Setup {
  readonly store: StoreName
  /** The directory, file or URL of the store. */
  readonly argument: string
  readonly server: "graceful" | "platform"
  /** Which of the two layers is provided last: it is built first and closed last. */
  readonly outermost: "server" | "store"
  readonly port: number
  readonly deadlineMillis: number
  readonly opensAfterMillis: number
}

const usual: Setup = {
  store: "memory",
  argument: "",
  server: "graceful",
  outermost: "server",
  port: 0,
  deadlineMillis: 10_000,
  opensAfterMillis: 0
}

/** Starts a server, and waits until it serves. */
export const startServer = async (changes: Partial<Setup> = {}): Promise<ServerProcess> => {
  const setup = { ...usual, ...changes }
  const child = spawnServer(setup)
  const exited = once(child, "exit").then(([code, signal]) => code ?? signal)
  const lines = createInterface({ input: child.stdout })
  const ended = exited.then(() => Promise.reject(new Error(`The server of ${setup.store} ended.`)))
  const [line] = await Promise.race([once(lines, "line"), ended])
  ended.catch(() => {})
  const port = Number(line)
  return {
    port,
    child,
    exited,
    entered: (count) =>
      eventually(async () => {
        const { text } = await ask(port, "/entered")
        if (!(Number(text) >= count)) throw new Error(`${text} of ${count} requests came.`)
      }),
    stop: () => {
      child.kill("SIGTERM")
    },
    kill: () => endProcess(child, "SIGKILL")
  }
}

const spawnServer = (setup: Setup) =>
  spawn(process.execPath, [programOf(script), JSON.stringify(setup)], {
    stdio: ["ignore", "pipe", "inherit"]
  })

export interface Answer {
  readonly status: number
  readonly head: string
  readonly text: string
  /** The session cookie that was set, as name and value. */
  readonly cookie: string | undefined
  readonly atMillis: number
}

/** One connection, and everything that came over it. */
export interface Line {
  readonly socket: Socket
  readonly received: () => string
  /** Resolves when the connection is gone, with everything that came. */
  readonly closed: Promise<string>
  readonly write: (text: string) => void
}

export const dial = async (port: number): Promise<Line> => {
  const socket = connect({ port, host: "127.0.0.1" })
  let received = ""
  socket.setEncoding("latin1")
  socket.on("data", (chunk) => {
    received += chunk
  })
  // A connection that is reset is closed as well.
  socket.on("error", () => {})
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(received)))
  await once(socket, "connect")
  return { socket, received: () => received, closed, write: (text) => void socket.write(text) }
}

export const request = (path: string, cookie = "", more = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${cookie === "" ? "" : `Cookie: ${cookie}\r\n`}${more}\r\n`

/** Sends one request on a connection of its own, which stays open as a browser's would. */
export const ask = async (port: number, path: string, cookie = ""): Promise<Answer> => {
  const line = await dial(port)
  line.write(request(path, cookie))
  return answered(line)
}

/** Waits for a whole answer with a length, or for the end of the connection. */
export const answered = async (line: Line): Promise<Answer> => {
  while (!isWhole(line.received()) && !line.socket.closed) {
    await Promise.race([once(line.socket, "data"), line.closed])
  }
  return parse(line.received())
}

const isWhole = (text: string): boolean => {
  const end = text.indexOf("\r\n\r\n")
  const length = /content-length: (\d+)/i.exec(text.slice(0, end))?.[1]
  return end >= 0 && length !== undefined && text.length >= end + 4 + Number(length)
}

const parse = (received: string): Answer => {
  const end = received.indexOf("\r\n\r\n")
  const head = received.slice(0, end)
  return {
    status: Number(received.slice(9, 12)),
    head: head.toLowerCase(),
    text: received.slice(end + 4),
    cookie: /set-cookie: ([^;]+)/i.exec(head)?.[1],
    atMillis: performance.now()
  }
}
