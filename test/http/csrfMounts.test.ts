import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { multipart, send } from "./rawClient.js"
import { json, type Server, withLayer } from "./support.js"

const token = json(Session.csrfToken)

const order = json(
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.map(request.urlParamsBody, (form) => Array.from(form, ([name]) => name).sort())
  )
)

const router = HttpRouter.empty.pipe(
  HttpRouter.get("/token", token),
  HttpRouter.post("/orders", order),
  HttpRouter.post("/webhook", json(Effect.succeed("taken"))),
  Csrf.middlewareWith({ exempt: ["/webhook"] }),
  SessionMiddleware.middleware
)

const used = HttpRouter.empty.pipe(
  HttpRouter.get("/token", token),
  HttpRouter.post("/orders", order),
  HttpRouter.post("/webhook", json(Effect.succeed("taken"))),
  HttpRouter.use(Csrf.middlewareWith({ exempt: ["/webhook"] })),
  HttpRouter.use(SessionMiddleware.middleware)
)

const quiet = { disableLogger: true, disableListenLog: true }

const routes = Layer.mergeAll(
  HttpLayerRouter.add("GET", "/token", token),
  HttpLayerRouter.add("POST", "/orders", order)
)

const webhook = HttpLayerRouter.add("POST", "/webhook", json(Effect.succeed("taken")))

const layerRouter = (checked: typeof routes, other: typeof routes) =>
  HttpLayerRouter.serve(
    Layer.merge(checked, other).pipe(Layer.provide(SessionMiddleware.layer)),
    quiet
  )

class Shop extends HttpApiGroup.make("shop")
  .add(HttpApiEndpoint.get("token", "/token").addSuccess(Schema.String))
  .add(
    HttpApiEndpoint.post("order", "/orders")
      .setPayload(
        Schema.Record({ key: Schema.String, value: Schema.String }).pipe(
          HttpApiSchema.withEncoding({ kind: "UrlParams" })
        )
      )
      .addSuccess(Schema.Array(Schema.String))
  )
  .add(
    HttpApiEndpoint.post("upload", "/upload")
      .setPayload(HttpApiSchema.Multipart(Schema.Struct({ _token: Schema.String })))
      .addSuccess(Schema.String)
  )
  .add(HttpApiEndpoint.post("webhook", "/webhook").addSuccess(Schema.String))
  .middleware(Csrf.HttpApi)
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Shop) {}

const shopLive = HttpApiBuilder.group(Api, "shop", (handlers) =>
  handlers
    .handle("token", () => Session.csrfToken)
    .handle("order", ({ payload }) => Effect.succeed(Object.keys(payload).sort()))
    .handle("upload", () => Effect.succeed("uploaded"))
    .handle("webhook", () => Effect.succeed("taken"))
).pipe(
  Layer.provide(Csrf.layerHttpApiWith({ exempt: ["/webhook"] })),
  Layer.provide(SessionMiddleware.layerHttpApi)
)

const httpApi = HttpApiBuilder.serve().pipe(
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide(shopLive)
)

const mounts = [
  ["HttpApp: Csrf.middleware", HttpServer.serve(router)],
  ["HttpRouter.use(Csrf.middleware)", HttpServer.serve(used)],
  ["HttpLayerRouter: Csrf.layer", layerRouter(routes.pipe(Layer.provide(Csrf.layer)), webhook)],
  ["HttpLayerRouter: Csrf.layer", layerRouter(routes.pipe(Layer.provide(Csrf.layer)), webhook)],
  [
    "HttpLayerRouter: Csrf.layerWith({ exempt })",
    layerRouter(
      Layer.merge(routes, webhook).pipe(Layer.provide(Csrf.layerWith({ exempt: ["/webhook"] }))),
      Layer.empty
    )
  ],
  ["HttpApi: Csrf.layerHttpApi", httpApi]
] as const

const visitor = async (server: Server) => {
  const client = server.client()
  const text: string = JSON.parse((await client.send("/token")).text)
  return { client, token: text, cookie: client.cookie ?? "" }
}

for (const [name, serving] of mounts) {
  describe(name, () => {
    it("refuses a POST without a token, with Vary: Cookie and without a cookie (R28)", () =>
      withLayer(serving, async (server) => {
        const { client } = await visitor(server)

        const answer = await client.send("/orders", {
          method: "POST",
          body: new URLSearchParams({ a: "1" })
        })

        expect([answer.status, answer.headers.get("vary"), answer.setCookies]).toEqual([
          403,
          "Cookie",
          []
        ])
      }))

    it("refuses another site in spite of a valid token (A38)", () =>
      withLayer(serving, async (server) => {
        const { cookie, token } = await visitor(server)
        const headers = { cookie, "x-csrf-token": token, "sec-fetch-site": "cross-site" }

        expect((await send(server.url, { path: "/orders", headers })).status).toBe(403)
      }))

    it("takes a token in a header", () =>
      withLayer(serving, async (server) => {
        const { client, token } = await visitor(server)

        const answer = await client.send("/orders", {
          method: "POST",
          headers: { "x-csrf-token": token },
          body: new URLSearchParams({ a: "1" })
        })

        expect([answer.status, answer.text]).toEqual([200, '["a"]'])
      }))

    it("takes a token in a form and leaves the form to the handler", () =>
      withLayer(serving, async (server) => {
        const { client, token } = await visitor(server)

        const answer = await client.send("/orders", {
          method: "POST",
          body: new URLSearchParams({ _token: token, a: "1" })
        })

        expect([answer.status, answer.text]).toEqual([200, '["_token","a"]'])
      }))

    it("does not check what is exempt or not mounted", () =>
      withLayer(serving, async (server) => {
        const answer = await server.client().send("/webhook", { method: "POST" })

        expect(answer.status).toBe(200)
      }))
  })
}

describe("HttpApi", () => {
  it("decodes a multipart payload whose token was checked", () =>
    withLayer(httpApi, async (server) => {
      const { cookie, token } = await visitor(server)
      const form = multipart([["_token", token]])

      const answer = await send(server.url, {
        path: "/upload",
        headers: { cookie, "content-type": form.type },
        pieces: [form.body]
      })

      expect([answer.status, answer.text]).toEqual([200, '"uploaded"'])
    }))

  it("answers a refusal with its tag and no reason", () =>
    withLayer(httpApi, async (server) => {
      const answer = await server.client().send("/webhook?", { method: "PUT" })
      const refused = await server.client().send("/orders", { method: "POST" })

      expect([answer.status, refused.status, refused.text]).toEqual([
        404,
        403,
        '{"_tag":"CsrfRejected"}'
      ])
    }))
})
