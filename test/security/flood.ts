/** As many requests as a server can take: written ahead of the answers, over a few sockets. */
import { connect } from "node:net"

export interface FloodRequest {
  readonly path: string
  /** The value of the `Cookie` header, one byte a character; `undefined` sends none. */
  readonly cookie: string | undefined
}

export interface Outcome {
  /** How many answers had which status. */
  readonly statuses: Readonly<Record<number, number>>
  /** How many `Set-Cookie` lines gave a cookie; those that delete one do not count. */
  readonly cookiesSet: number
}

const sockets = 8

/** Sends all requests, so many `ahead` of the answers on each socket, and waits for all answers. */
export const flood = async (
  url: string,
  requests: ReadonlyArray<FloodRequest>,
  ahead = 4
): Promise<Outcome> => {
  const port = Number(new URL(url).port)
  const shares = Array.from({ length: sockets }, (_, share) =>
    requests.filter((_request, index) => index % sockets === share)
  )
  const outcomes = await Promise.all(shares.map((share) => floodOne(port, share, ahead)))
  const statuses: Record<number, number> = {}
  for (const outcome of outcomes) {
    for (const [status, count] of Object.entries(outcome.statuses)) {
      statuses[Number(status)] = (statuses[Number(status)] ?? 0) + count
    }
  }
  return { statuses, cookiesSet: outcomes.reduce((sum, { cookiesSet }) => sum + cookiesSet, 0) }
}

const textOf = ({ cookie, path }: FloodRequest): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${cookie === undefined ? "" : `Cookie: ${cookie}\r\n`}\r\n`

const floodOne = (
  port: number,
  requests: ReadonlyArray<FloodRequest>,
  ahead: number
): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const statuses: Record<number, number> = {}
    let [sent, answered, cookiesSet, rest] = [0, 0, 0, ""]
    const socket = connect(port, "127.0.0.1")
    const send = () => {
      const batch = requests.slice(sent, answered + ahead)
      sent += batch.length
      if (batch.length > 0) socket.write(Buffer.from(batch.map(textOf).join(""), "latin1"))
    }
    socket.on("connect", send)
    socket.on("error", reject)
    socket.on("close", () => reject(new Error(`The server hung up after ${answered} answers.`)))
    socket.on("data", (chunk) => {
      const text = rest + chunk.toString("latin1")
      const end = text.lastIndexOf("\n") + 1
      rest = text.slice(end)
      for (const line of text.slice(0, end).split("\n")) {
        const status = /HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]
        if (status !== undefined) {
          answered++
          statuses[Number(status)] = (statuses[Number(status)] ?? 0) + 1
        }
        if (/^set-cookie:(?!.*max-age=0)/i.test(line)) cookiesSet++
      }
      if (answered === requests.length) {
        socket.removeAllListeners("close")
        socket.destroy()
        resolve({ statuses, cookiesSet })
      } else {
        send()
      }
    })
  })
