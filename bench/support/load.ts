/** A small HTTP client for load: keep-alive sockets, one request at a time on each, a jar for the cookies. */
import { connect, type Socket } from "node:net"

export interface Outcome {
  readonly requests: number
  /** Answers that were not 200. */
  readonly failures: number
  readonly seconds: number
  /** Milliseconds, sorted. */
  readonly latencies: Float64Array
}

/** One visitor: a connection and the cookies it was given last, or whose it was told to be. */
export interface Visitor {
  /** The `Cookie` header. */
  cookie: string
  readonly send: (path: string) => Promise<number>
  readonly close: () => void
}

const open = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket))
    socket.once("error", reject)
  })

const cookiesAfter = (before: string, head: string): string => {
  const given = Array.from(head.matchAll(/^set-cookie: ([^;\r]+)/gim), ([, pair = ""]) => pair)
  if (given.length === 0) return before
  const pairs = [...before.split("; "), ...given].filter((pair) => pair !== "")
  return [...new Map(pairs.map((pair) => [pair.split("=", 1)[0], pair])).values()].join("; ")
}

/** Connects one visitor. */
export const visitor = async (port: number): Promise<Visitor> => {
  const socket = await open(port)
  let received = ""
  let settle: ((status: number) => void) | undefined
  let refuse: ((error: Error) => void) | undefined
  socket.setEncoding("latin1")
  socket.on("data", (chunk) => {
    received += chunk
    const end = received.indexOf("\r\n\r\n")
    if (end < 0) return
    const head = received.slice(0, end)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (received.length < end + 4 + length) return
    received = ""
    self.cookie = cookiesAfter(self.cookie, head)
    settle?.(Number(head.slice(9, 12)))
  })
  const lost = () => refuse?.(new Error("The connection was closed."))
  socket.on("close", lost)
  socket.on("error", lost)
  const self: Visitor = {
    cookie: "",
    send: (path) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) throw new Error("The connection was closed.")
        settle = resolve
        refuse = reject
        const header = self.cookie === "" ? "" : `cookie: ${self.cookie}\r\n`
        socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n${header}\r\n`)
      }),
    close: () => {
      refuse = undefined
      socket.destroy()
    }
  }
  return self
}

/** Connects so many visitors, each with a session of its own. */
export const visitors = async (port: number, count: number): Promise<ReadonlyArray<Visitor>> => {
  const all = await Promise.all(Array.from({ length: count }, () => visitor(port)))
  const statuses = await Promise.all(all.map((one) => one.send("/write")))
  if (statuses.some((status) => status !== 200)) throw new Error(`/write answered ${statuses}`)
  return all
}

/** Lets every visitor ask for `path` again and again; with `cookies` each time as another one of them. */
export const run = async (
  all: ReadonlyArray<Visitor>,
  path: string,
  seconds: number,
  cookies: ReadonlyArray<string> = []
): Promise<Outcome> => {
  const latencies: Array<number> = []
  let failures = 0
  const began = performance.now()
  const end = began + seconds * 1000
  const visit = async (one: Visitor) => {
    for (let before = performance.now(); before < end; ) {
      one.cookie = cookies[Math.floor(Math.random() * cookies.length)] ?? one.cookie
      const status = await one.send(path)
      const after = performance.now()
      if (status !== 200) failures += 1
      latencies.push(after - before)
      before = after
    }
  }
  await Promise.all(all.map(visit))
  return {
    requests: latencies.length,
    failures,
    seconds: (performance.now() - began) / 1000,
    latencies: Float64Array.from(latencies).sort()
  }
}

export const quantile = (sorted: ArrayLike<number>, part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

export const median = (values: ReadonlyArray<number>): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5
  )
