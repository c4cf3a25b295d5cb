/** A TCP proxy before a database that loses a reply or stands still. */
import { connect, createServer, type Socket } from "node:net"
import { onTestFinished } from "vitest"

interface Which {
  readonly passing?: number
  readonly times?: number
}

export interface Proxy {
  readonly port: number
  /** The same URL through the proxy. */
  readonly through: (url: string) => string
  /**
   * Lets the next request that contains this text reach the database, and cuts the connection when the reply comes: it
   * was carried out and nobody is told. `passing` such requests are answered before, and as many as `times` (default 1)
   * are not. Succeeds once that has happened.
   */
  readonly loseReplyTo: (text: string, which?: Which) => Promise<void>
  /** Passes nothing on any more, in either direction, without closing anything. */
  readonly stall: () => void
  readonly resume: () => void
  /** Leaves the connections that there are as they are, and serves new ones. */
  readonly forget: () => void
}

export const startProxy = async (target: URL): Promise<Proxy> => {
  const pairs = new Set<readonly [Socket, Socket]>()
  let stalled = false
  let armed: { text: string; passing: number; times: number; lost: () => void } | undefined

  const server = createServer((client) => {
    const database = connect(Number(target.port), target.hostname)
    const pair = [client, database] as const
    let losing: (() => void) | undefined
    const cut = () => {
      pairs.delete(pair)
      client.destroy()
      database.destroy()
    }
    pairs.add(pair)
    for (const one of pair) {
      one.on("error", cut)
      one.on("close", cut)
      if (stalled) one.pause()
    }
    client.on("data", (sent) => {
      if (armed !== undefined && sent.includes(armed.text)) {
        const { lost } = armed
        if (armed.passing > 0) armed.passing -= 1
        else if (armed.times > 1) {
          armed.times -= 1
          losing = () => {}
        } else {
          losing = lost
          armed = undefined
        }
      }
      database.write(sent)
    })
    database.on("data", (reply) => {
      if (losing === undefined) client.write(reply)
      else {
        cut()
        losing()
        losing = undefined
      }
    })
  })
  const port = await listen(server)
  const all = () => [...pairs].flat()
  onTestFinished(() => {
    for (const one of all()) one.destroy()
    server.close()
  })
  return {
    port,
    through: (url) => {
      const changed = new URL(url)
      changed.port = String(port)
      changed.hostname = "127.0.0.1"
      return changed.href
    },
    loseReplyTo: (text, { passing = 0, times = 1 } = {}) =>
      new Promise((lost) => {
        armed = { text, passing, times, lost }
      }),
    stall: () => {
      stalled = true
      for (const one of all()) one.pause()
    },
    resume: () => {
      stalled = false
      for (const one of all()) one.resume()
    },
    forget: () => {
      stalled = false
    }
  }
}

const listen = (server: ReturnType<typeof createServer>): Promise<number> =>
  new Promise((resolve, reject) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      if (typeof address === "object" && address !== null) resolve(address.port)
      else reject(new Error("The proxy listens on no port."))
    })
  })
