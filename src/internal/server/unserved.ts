/**
 * Requests to a Node server that nothing serves. The platform's server listens as soon as its layer is built, and until its
 * layer is closed; an app is served for a part of that time only. Node lets a request outside it wait without end.
 */
import { subscribe } from "node:diagnostics_channel"
import type { Server, ServerResponse } from "node:http"

/** What Node tells of each request before the server's listeners hear of it. */
interface RequestStart {
  readonly server: Server
  readonly response: ServerResponse
}

/** Answers from now on, on every Node server of this process, the requests that have no listener. */
export const answerUnserved = (): void =>
  subscribe("http.server.request.start", (message) => {
    // The channel says `unknown` of its messages.
    const { response, server } = message as RequestStart
    if (isServed(server) || response.headersSent) return
    refuse(response)
  })

const isServed = (server: Server): boolean =>
  server.listenerCount("request") > 0 ||
  server.listenerCount("checkContinue") > 0 ||
  server.listenerCount("checkExpectation") > 0

/** Answers that the client may come again in a second. */
export const refuse = (response: ServerResponse): void => {
  response.writeHead(503, { connection: "close", "retry-after": "1" }).end()
}
