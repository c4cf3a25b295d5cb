/** The graceful server behind TLS. */
import { createServer } from "node:https"
import { connect } from "node:tls"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { expect, it } from "vitest"
import * as GracefulHttpServer from "../../src/GracefulHttpServer.js"
import { request } from "./harness.js"

// Ciphers that need no certificate, so that the test needs none.
const anonymous = {
  ciphers: "aNULL:@SECLEVEL=0",
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.2"
} as const

const dialSecurely = (port: number) => {
  const socket = connect({ ...anonymous, host: "127.0.0.1", port, rejectUnauthorized: false })
  let received = ""
  socket.setEncoding("latin1").on("data", (chunk) => {
    received += chunk
  })
  const closed = new Promise<string>((resolve) => socket.on("close", () => resolve(received)))
  const secured = new Promise<void>((resolve) => socket.once("secureConnect", () => resolve()))
  return { socket, closed, secured }
}

it("closes idle secure connections at once and finishes the answer that is due", async () => {
  const entered = Effect.runSync(Deferred.make<void>())
  const left = Effect.runSync(Deferred.make<void>())
  const app = Effect.gen(function* () {
    yield* Deferred.succeed(entered, undefined)
    yield* Deferred.await(left)
    return HttpServerResponse.text("whole")
  })
  const server = GracefulHttpServer.layer(() => createServer(anonymous), {
    port: 0,
    host: "127.0.0.1"
  })
  const runtime = ManagedRuntime.make(Layer.provideMerge(HttpServer.serve(app), server))
  const { address } = await runtime.runPromise(HttpServer.HttpServer)
  const port = address._tag === "TcpAddress" ? address.port : 0
  const idle = dialSecurely(port)
  const due = dialSecurely(port)
  await Promise.all([idle.secured, due.secured])
  due.socket.write(request("/"))
  await Effect.runPromise(Deferred.await(entered))

  const stopped = runtime.dispose()
  await idle.closed
  await Effect.runPromise(Deferred.succeed(left, undefined))

  const answer = await due.closed
  await stopped
  expect(answer).toContain("HTTP/1.1 200")
  expect(answer.toLowerCase()).toContain("connection: close")
  expect(answer.endsWith("whole")).toBe(true)
})
