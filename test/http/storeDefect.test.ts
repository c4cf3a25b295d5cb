/** A store with a defect at the beginning of a request. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { storeWith } from "../support/storeWith.js"
import { cookieName, json, withLayer } from "./support.js"

const page = Effect.orDie(json(Session.get("a")))

class Pages extends HttpApiGroup.make("pages")
  .add(HttpApiEndpoint.get("page", "/").addSuccess(Schema.Unknown))
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Pages) {}

const alone = SessionMiddleware.make({ serialize: { wait: "1 second", hold: "10 seconds" } })

const mounts = {
  HttpApp: HttpServer.serve(SessionMiddleware.middleware(page)),
  serialize: HttpServer.serve(alone.middleware(page)),
  HttpLayerRouter: HttpLayerRouter.serve(
    HttpLayerRouter.add("GET", "/", page).pipe(Layer.provide(SessionMiddleware.layer)),
    { disableLogger: true, disableListenLog: true }
  ),
  HttpApi: HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(Api)),
    Layer.provide(
      HttpApiBuilder.group(Api, "pages", (handlers) => handlers.handleRaw("page", () => page)).pipe(
        Layer.provide(SessionMiddleware.layerHttpApi)
      )
    )
  )
}

const finds = {
  "that dies": () => Effect.dieMessage("defect"),
  "that throws": () => {
    throw new Error("defect")
  }
}

for (const [name, serving] of Object.entries(mounts)) {
  describe(`a find at the beginning of a request: ${name}`, () => {
    for (const [how, find] of Object.entries(finds)) {
      it(`${how} is answered by a 500 that varies by cookie`, () =>
        withLayer(
          serving,
          async (server) => {
            const answer = await server.client(`${cookieName}=${"A".repeat(43)}`).send("/")

            expect(answer).toMatchObject({ status: 500, setCookies: [] })
            expect(answer.headers.get("vary")).toBe("Cookie")
          },
          { store: storeWith(() => ({ find })) }
        ))
    }
  })
}
