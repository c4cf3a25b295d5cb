/** A client of a graceful server that goes away while its answer is being made. */
import { createServer } from "node:http"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { expect, it } from "vitest"
import * as GracefulHttpServer from "../../src/GracefulHttpServer.js"
import { pause } from "../support/process.js"
import { dial, request } from "./harness.js"

/** Serves an app on a free port while the test runs. */
const serving = async (
  app: Parameters<typeof HttpServer.serve>[0],
  test: (port: number) => Promise<void>
): Promise<void> => {
  const runtime = ManagedRuntime.make(
    HttpServer.serve(app).pipe(
      Layer.provideMerge(
        GracefulHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" })
      )
    ) as Layer.Layer<HttpServer.HttpServer>
  )
  try {
    const { address } = await runtime.runPromise(HttpServer.HttpServer)
    await test(address._tag === "TcpAddress" ? address.port : 0)
  } finally {
    await runtime.dispose()
  }
}

it("ends the request of a client that went away while its answer was being made", async () => {
  const entered = Effect.runSync(Deferred.make<void>())
  const left = Effect.runSync(Deferred.make<void>())
  const ended = Effect.runSync(Deferred.make<string>())
  const app = Effect.gen(function* () {
    yield* Effect.addFinalizer(() => Deferred.succeed(ended, "ended"))
    yield* Deferred.succeed(entered, undefined)
    yield* Effect.uninterruptible(Deferred.await(left))
    return HttpServerResponse.text("nobody reads this")
  })

  await serving(app, async (port) => {
    const line = await dial(port)
    line.write(request("/"))
    await Effect.runPromise(Deferred.await(entered))
    line.socket.destroy()
    // Until the server has noticed: what it writes before that goes out into the void without complaint.
    await pause(300)
    await Effect.runPromise(Deferred.succeed(left, undefined))

    expect(await Effect.runPromise(Deferred.await(ended))).toBe("ended")
  })
})
