/**
 * The connections of a Node server and the answers it owes on them. With these the server stops in order: it finishes
 * every answer, keeps no connection and lets no client wait.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { Server as NetServer, type Socket } from "node:net"
import { Server as TlsServer } from "node:tls"
import { refuse } from "./unserved.js"

/** How many milliseconds a connection may outlive the last answer. */
const lingerMillis = 1000

/** Follows the connections of one server from now on. Answers requests that nothing serves with 503. */
export class Connections {
  /** Each connection, with the bytes read from it when it was last idle. More bytes mean that a request is coming in. */
  private readonly idleAt = new Map<Socket, number>()
  /** The newest unfinished answer of a connection. Pipelined ones before it need not be told to close it. */
  private readonly newest = new Map<Socket, ServerResponse>()
  private readonly answers = new Set<ServerResponse>()
  private readonly drained: Array<() => void> = []
  private readonly closed: Array<() => void> = []
  private stopping = false
  private cut: NodeJS.Timeout | undefined

  constructor(private readonly server: Server) {
    const isSecure = server instanceof TlsServer
    server.on(isSecure ? "secureConnection" : "connection", this.onConnection)
    server.prependListener("request", this.onRequest)
  }

  /** Stops listening and closes what is idle. Calls back when every answer has left or the deadline has passed. */
  drain(deadlineMillis: number, drained: () => void): void {
    this.drained.push(drained)
    if (!this.stopping) this.stop(deadlineMillis)
    this.proceed()
  }

  /** Calls back when no connection is left, at the latest a second after the last answer. */
  whenClosed(closed: () => void): void {
    this.closed.push(closed)
    if (this.idleAt.size === 0) callAll(this.closed)
  }

  private stop(deadlineMillis: number): void {
    this.stopping = true
    // The HTTP server's own `close` destroys connections whose last answer is written but not yet sent.
    NetServer.prototype.close.call(this.server)
    for (const response of this.newest.values()) {
      if (!response.headersSent) response.setHeader("connection", "close")
    }
    for (const socket of this.idleAt.keys()) if (this.isIdle(socket)) socket.destroy()
    this.cutAfter(deadlineMillis)
  }

  /** Goes on with the stop once all answers have left, and ends it once all connections have. */
  private proceed(): void {
    if (!this.stopping || this.answers.size > 0) return
    if (this.drained.length > 0) {
      this.cutAfter(lingerMillis)
      // A request that arrives now would find the store closing.
      this.server.removeAllListeners("upgrade")
      this.server.removeAllListeners("request").on("request", this.onRequest)
      callAll(this.drained)
    }
    if (this.idleAt.size > 0) return
    clearTimeout(this.cut)
    callAll(this.closed)
  }

  private isIdle(socket: Socket): boolean {
    return !this.newest.has(socket) && this.idleAt.get(socket) === socket.bytesRead
  }

  private cutAfter(millis: number): void {
    clearTimeout(this.cut)
    this.cut = setTimeout(() => {
      for (const socket of this.idleAt.keys()) socket.destroy()
      callAll(this.closed)
    }, millis)
  }

  private readonly onConnection = (socket: Socket): void => {
    this.idleAt.set(socket, socket.bytesRead)
    socket.once("close", () => {
      this.idleAt.delete(socket)
      this.newest.delete(socket)
      this.proceed()
    })
  }

  private readonly onRequest = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    this.answers.add(response)
    this.newest.set(socket, response)
    response.once("close", () => this.onAnswered(socket, response))
    releaseWaiters(response)
    if (this.stopping) response.setHeader("connection", "close")
    if (this.server.listenerCount("request") === 1) refuse(response)
  }

  private onAnswered(socket: Socket, response: ServerResponse): void {
    this.answers.delete(response)
    if (this.newest.get(socket) === response) this.newest.delete(socket)
    if (this.idleAt.has(socket)) this.idleAt.set(socket, socket.bytesRead)
    // The head of this answer left before the stop, with a promise to keep the connection.
    if (this.stopping && !this.newest.has(socket)) socket.end()
    this.proceed()
  }
}

/**
 * Calls what waits for the end of an answer when its client goes away. Node does not, and the platform's fiber that waits
 * cannot be interrupted: it would stay for ever, with all it holds.
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

const callAll = (callbacks: Array<() => void>): void => {
  for (const callback of callbacks.splice(0)) callback()
}
