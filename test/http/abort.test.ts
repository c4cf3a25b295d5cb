import { get } from "node:http"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Session from "../../src/Session.js"
import { json, makeGate, withApp } from "./support.js"

/** A slow route, and the status with which its request ended, known after the session's own end. */
const makeSlow = <E>(work: Effect.Effect<unknown, E, Session.Session>) => {
  const gate = makeGate()
  const status = Effect.runSync(Deferred.make<number>())
  const tell = HttpApp.appendPreResponseHandler((_request, response) =>
    Effect.as(Deferred.succeed(status, response.status), response)
  )
  const app = HttpRouter.empty.pipe(
    HttpRouter.get("/a", json(Session.put("a", 1))),
    HttpRouter.get("/all", json(Session.all)),
    HttpRouter.get("/slow", Effect.zipRight(tell, json(Effect.zipRight(work, gate.pass))))
  )
  return { app, gate, ended: () => Effect.runPromise(Deferred.await(status)) }
}

const abortedAfter = (work: Effect.Effect<unknown, unknown, Session.Session>) => {
  const { app, ended, gate } = makeSlow(work)
  let outcome = { status: 0, data: "" }
  const run = withApp(app, async (server) => {
    const client = server.client()
    await client.send("/a")
    // Not `fetch`: it opens the lost connection again, and the server would wait for that one when it stops.
    const headers = { cookie: client.cookie ?? "" }
    const slow = get(`${server.url}/slow`, { agent: false, headers }).on("error", () => undefined)
    await gate.entered()
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
})
