/**
 * The connections of a Node server and the answers it owes on them, so that it can stop in order: finish every answer,
 * keep no connection, and leave nobody waiting.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { Server as NetServer, type Socket } from "node:net"

/** How long a connection without an answer in flight may outlive the last answer, in milliseconds. */
const lingerMillis = 1000

/** The connections of one server. */
export interface Connections {
  /** Stops listening and closes what is idle; calls back when every answer has left, or the deadline has passed. */
  readonly drain: (deadlineMillis: number, drained: () => void) => void
  /** Calls back when no connection is left, at most a second after the last answer. */
  readonly whenClosed: (closed: () => void) => void
}

/** Follows the connections of a server from now on; requests that nobody serves are answered with 503. */
export const follow = (server: Server): Connections => {
  /** Each connection with the bytes read from it when it was last idle: more means that a request is coming in. */
  const idleAt = new Map<Socket, number>()
  /** The newest unfinished answer of a connection; pipelined ones before it need not be told to close it. */
  const newest = new Map<Socket, ServerResponse>()
  const answers = new Set<ServerResponse>()
  const drained: Array<() => void> = []
  const closed: Array<() => void> = []
  let stopping = false
  let cut: NodeJS.Timeout | undefined

  const isIdle = (socket: Socket) => !newest.has(socket) && idleAt.get(socket) === socket.bytesRead

  const destroyAll = () => {
    for (const socket of idleAt.keys()) socket.destroy()
    // A connection that is still shaking hands is not known here, and must not hold the process either.
    callAll(closed)
  }

  const cutAfter = (millis: number) => {
    clearTimeout(cut)
    cut = setTimeout(destroyAll, millis)
  }

  const settle = () => {
    if (!stopping || answers.size > 0) return
    if (drained.length > 0) {
      cutAfter(lingerMillis)
      // What arrives from here on would find the store closing.
      server.removeAllListeners("upgrade")
      server.removeAllListeners("request").on("request", onRequest)
      callAll(drained)
    }
    if (idleAt.size > 0) return
    clearTimeout(cut)
    callAll(closed)
  }

  const onConnection = (socket: Socket) => {
    idleAt.set(socket, socket.bytesRead)
    socket.once("close", () => {
      idleAt.delete(socket)
      newest.delete(socket)
      settle()
    })
  }

  const onAnswered = (socket: Socket, response: ServerResponse) => {
    answers.delete(response)
    if (newest.get(socket) === response) newest.delete(socket)
    if (idleAt.has(socket)) idleAt.set(socket, socket.bytesRead)
    // Its head left before the server began to stop, with a promise to keep the connection.
    if (stopping && !newest.has(socket)) socket.end()
    settle()
  }

  const onRequest = ({ socket }: IncomingMessage, response: ServerResponse) => {
    answers.add(response)
    newest.set(socket, response)
    response.once("close", () => onAnswered(socket, response))
    releaseWaiters(response)
    if (stopping) response.setHeader("connection", "close")
    if (server.listenerCount("request") === 1) refuse(response)
  }

  server.on("connection", onConnection)
  server.on("secureConnection", onConnection)
  server.prependListener("request", onRequest)

  return {
    drain: (deadlineMillis, done) => {
      drained.push(done)
      if (!stopping) {
        stopping = true
        // Not the HTTP server's own `close`: it destroys connections whose last answer is written but not yet sent.
        NetServer.prototype.close.call(server)
        for (const response of newest.values()) {
          if (!response.headersSent) response.setHeader("connection", "close")
        }
        for (const socket of idleAt.keys()) if (isIdle(socket)) socket.destroy()
        cutAfter(deadlineMillis)
      }
      settle()
    },
    whenClosed: (done) => {
      closed.push(done)
      if (idleAt.size === 0) callAll(closed)
    }
  }
}

/**
 * Node never calls back whoever ends an answer that its client does not want any more, so each would wait for ever: a
 * fiber of the platform that nobody can interrupt, with all it holds. Once the answer is closed they go on.
 */
const releaseWaiters = (response: ServerResponse): void => {
  const waiters: Array<() => void> = []
  let isLost = false
  response.on("newListener", (event, listener: () => void) => {
    if (event !== "finish") return
    if (isLost) setImmediate(listener)
    else waiters.push(listener)
  })
  response.once("close", () => {
    isLost = !response.writableFinished
    if (isLost) callAll(waiters)
  })
}

const refuse = (response: ServerResponse): void => {
  response.writeHead(503, { connection: "close", "retry-after": "1" }).end()
}

const callAll = (callbacks: Array<() => void>): void => {
  for (const callback of callbacks.splice(0)) callback()
}
