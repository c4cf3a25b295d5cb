/** A round-robin proxy: the simplest load balancer, without sticky sessions. It skips a server that does not answer. */
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse
} from "node:http"

/** Makes a proxy that sends each request to the next of these ports. */
export const makeProxy = (ports: ReadonlyArray<number>): Server => {
  let turn = 0
  return createServer((incoming, outgoing) => {
    const chunks: Array<Buffer> = []
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk))
    incoming.on("end", () => {
      turn += 1
      const order = ports.map((_, index) => ports[(turn + index) % ports.length] as number)
      pass(incoming, Buffer.concat(chunks), outgoing, order)
    })
  })
}

const pass = (
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse,
  [port, ...others]: ReadonlyArray<number>
): void => {
  if (port === undefined) {
    outgoing.writeHead(502, { "content-type": "text/plain" }).end("No server is available.\n")
    return
  }
  // Keep the browser's Host header, because the CSRF check compares it with the origin of a form.
  const headers = { ...incoming.headers, "x-forwarded-for": incoming.socket.remoteAddress ?? "" }
  const { method, url: path } = incoming
  const asked = request({ host: "127.0.0.1", port, method, path, headers, agent: false })
  asked.on("response", (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
  })
  asked.on("error", (error) => {
    if (outgoing.headersSent) outgoing.destroy()
    // Try another server only if this one refused the connection. Otherwise the request may have been carried out.
    else pass(incoming, body, outgoing, wasRefused(error) ? others : [])
  })
  asked.end(body)
}

const wasRefused = (error: Error): boolean => "code" in error && error.code === "ECONNREFUSED"
