import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionEvents from "../../src/SessionEvents.js"
import { SessionUnavailable } from "../../src/SessionHttpApi.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { storeWith } from "../support/storeWith.js"
import { cookieName, json, makeGate, type Server, withLayer } from "./support.js"

const visits = json(Session.increment("visits"))

const router = HttpRouter.empty.pipe(
  HttpRouter.get("/visits", visits),
  SessionMiddleware.middleware
)

const layerRouter = HttpLayerRouter.serve(
  Layer.merge(
    HttpLayerRouter.add("GET", "/visits", visits).pipe(Layer.provide(SessionMiddleware.layer)),
    HttpLayerRouter.add("GET", "/plain", HttpServerResponse.text("plain"))
  ),
  { disableLogger: true, disableListenLog: true }
)

class Visits extends HttpApiGroup.make("visits")
  .add(HttpApiEndpoint.get("visits", "/visits").addSuccess(Schema.Number))
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Visits) {}

const visitsLive = HttpApiBuilder.group(Api, "visits", (handlers) =>
  handlers.handle("visits", () => Effect.orDie(Session.increment("visits")))
).pipe(Layer.provide(SessionMiddleware.layerHttpApi))

const httpApi = HttpApiBuilder.serve().pipe(
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide(visitsLive)
)

const mounts = [
  ["HttpRouter", HttpServer.serve(router)],
  ["HttpLayerRouter", layerRouter],
  ["HttpApi", httpApi]
] as const

const down = new SessionStore.SessionStoreError({ operation: "find", reason: "unavailable" })
const unreachable = storeWith(() => ({ find: () => down }))
const takesNothing = storeWith(() => ({ insert: () => down }))

/** A client whose cookie names no session. */
const unknown = (server: Server) => server.client(`${cookieName}=${"A".repeat(43)}`)

const comeBack = { "retry-after": "1", vary: "Cookie", "cache-control": "no-store" }

/** Those of the headers that tell a client when to come back, and caches what they may do. */
const asked = (headers: Headers) =>
  Object.fromEntries(Object.keys(comeBack).map((name) => [name, headers.get(name)]))

for (const [name, serving] of mounts) {
  describe(name, () => {
    it("answers 503 without a cookie, and says when to come back, when the store is down", () =>
      withLayer(
        serving,
        async (server) => {
          const { headers, setCookies, status } = await unknown(server).send("/visits")

          expect({ status, setCookies }).toEqual({ status: 503, setCookies: [] })
          expect(asked(headers)).toEqual(comeBack)
        },
        { store: unreachable }
      ))

    it("takes the settings that are provided around it", () =>
      withLayer(
        serving,
        async (server) => {
          const answer = await server.client().send("/visits")

          expect(answer.setCookies[0]).toMatch(/^sid=/)
        },
        { config: SessionConfig.layer({ cookie: { name: "sid" } }) }
      ))
  })
}

it("answers a client of an HttpApi with the error of the definition, at the find and at the commit", () =>
  Promise.all(
    [unreachable, takesNothing].map((store) =>
      withLayer(
        httpApi,
        async (server) => {
          const { headers, status, text } = await unknown(server).send("/visits")

          const read = Schema.decodeUnknownSync(Schema.parseJson(SessionUnavailable))(text)
          expect({ status, tag: read._tag }).toEqual({ status: 503, tag: "SessionUnavailable" })
          expect(headers.get("content-type")).toBe("application/json")
          expect(asked(headers)).toEqual(comeBack)
        },
        { store }
      )
    )
  ))

const named = SessionConfig.layer({ cookie: { name: "sid" } })

/** Each layer mount with its settings and its hub provided to the session's layer alone. */
const provided = <E>(own: Layer.Layer<never, E>) => [
  [
    "HttpLayerRouter",
    HttpLayerRouter.serve(
      HttpLayerRouter.add("GET", "/visits", visits).pipe(
        Layer.provide(Layer.provide(SessionMiddleware.layer, own))
      ),
      { disableLogger: true, disableListenLog: true }
    )
  ] as const,
  [
    "HttpApi",
    HttpApiBuilder.serve().pipe(
      Layer.provide(HttpApiBuilder.api(Api)),
      Layer.provide(
        HttpApiBuilder.group(Api, "visits", (handlers) =>
          handlers.handle("visits", () => Effect.orDie(Session.increment("visits")))
        ).pipe(Layer.provide(Layer.provide(SessionMiddleware.layerHttpApi, own)))
      )
    )
  ] as const
]

describe("settings provided to the session's layer alone", () => {
  for (const [name, serving] of provided(named)) {
    it(`hold for ${name}`, () =>
      withLayer(serving, async (server) => {
        const answer = await server.client().send("/visits")

        expect(answer.setCookies[0]).toMatch(/^sid=/)
      }))
  }
})

