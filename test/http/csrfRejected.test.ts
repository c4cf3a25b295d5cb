/** What an app itself answers to a request that the CSRF check refuses (`onRejected`), on every mount. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { multipart, send } from "./rawClient.js"
import { json, type Server, withLayer } from "./support.js"

/** Goes back to the form with what was typed. */
const onRejected = ({ fields, reason }: Csrf.Rejection) =>
  Effect.gen(function* () {
    yield* Session.flashInput(yield* fields)
    yield* Session.flash("notice", reason)
    return HttpServerResponse.redirect("/form", { status: 303 })
  })

const form = Effect.gen(function* () {
  const read = (field: string) => Effect.map(Session.old(field), Option.getOrNull)
  return {
    notice: yield* Effect.map(Session.get("notice"), Option.getOrNull),
    name: yield* read("name"),
    color: yield* read("color"),
    token: yield* read("_token"),
    user: yield* Effect.map(Session.userId, Option.getOrNull)
  }
})

const order = Effect.as(Session.put("ordered", true), "ordered")
const login = Effect.zipRight(Effect.orDie(Session.login("ada")), Session.csrfToken)

const router = HttpRouter.empty.pipe(
  HttpRouter.get("/form", json(form)),
  HttpRouter.get("/login", json(login)),
  HttpRouter.post("/orders", json(order)),
  Csrf.middlewareWith({ onRejected }),
  SessionMiddleware.middleware
)

const layerRouter = HttpLayerRouter.serve(
  Layer.mergeAll(
    HttpLayerRouter.add("GET", "/form", json(form)),
    HttpLayerRouter.add("GET", "/login", json(login)),
    HttpLayerRouter.add("POST", "/orders", json(order))
  ).pipe(Layer.provide(Csrf.layerWith({ onRejected })), Layer.provide(SessionMiddleware.layer)),
  { disableLogger: true, disableListenLog: true }
)

class Shop extends HttpApiGroup.make("shop")
  .add(HttpApiEndpoint.get("form", "/form").addSuccess(Schema.Unknown))
  .add(HttpApiEndpoint.get("login", "/login").addSuccess(Schema.String))
  .add(HttpApiEndpoint.post("order", "/orders").addSuccess(Schema.String))
  .middleware(Csrf.HttpApi)
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Shop) {}

const httpApi = HttpApiBuilder.serve().pipe(
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide(
    HttpApiBuilder.group(Api, "shop", (handlers) =>
      handlers
        .handle("form", () => form)
        .handle("login", () => login)
        .handle("order", () => order)
    )
  ),
  Layer.provide(Csrf.layerHttpApiWith({ onRejected })),
  Layer.provide(SessionMiddleware.layerHttpApi)
)

const mounts = [
  ["HttpRouter", HttpServer.serve(router)],
  ["HttpLayerRouter", layerRouter],
  ["HttpApi", httpApi]
] as const

const nothing = { notice: null, name: null, color: null, token: null, user: null }

const loggedIn = async (server: Server) => {
  const client = server.client()
  const token: string = JSON.parse((await client.send("/login")).text)
  return { client, token }
}

const stale: Array<[string, string]> = [
  ["_token", "stale"],
  ["name", "Ada"],
  ["color", "red"],
  ["color", "blue"],
  ["password", "secret"],
  ["__proto__", "x"]
]

