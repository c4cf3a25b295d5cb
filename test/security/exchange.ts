/** One request as raw bytes, for what no HTTP client would send, and all that came back until the server hung up. */
import { connect } from "node:net"

export const exchange = (url: string, lines: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1")
    let text = ""
    socket.on("connect", () => {
      const head = ["GET /all HTTP/1.1", "Host: localhost", "Connection: close", ...lines]
      socket.write(Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"))
    })
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
    })
    socket.on("error", reject)
    socket.on("close", () => resolve(text))
  })

/** The status of such an answer. */
export const statusOf = (answer: string): number =>
  Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
