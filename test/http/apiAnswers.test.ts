/** What an `HttpApi` answers by the library itself: JSON with the tag of the error, also where nothing declares it. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionHttpApi from "../../src/SessionHttpApi.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { makeGate, withLayer } from "./support.js"

const names = ["start", "text", "count", "large", "badKey", "badType", "member", "recent"] as const

const endpoint = <const N extends string>(name: N) =>
  HttpApiEndpoint.get(name, `/${name}`).addSuccess(Schema.Void)

class Group extends HttpApiGroup.make("group")
  .add(endpoint("start"))
  .add(endpoint("text"))
  .add(endpoint("count"))
  .add(endpoint("large"))
  .add(endpoint("badKey"))
  .add(endpoint("badType"))
  .add(endpoint("member"))
  .add(endpoint("recent"))
  .add(HttpApiEndpoint.post("post", "/post").addSuccess(Schema.Void))
  .middleware(Csrf.HttpApi)
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Group) {}

const serving = (
  counting: Effect.Effect<void> = Effect.void,
  session = SessionMiddleware.layerHttpApi
) =>
  HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(Api)),
    Layer.provide(
      HttpApiBuilder.group(Api, "group", (handlers) =>
        handlers
          .handle("start", () => Session.put("number", 0))
          .handle("text", () => Session.put("number", "none"))
          .handle("count", () =>
            Effect.zipLeft(Effect.asVoid(Effect.orDie(Session.increment("number"))), counting)
          )
          .handle("large", () => Session.put("large", "x".repeat(100_000)))
          .handle("badKey", () => Session.put("a..b", 1))
          .handle("badType", () => Effect.asVoid(Effect.orDie(Session.increment("number"))))
          .handle("member", () => Effect.asVoid(Effect.orDie(Session.requireUser)))
          .handle("recent", () => Effect.orDie(Session.requireRecentLogin("1 minute")))
          .handle("post", () => Effect.void)
      )
    ),
    Layer.provide(Csrf.layerHttpApi),
    Layer.provide(session)
  )

describe("an HttpApi", () => {
  it("answers a commit that came too late with the SessionConflict that it declares", async () => {
    const gate = makeGate()
    await withLayer(serving(gate.pass), async (server) => {
      const client = server.client()
      await client.send("/start")
      const late = server.client(client.cookie).send("/count")
      await gate.entered()
      await client.send("/text")
      await gate.open()

      const { headers, status, text } = await late

      expect([status, headers.get("content-type")]).toEqual([409, "application/json"])
      expect(headers.get("cache-control")).toBe("no-store")
      const decoded = Schema.decodeUnknownSync(SessionHttpApi.SessionConflict)(JSON.parse(text))
      expect(decoded.operation).toBe("commit")
    })
  })

  it("answers who waited for a locked session in vain with the SessionConflict that it declares", async () => {
    const gate = makeGate()
    const alone = SessionMiddleware.make({ serialize: { wait: 0, hold: "10 seconds" } })
    await withLayer(serving(gate.pass, alone.layerHttpApi), async (server) => {
      const client = server.client()
      await client.send("/start")
      const first = server.client(client.cookie).send("/count")
      await gate.entered()

      const { headers, status, text } = await client.send("/start")
      await gate.open()
      await first

      expect([status, headers.get("content-type")]).toEqual([409, "application/json"])
      const decoded = Schema.decodeUnknownSync(SessionHttpApi.SessionConflict)(JSON.parse(text))
      expect(decoded.operation).toBe("serialize")
    })
  })

  it.each([
    ["large", 500, "SessionEncodeError", "The session could not be stored."],
    ["badKey", 500, "SessionKeyError", "The session could not be used."],
    ["badType", 500, "SessionTypeError", "The session could not be used."],
    ["member", 401, "SessionUnauthenticated", "Please log in."],
    ["recent", 403, "SessionReauthenticationRequired", "Please log in again to do this."]
  ])("answers /%s with %i and %s, which nothing declares", (name, status, _tag, message) =>
    withLayer(serving(), async (server) => {
      const client = server.client()
      await client.send("/text")

      const answer = await client.send(`/${name}`)

      expect(answer.status).toBe(status)
      expect(answer.headers.get("content-type")).toBe("application/json")
      expect(answer.headers.get("cache-control")).toBe("no-store")
      expect(JSON.parse(answer.text)).toEqual({ _tag, message })
    })
  )

  it("answers a request that the CSRF check refused with CsrfRejected", () =>
    withLayer(serving(), async (server) => {
      const { headers, text } = await server.client().send("/post", { method: "POST" })

      expect(headers.get("content-type")).toBe("application/json")
      expect(text).toBe('{"_tag":"CsrfRejected"}')
    }))

  it("answers an option that throws with JSON", () => {
    const broken = SessionMiddleware.make({
      commitOn: () => {
        throw new TypeError("broken")
      }
    })
    return withLayer(serving(Effect.void, broken.layerHttpApi), async (server) => {
      const { headers, status } = await server.client().send("/start")

      expect([status, headers.get("content-type")]).toEqual([500, "application/json"])
    })
  })

  it("says in the OpenAPI document of each endpoint that it may answer 409 and 503", () => {
    const { components, paths } = OpenApi.fromApi(Api)

    for (const name of names) {
      expect(paths[`/${name}`]?.get?.responses).toMatchObject({
        409: { description: "Another request of this session came first. Please try again." },
        503: { description: "The session store is unavailable." }
      })
    }
    expect(components.schemas.SessionConflict).toMatchObject({
      required: ["operation", "reason", "_tag"]
    })
  })
})
