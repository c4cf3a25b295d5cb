/** Hands the requests of `node:http` to the web handler, because Node has no server that takes one. It runs on Bun and Deno, too. */
import { createServer, type IncomingMessage } from "node:http"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { dispose, handler } from "./app.js"

const requestOf = (incoming: IncomingMessage): Request => {
  const { headers, method = "GET", url = "/" } = incoming
  const given = Object.entries(headers).map(([name, value]) => [name, String(value)])
  return new Request(new URL(url, `http://${headers.host}`), {
    method,
    headers: Object.fromEntries(given),
    ...(method === "GET" || method === "HEAD"
      ? {}
      : { body: Readable.toWeb(incoming), duplex: "half" })
  })
}

const server = createServer(async (incoming, outgoing) => {
  const response = await handler(requestOf(incoming))
  outgoing.writeHead(response.status, [...response.headers].flat())
  await pipeline(response.body ?? [], outgoing)
})

server.listen(Number(process.env.PORT ?? 3000), () => {
  const address = server.address()
  console.log(`Listening on http://localhost:${typeof address === "object" ? address?.port : ""}`)
})

// The store closes after the last request.
process.once("SIGTERM", () => server.close(() => void dispose()))
