/** What becomes of a commit that failed with an error the handler has taken: the answer is the handler's. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Session from "../../src/Session.js"
import { json, makeGate, pages, type Server, withApp } from "./support.js"

const tooMuch = Effect.forEach(
  Array.from({ length: 9 }, (_, index) => `part${index}`),
  (key) => Session.put(key, "x".repeat(8000)),
  { discard: true }
)

const answered = (status: number) =>
  Effect.matchEffect(Session.commit, {
    onFailure: ({ _tag }) => Effect.succeed(HttpServerResponse.text(_tag, { status })),
    onSuccess: () => Effect.succeed(HttpServerResponse.text("stored"))
  })

const app = (gate = makeGate()) =>
  pages({
    "/start": json(Effect.zipRight(Session.put("a", 1), Session.flash("notice", "saved"))),
    "/all": json(Session.all),
    "/too-much": Effect.zipRight(tooMuch, answered(413)),
    "/too-much-regenerated": Effect.all([tooMuch, Session.regenerate]).pipe(
      Effect.zipRight(answered(413))
    ),
    "/smaller": Effect.zipRight(tooMuch, answered(413)).pipe(
      Effect.zipLeft(Session.put("small", true))
    ),
    "/text": json(Session.put("a", "text")),
    "/count": Effect.all([Session.increment("a"), gate.pass]).pipe(Effect.zipRight(answered(422))),
    "/unhandled": Effect.zipRight(tooMuch, json(Session.commit))
  })

const started = async (server: Server) => {
  const client = server.client()
  await client.send("/start")
  return client
}

describe("a commit whose error the handler takes", () => {
  it("leaves the handler's response as it is", () =>
    withApp(app(), async (server) => {
      const client = await started(server)

      const answer = await client.send("/too-much")

      expect([answer.status, answer.text]).toEqual([413, "SessionEncodeError"])
    }))

  it("stores nothing of what was refused, and ages the flash", () =>
    withApp(app(), async (server) => {
      const client = await started(server)
      await client.send("/too-much")

      expect((await client.send("/all")).text).toBe('{"a":1}')
    }))

  it("keeps the id that a refused regeneration would have changed", () =>
    withApp(app(), async (server) => {
      const client = await started(server)
      const before = client.cookie
      const answer = await client.send("/too-much-regenerated")

      expect([answer.status, client.cookie]).toEqual([413, before])
      expect((await client.send("/all")).text).toBe('{"a":1}')
    }))

  it("begins no session for a visitor who had none", () =>
    withApp(app(), async (server) => {
      const answer = await server.client().send("/too-much")

      expect([answer.status, answer.setCookies, await server.rows()]).toEqual([413, [], 0])
    }))

  it("is rolled back: what the handler does after it is stored alone", () =>
    withApp(app(), async (server) => {
      const client = await started(server)
      const answer = await client.send("/smaller")

      expect(answer.status).toBe(413)
      expect((await client.send("/all")).text).toBe('{"a":1,"small":true}')
    }))

  it("leaves the response to the handler after a conflict too", () => {
    const gate = makeGate()
    return withApp(app(gate), async (server) => {
      const client = await started(server)
      const slow = server.client(client.cookie).send("/count")
      await gate.entered()
      await client.send("/text")
      await gate.open()

      const answer = await slow

      expect([answer.status, answer.text]).toEqual([422, "SessionConflict"])
      expect((await client.send("/all")).text).toContain('"a":"text"')
    })
  })

  it("is a 500 where nobody takes it", () =>
    withApp(app(), async (server) => {
      const client = await started(server)

      expect((await client.send("/unhandled")).status).toBe(500)
    }))
})
