import { get } from "node:http"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Session from "../../src/Session.js"
import { json, withApp } from "./support.js"

type Work = Effect.Effect<unknown, unknown, Session.Session>
type App = HttpApp.Default<unknown, Session.Session>

/** Puts a slow handler at `/slow`, beside `/a` and `/all`. */
type Mount = (slow: App) => App

const fast = HttpRouter.empty.pipe(
  HttpRouter.get("/a", json(Session.put("a", 1))),
  HttpRouter.get("/all", json(Session.all))
)

const onRoute: Mount = (slow) => fast.pipe(HttpRouter.get("/slow", slow))

const onUninterruptibleRoute: Mount = (slow) =>
  fast.pipe(HttpRouter.get("/slow", slow, { uninterruptible: true }))

const withoutRouter: Mount = (slow) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => (url === "/slow" ? slow : fast))

/** A slow handler, and the status with which its request ended, known after the session's own end. */
const makeSlow = (work: Work, mount: Mount) => {
  const entered = Effect.runSync(Deferred.make<void>())
  const status = Effect.runSync(Deferred.make<number>())
  const tell = HttpApp.appendPreResponseHandler((_request, response) =>
    Effect.as(Deferred.succeed(status, response.status), response)
  )
  const hold = Effect.zipRight(Deferred.succeed(entered, undefined), untilAborted)
  return {
    app: mount(Effect.zipRight(tell, json(Effect.zipRight(work, hold)))),
    entered: () => Effect.runPromise(Deferred.await(entered)),
    ended: () => Effect.runPromise(Deferred.await(status))
  }
}

/** Ends once the server has noticed that the client is gone, where that does not interrupt the handler. */
const untilAborted = FiberRef.get(FiberRef.interruptedCause).pipe(
  Effect.zipLeft(Effect.sleep("5 millis")),
  Effect.repeat({ until: (cause) => !Cause.isEmpty(cause) })
)

const abortedAfter = (work: Work, mount = onRoute) => {
  const { app, ended, entered } = makeSlow(work, mount)
  let outcome = { status: 0, data: "" }
  const run = withApp(app, async (server) => {
    const client = server.client()
    await client.send("/a")
    // Not `fetch`: it opens the lost connection again, and the server would wait for that one when it stops.
    const headers = { cookie: client.cookie ?? "" }
    const slow = get(`${server.url}/slow`, { agent: false, headers }).on("error", () => undefined)
    await entered()
    slow.destroy()
    const status = await ended()
    outcome = { status, data: (await client.send("/all")).text }
  })
  return run.then(() => outcome)
}

describe("a client that goes away before the handler ends", () => {
  it("drops what is pending", async () => {
    const outcome = await abortedAfter(Session.put("b", 1))

    expect(outcome).toEqual({ status: 499, data: '{"a":1}' })
  })

  it("keeps what was committed before", async () => {
    const outcome = await abortedAfter(Effect.zipRight(Session.put("b", 1), Session.commit))

    expect(outcome).toEqual({ status: 499, data: '{"a":1,"b":1}' })
  })

  for (const [where, mount] of [
    ["an app without a router", withoutRouter],
    ["an uninterruptible route", onUninterruptibleRoute]
  ] as const) {
    it(`drops what is pending of ${where}, which runs to its end`, async () => {
      const outcome = await abortedAfter(Session.put("b", 1), mount)

      expect(outcome).toEqual({ status: 200, data: '{"a":1}' })
    })
  }
})
