/** Two groups of routes of one app, each with settings of its own around the same values of the library. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServer from "@effect/platform/HttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionGuard from "../../src/SessionGuard.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { json, withLayer } from "./support.js"

const quiet = { disableLogger: true, disableListenLog: true }

const shop = SessionConfig.layer({ namespace: "shop", cookie: { name: "__Host-shop" } })
const admin = SessionConfig.layer({ namespace: "admin", cookie: { name: "__Host-admin" } })

const login = Effect.zipRight(Effect.orDie(Session.login("ada")), Session.csrfToken)
const user = Effect.map(Session.userId, Option.getOrNull)
const act = Effect.succeed("done")

const routesAt = (path: "/shop" | "/admin") =>
  Layer.mergeAll(
    HttpLayerRouter.add("GET", `${path}/login`, json(login)),
    HttpLayerRouter.add("GET", `${path}/user`, json(user)),
    HttpLayerRouter.add("POST", `${path}/act`, json(act))
  )

const group = <const Name extends string>(name: Name) =>
  HttpApiGroup.make(name)
    .add(HttpApiEndpoint.get("login", `/${name}/login`).addSuccess(Schema.String))
    .add(HttpApiEndpoint.get("user", `/${name}/user`).addSuccess(Schema.NullOr(Schema.String)))
    .add(HttpApiEndpoint.post("act", `/${name}/act`).addSuccess(Schema.String))
    .middleware(SessionGuard.HttpApi)
    .middleware(Csrf.HttpApi)
    .middleware(SessionMiddleware.HttpApi)

class Api extends HttpApi.make("api").add(group("shop")).add(group("admin")) {}

const { ipAddress } = SessionGuard

/** The two groups with the layers of an HttpApi, and the settings of each around them. */
const apiWith = (layerHttpApi: typeof SessionMiddleware.layerHttpApi) => {
  const shopLive = HttpApiBuilder.group(Api, "shop", (handlers) =>
    handlers
      .handle("login", () => login)
      .handle("user", () => user)
      .handle("act", () => act)
  )
  const adminLive = HttpApiBuilder.group(Api, "admin", (handlers) =>
    handlers
      .handle("login", () => login)
      .handle("user", () => user)
      .handle("act", () => act)
  )
  const live = <A, E, R>(layer: Layer.Layer<A, E, R>, config: typeof shop) =>
    layer.pipe(
      Layer.provide([Csrf.layerHttpApi, ipAddress.layerHttpApi]),
      Layer.provide(layerHttpApi),
      Layer.provide(config)
    )
  return HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(Api)),
    Layer.provide([live(shopLive, shop), live(adminLive, admin)])
  )
}

const routerWith = (
  provide: <A, E, R>(
    routes: Layer.Layer<A, E, R>,
    config: typeof shop
  ) => Layer.Layer<A, unknown, unknown>
) =>
  // What is left is what the test provides.
  HttpLayerRouter.serve(
    Layer.merge(provide(routesAt("/shop"), shop), provide(routesAt("/admin"), admin)),
    quiet
  ) as Layer.Layer<never, unknown, HttpServer.HttpServer | SessionStore.SessionStore>

const mounts = SessionMiddleware.make({ agesFlash: "navigation" })

const apps = {
  "SessionMiddleware.layer, settings around the routes": routerWith((routes, config) =>
    routes.pipe(
      Layer.provide(Csrf.layer),
      Layer.provide(SessionMiddleware.layer),
      Layer.provide(config)
    )
  ),
  "SessionMiddleware.layer, settings around the layer": routerWith((routes, config) =>
    routes.pipe(
      Layer.provide(Csrf.layer),
      Layer.provide(SessionMiddleware.layer.pipe(Layer.provide(config)))
    )
  ),
  "SessionMiddleware.make(...).layer": routerWith((routes, config) =>
    routes.pipe(
      Layer.provide(ipAddress.layer),
      Layer.provide(Csrf.layer),
      Layer.provide(mounts.layer),
      Layer.provide(config)
    )
  ),
  "SessionMiddleware.routeMiddleware, combined in each place": routerWith((routes, config) =>
    routes.pipe(
      Layer.provide(Csrf.layer),
      Layer.provide(
        HttpLayerRouter.middleware((app) => Effect.zipRight(Session.userId, app)).combine(
          SessionMiddleware.routeMiddleware
        ).layer
      ),
      Layer.provide(config)
    )
  ),
  "SessionMiddleware.layerHttpApi": apiWith(SessionMiddleware.layerHttpApi),
  "SessionMiddleware.make(...).layerHttpApi": apiWith(mounts.layerHttpApi)
}

for (const [name, serving] of Object.entries(apps)) {
  describe(name, () => {
    it("keeps the cookie and the namespace of each group", () =>
      withLayer(serving, async (server) => {
        const client = server.client()
        const token: string = JSON.parse((await client.send("/shop/login")).text)
        const { cookie = "" } = client
        const renamed = cookie.replace("__Host-shop=", "__Host-admin=")
        const headers = { "x-csrf-token": token }
        const statusOf = async (path: string, sent: string) =>
          (await server.client(sent).send(path, { method: "POST", headers })).status

        expect(cookie).toMatch(/^__Host-shop=/)
        expect((await client.send("/shop/user")).text).toBe('"ada"')
        expect((await server.client(cookie).send("/admin/user")).text).toBe("null")
        expect((await server.client(renamed).send("/admin/user")).text).toBe("null")
        expect(await statusOf("/shop/act", cookie)).toBe(200)
        expect(await statusOf("/admin/act", renamed)).toBe(403)
      }))
  })
}

it("SessionAdmin in a route works on the store of its group", () => {
  const routes = (path: "/a" | "/b", store: Layer.Layer<SessionStore.SessionStore>) =>
    Layer.merge(
      HttpLayerRouter.add("GET", `${path}/start`, json(Session.start)),
      HttpLayerRouter.add(
        "GET",
        `${path}/count`,
        json(SessionAdmin.countActive({ within: "1 day" }))
      )
    ).pipe(Layer.provide(SessionMiddleware.layer), Layer.provide(store))
  const serving = HttpLayerRouter.serve(
    Layer.merge(
      routes("/a", SessionStore.layerMemoryWith({})),
      routes("/b", SessionStore.layerMemoryWith({}))
    ),
    quiet
  )
  return withLayer(serving, async (server) => {
    await server.client().send("/a/start")

    expect((await server.client().send("/a/count")).text).toBe("1")
    expect((await server.client().send("/b/count")).text).toBe("0")
  })
})