for (const [name, serving] of mounts) {
  describe(name, () => {
    it("keeps what was typed in a form whose session is over, and goes back", () =>
      withLayer(serving, async (server) => {
        const client = server.client()

        const answer = await client.send("/orders", {
          method: "POST",
          body: new URLSearchParams(stale)
        })

        expect([answer.status, answer.headers.get("location")]).toEqual([303, "/form"])
        expect(answer.headers.get("vary")).toBe("Cookie")
        const seen = JSON.parse((await client.send("/form")).text)
        expect(seen).toEqual({ ...nothing, notice: "token", name: "Ada", color: ["red", "blue"] })
      }))

    it("does not run the handler, and leaves the user logged in", () =>
      withLayer(serving, async (server) => {
        const { client } = await loggedIn(server)
        const body = new URLSearchParams({ name: "Ada" })

        const answer = await client.send("/orders", { method: "POST", body })

        expect([answer.status, answer.text]).toEqual([303, ""])
        const seen = JSON.parse((await client.send("/form")).text)
        expect(seen).toEqual({ ...nothing, notice: "token", name: "Ada", user: "ada" })
      }))

    it("keeps what was typed in a form with files", () =>
      withLayer(serving, async (server) => {
        const { client } = await loggedIn(server)
        const { body, type } = multipart(stale)

        const answer = await send(server.url, {
          path: "/orders",
          headers: { cookie: client.cookie ?? "", "content-type": type },
          pieces: [body]
        })

        expect(answer.status).toBe(303)
        expect(JSON.parse((await client.send("/form")).text)).toMatchObject({ name: "Ada" })
      }))

    for (const [reason, headers] of [
      ["site", { "sec-fetch-site": "cross-site" }],
      ["origin", { origin: "https://evil.example" }]
    ] as const) {
      it(`tells of a request from elsewhere: ${reason}`, () =>
        withLayer(serving, async (server) => {
          const { client, token } = await loggedIn(server)
          const cookie = client.cookie ?? ""

          await send(server.url, {
            path: "/orders",
            headers: { cookie, "x-csrf-token": token, ...headers }
          })

          expect(JSON.parse((await client.send("/form")).text)).toMatchObject({ notice: reason })
        }))
    }

    it("finds no fields in a body that is no form", () =>
      withLayer(serving, async (server) => {
        const client = server.client()
        const headers = { "content-type": "application/json" }

        await client.send("/orders", { method: "POST", headers, body: '{"name":"Ada"}' })

        const seen = JSON.parse((await client.send("/form")).text)
        expect(seen).toEqual({ ...nothing, notice: "token" })
      }))

    it("lets a request with a valid token pass", () =>
      withLayer(serving, async (server) => {
        const { client, token } = await loggedIn(server)

        const answer = await client.send("/orders", {
          method: "POST",
          headers: { "x-csrf-token": token }
        })

        expect([answer.status, answer.text]).toEqual([200, '"ordered"'])
      }))
  })
}

describe("an answer that needs services and may fail", () => {
  class Sorry extends Context.Tag("Sorry")<Sorry, string>() {}

  const answer = () =>
    Effect.flatMap(Sorry, (text) =>
      text === "" ? Effect.fail("no text" as const) : HttpServerResponse.html(text)
    )

  it("asks for them on HttpRouter, and its failure is one of the app", () => {
    const app = HttpRouter.empty.pipe(
      HttpRouter.post("/orders", json(order)),
      Csrf.middlewareWith({ onRejected: answer }),
      Effect.catchTag("RouteNotFound", Effect.die),
      Effect.catchAll((error) => HttpServerResponse.text(error, { status: 400 })),
      SessionMiddleware.middleware
    )
    const post = (text: string) => {
      let answered = ""
      return withLayer(
        HttpServer.serve(Effect.provideService(app, Sorry, text)),
        async (server) => {
          answered = (await server.client().send("/orders", { method: "POST" })).text
        }
      ).then(() => answered)
    }
    return expect(Promise.all([post("<p>Sorry"), post("")])).resolves.toEqual([
      "<p>Sorry",
      "no text"
    ])
  })

  it("asks for them on HttpLayerRouter", () => {
    const routes = HttpLayerRouter.add("POST", "/orders", json(order)).pipe(
      Layer.provide(Csrf.layerWith({ onRejected: answer })),
      Layer.provide(SessionMiddleware.layer)
    )
    const serving = HttpLayerRouter.serve(routes, { disableLogger: true, disableListenLog: true })
    return withLayer(Layer.provide(serving, Layer.succeed(Sorry, "<p>Sorry")), async (server) => {
      const { text } = await server.client().send("/orders", { method: "POST" })

      expect(text).toBe("<p>Sorry")
    })
  })
})