describe("a hub provided to the session's layer alone", () => {
  const hub = Effect.runSync(PubSub.unbounded<SessionEvents.SessionEvent>())
  const own = Layer.succeed(SessionEvents.SessionEvents, hub)

  for (const [name, serving] of provided(own)) {
    it(`gets the events of ${name}`, () =>
      withLayer(serving, async (server) => {
        const events = await Effect.runPromise(
          Effect.scoped(
            Effect.gen(function* () {
              const queue = yield* PubSub.subscribe(hub)
              yield* Effect.promise(() => server.client().send("/visits"))
              return Array.from(yield* Queue.takeAll(queue))
            })
          )
        )

        expect(events.map(({ _tag }) => _tag)).toEqual(["Created"])
      }))
  }
})

describe("HttpLayerRouter", () => {
  it("leaves a route alone that the layer is not provided to", () =>
    withLayer(layerRouter, async (server) => {
      const { headers, text } = await unknown(server).send("/plain")

      expect({ text, vary: headers.get("vary") }).toEqual({ text: "plain", vary: null })
    }))
})

describe("HttpMiddleware.cors", () => {
  const app = SessionMiddleware.middleware(HttpRouter.empty.pipe(HttpRouter.get("/visits", visits)))
  const cors = HttpMiddleware.cors({ allowedOrigins: ["http://a.example"], credentials: true })
  const orders = {
    outside: cors(app),
    inside: SessionMiddleware.middleware(
      cors(HttpRouter.empty.pipe(HttpRouter.get("/visits", visits)))
    )
  }
  for (const [order, serving] of Object.entries(orders)) {
    it(`goes with the session: ${order}`, () =>
      withLayer(HttpServer.serve(serving), async (server) => {
        const { headers, setCookies } = await server
          .client()
          .send("/visits", { headers: { origin: "http://a.example" } })

        expect(setCookies).toHaveLength(1)
        expect(headers.get("access-control-allow-origin")).toBe("http://a.example")
        expect(headers.get("vary")).toMatch(/\bCookie\b/)
      }))
  }
})

describe("HttpApi", () => {
  it("answers 409 with Retry-After to who has waited for the session in vain", async () => {
    const gate = makeGate()
    const slow = HttpApiBuilder.serve().pipe(
      Layer.provide(HttpApiBuilder.api(Api)),
      Layer.provide(
        HttpApiBuilder.group(Api, "visits", (handlers) =>
          handlers.handle("visits", () =>
            Effect.flatMap(Effect.orDie(Session.increment("visits")), (count) =>
              count === 1 ? Effect.succeed(count) : Effect.as(gate.pass, count)
            )
          )
        ).pipe(
          Layer.provide(
            SessionMiddleware.make({ serialize: { wait: 0, hold: "10 seconds" } }).layerHttpApi
          )
        )
      )
    )
    await withLayer(slow, async (server) => {
      const client = server.client()
      await client.send("/visits")
      const first = server.client(client.cookie).send("/visits")
      await gate.entered()

      const { headers, status } = await client.send("/visits")
      await gate.open()

      expect(status).toBe(409)
      expect(asked(headers)).toMatchObject({ "retry-after": "1", vary: "Cookie" })
      expect((await first).status).toBe(200)
    })
  })
})

describe("an option", () => {
  /** A predicate that throws the first time it is asked. */
  const makeBroken = () => {
    let asked = 0
    return () => {
      asked += 1
      if (asked === 1) throw new TypeError("broken")
      return true
    }
  }

  for (const name of ["agesFlash", "commitOn"] as const) {
    it(`${name} that throws costs nobody the cookie of a login, and drops what is pending`, () => {
      const logged: Array<unknown> = []
      const logger = Logger.make(({ cause, logLevel, message }) => {
        if (logLevel._tag === "Error") logged.push(message, Cause.squash(cause))
      })
      const app = HttpRouter.empty.pipe(
        HttpRouter.get("/login", json(Effect.zipRight(Session.login("ann"), Session.put("a", 1)))),
        HttpRouter.get("/user", json(Session.userId)),
        HttpRouter.get("/all", json(Session.all)),
        SessionMiddleware.make({ [name]: makeBroken() }).middleware
      )
      return withLayer(
        HttpServer.serve(app).pipe(Layer.provide(Logger.add(logger))),
        async (server) => {
          const client = server.client()

          const { headers, setCookies, status, text } = await client.send("/login")

          expect({ status, text }).toEqual({
            status: 500,
            text: "The session could not be stored."
          })
          expect(setCookies).toHaveLength(1)
          expect(asked(headers)).toMatchObject({ vary: "Cookie", "cache-control": "no-store" })
          expect((await client.send("/user")).text).toContain("ann")
          expect((await client.send("/all")).text).toBe("{}")
          expect(logged).toEqual([
            ["An option of the session middleware threw"],
            new TypeError("broken")
          ])
        }
      )
    })
  }
})
