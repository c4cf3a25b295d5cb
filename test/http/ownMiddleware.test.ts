/** Middlewares of an app's own that read the session, without a cast, on each router. */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { json, withLayer } from "./support.js"

class CurrentUser extends Context.Tag("CurrentUser")<
  CurrentUser,
  { readonly id: string; readonly sessions: number }
>() {}

/** Uses the session, and the store beside it. */
const currentUser = Effect.gen(function* () {
  const id = yield* Session.requireUser
  const { length: sessions } = yield* SessionAdmin.ofUser(id)
  return { id, sessions }
})

const login = json(Effect.zipRight(Session.login("ada"), Session.csrfToken))
const who = json(CurrentUser)
const order = json(Effect.map(CurrentUser, ({ id }) => `ordered by ${id}`))

const authenticated = <E, R>(app: HttpApp.Default<E, R>) =>
  Effect.provideServiceEffect(app, CurrentUser, currentUser)

const router = HttpRouter.empty.pipe(
  HttpRouter.get("/who", who),
  HttpRouter.post("/orders", order),
  HttpRouter.use(authenticated),
  HttpRouter.get("/login", login),
  Csrf.middleware,
  SessionMiddleware.middleware
)

const authentication = HttpLayerRouter.middleware<{ provides: CurrentUser }>()((app) =>
  Effect.provideServiceEffect(app, CurrentUser, currentUser)
)

const members = Layer.merge(
  HttpLayerRouter.add("GET", "/who", who),
  HttpLayerRouter.add("POST", "/orders", order)
)

const visitors = HttpLayerRouter.add("GET", "/login", login)

const inside = Layer.merge(
  members.pipe(Layer.provide(SessionMiddleware.inside(authentication))),
  visitors
).pipe(Layer.provide(Csrf.layer), Layer.provide(SessionMiddleware.layer))

const combined = Layer.merge(
  members.pipe(
    Layer.provide(Csrf.layer),
    Layer.provide(authentication.combine(SessionMiddleware.routeMiddleware).layer)
  ),
  visitors.pipe(Layer.provide(SessionMiddleware.layer))
)

const quiet = { disableLogger: true, disableListenLog: true }

for (const [name, serving] of [
  ["HttpRouter", HttpServer.serve(router)],
  ["HttpLayerRouter: SessionMiddleware.inside", HttpLayerRouter.serve(inside, quiet)],
  ["HttpLayerRouter: combine", HttpLayerRouter.serve(combined, quiet)]
] as const) {
  describe(name, () => {
    it("refuses a guest with 401, and lets the user in", () =>
      withLayer(serving, async (server) => {
        const client = server.client()
        const before = await client.send("/who")
        const token: string = JSON.parse((await client.send("/login")).text)
        const headers = { "x-csrf-token": token }
        const ordered = await client.send("/orders", { method: "POST", headers })

        expect([before.status, before.headers.get("vary")]).toEqual([401, "Cookie"])
        expect(JSON.parse((await client.send("/who")).text)).toEqual({ id: "ada", sessions: 1 })
        expect(ordered.text).toBe('"ordered by ada"')
        expect((await client.send("/orders", { method: "POST" })).status).toBe(403)
      }))
  })
}

/** A client of a web handler, with its cookie. */
const browse = (handler: (request: Request) => Promise<Response>) => {
  let cookie = ""
  return async (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    headers.set("cookie", cookie)
    const response = await handler(new Request(`https://shop.example${path}`, { ...init, headers }))
    cookie = response.headers.get("set-cookie")?.split(";", 1)[0] ?? cookie
    return response
  }
}

describe("a web handler", () => {
  const handlers = {
    "HttpLayerRouter.toWebHandler": () =>
      HttpLayerRouter.toWebHandler(inside.pipe(Layer.provide(SessionStore.layerMemory)), {
        disableLogger: true
      }),
    "HttpApp.toWebHandlerLayer": () => HttpApp.toWebHandlerLayer(router, SessionStore.layerMemory)
  }
  for (const [name, make] of Object.entries(handlers)) {
    it(`of ${name} has the session, and the store in its routes`, async () => {
      const { dispose, handler } = make()
      const visit = browse((request) => handler(request))
      await visit("/login")

      const seen = await (await visit("/who")).json()
      await dispose()

      expect(seen).toEqual({ id: "ada", sessions: 1 })
    })
  }
})
