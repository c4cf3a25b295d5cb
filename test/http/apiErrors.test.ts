/** Over an HttpApi, a failure of the store is what the definition declares, whatever failed; it is logged, and tells nothing. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionGuard from "../../src/SessionGuard.js"
import * as SessionHttpApi from "../../src/SessionHttpApi.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { storeWith } from "../support/storeWith.js"
import { cookieName, json, withLayer } from "./support.js"

const calls = {
  login: SessionHttpApi.orUnavailable(Session.login("ada")),
  logout: SessionHttpApi.orUnavailable(Session.logout),
  consume: SessionHttpApi.orUnavailable(Effect.asVoid(Session.consume("a"))),
  loginDies: Effect.orDie(Session.login("ada")),
  logoutDies: Effect.orDie(Session.logout),
  put: Session.put("a", 1)
}

type Name = keyof typeof calls

const names: ReadonlyArray<Name> = ["login", "logout", "consume", "loginDies", "logoutDies", "put"]

const endpoint = <const N extends string>(name: N) =>
  HttpApiEndpoint.get(name, `/${name}`).addSuccess(Schema.Void)

class Users extends HttpApiGroup.make("users")
  .add(
    HttpApiEndpoint.get("login", "/login")
      .addSuccess(Schema.Void)
      .addError(SessionHttpApi.SessionRefused)
  )
  .add(endpoint("logout"))
  .add(endpoint("consume"))
  .add(endpoint("loginDies"))
  .add(endpoint("logoutDies"))
  .add(endpoint("put"))
  .add(endpoint("start"))
  .middleware(SessionGuard.HttpApi)
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Users) {}

const httpApi = HttpApiBuilder.serve().pipe(
  Layer.provide(HttpApiBuilder.api(Api)),
  Layer.provide(
    HttpApiBuilder.group(Api, "users", (handlers) =>
      handlers
        .handle("login", () => calls.login)
        .handle("logout", () => calls.logout)
        .handle("consume", () => calls.consume)
        .handle("loginDies", () => calls.loginDies)
        .handle("logoutDies", () => calls.logoutDies)
        .handle("put", () => calls.put)
        .handle("start", () => Session.put("a", 0))
    )
  ),
  Layer.provide(SessionGuard.userAgent.layerHttpApi),
  Layer.provide(SessionMiddleware.layerHttpApi)
)

/** A store that works until it is broken, with a cause that nobody may see. */
const breakable = () => {
  let isBroken = false
  const failure = (operation: string) =>
    new SessionStore.SessionStoreError({
      operation,
      reason: "unavailable",
      cause: new Error("connect ECONNREFUSED db-internal.example:5432 user=admin")
    })
  const store = storeWith((inner) => ({
    insert: (record) => (isBroken ? failure("insert") : inner.insert(record)),
    update: (record, version) => (isBroken ? failure("update") : inner.update(record, version)),
    move: (from, record, version) =>
      isBroken ? failure("move") : inner.move(from, record, version),
    remove: (id) => (isBroken ? failure("remove") : inner.remove(id))
  }))
  return { store, broken: () => Effect.runSync(Effect.sync(() => (isBroken = true))) }
}

const listening = () => {
  const errors: Array<string> = []
  const logger = Logger.make(({ cause, logLevel, message }) => {
    if (logLevel._tag === "Error")
      errors.push(`${String(message)} ${Cause.pretty(cause, { renderErrorCause: true })}`)
  })
  return { errors, logger: Logger.add(logger) }
}

describe("HttpApi", () => {
  for (const name of names) {
    it(`answers ${name} with the error of the definition, and logs why`, () => {
      const { broken, store } = breakable()
      const { errors, logger } = listening()
      return withLayer(
        httpApi.pipe(Layer.provide(logger)),
        async (server) => {
          const client = server.client()
          await client.send("/start")
          broken()

          const { headers, setCookies, status, text } = await client.send(`/${name}`)

          expect([status, text]).toEqual([503, '{"_tag":"SessionUnavailable"}'])
          expect(headers.get("content-type")).toBe("application/json")
          expect(headers.get("retry-after")).toBe("1")
          expect(headers.get("cache-control")).toBe("no-store")
          expect(setCookies).toEqual([])
          expect(errors).toHaveLength(1)
          expect(errors[0]).toContain("db-internal.example")
        },
        { store }
      )
    })
  }

  it("answers a guard that cannot end the session so, and logs why", () => {
    const { broken, store } = breakable()
    const { errors, logger } = listening()
    return withLayer(
      httpApi.pipe(Layer.provide(logger)),
      async (server) => {
        const client = server.client()
        await client.send("/start", { headers: { "user-agent": "one" } })
        broken()

        const { status, text } = await client.send("/put", { headers: { "user-agent": "two" } })

        expect([status, text]).toEqual([503, '{"_tag":"SessionUnavailable"}'])
        expect(errors).toHaveLength(1)
        expect(errors[0]).toContain("db-internal.example")
      },
      { store }
    )
  })

  it("tells a client of a login that is refused", () =>
    withLayer(
      httpApi,
      async (server) => {
        await server.client().send("/login")

        const { status, text } = await server.client().send("/login")

        expect(status).toBe(403)
        expect(JSON.parse(text)).toEqual({ _tag: "SessionRefused", reason: "limit" })
      },
      { config: SessionConfig.layer({ maxSessionsPerUser: { max: 1, onLimit: "reject" } }) }
    ))
})

/** Endpoints that declare the error of the store itself, and one that does not. */
class Declaring extends HttpApi.make("declaring").add(
  HttpApiGroup.make("users")
    .add(
      HttpApiEndpoint.get("login", "/login")
        .addSuccess(Schema.Void)
        .addError(SessionStore.SessionStoreError)
        .addError(Session.SessionRefused)
    )
    .add(
      HttpApiEndpoint.get("logout", "/logout")
        .addSuccess(Schema.Void)
        .addError(SessionStore.SessionStoreError, { status: 503 })
    )
    .add(endpoint("loginDies"))
    .add(endpoint("start"))
    .middleware(SessionMiddleware.HttpApi)
) {}

const declaring = HttpApiBuilder.group(Declaring, "users", (handlers) =>
  handlers
    .handle("login", () => Session.login("ada"))
    .handle("logout", () => Session.logout)
    .handle("loginDies", () => Effect.orDie(Session.login("ada")))
    .handle("start", () => Session.put("a", 0))
).pipe(Layer.provide(SessionMiddleware.layerHttpApi))

const routes = HttpRouter.empty.pipe(
  HttpRouter.get("/start", json(Session.put("a", 0))),
  HttpRouter.get("/login", json(Session.login("ada"))),
  HttpRouter.get("/logout", json(Session.logout)),
  HttpRouter.get("/loginDies", json(Effect.orDie(Session.login("ada"))))
)

const mounts = {
  HttpApi: HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(Declaring)),
    Layer.provide(declaring)
  ),
  "HttpApi on HttpLayerRouter": HttpLayerRouter.serve(
    HttpLayerRouter.addHttpApi(Declaring).pipe(Layer.provide(declaring)),
    { disableLogger: true }
  ),
  HttpRouter: HttpServer.serve(SessionMiddleware.middleware(routes)),
  HttpLayerRouter: HttpLayerRouter.serve(
    HttpLayerRouter.addAll([
      HttpLayerRouter.route("GET", "/start", json(Session.put("a", 0))),
      HttpLayerRouter.route("GET", "/login", json(Effect.orDie(Session.login("ada")))),
      HttpLayerRouter.route("GET", "/logout", json(Effect.orDie(Session.logout))),
      HttpLayerRouter.route("GET", "/loginDies", json(Effect.orDie(Session.login("ada"))))
    ]).pipe(Layer.provide(SessionMiddleware.layer)),
    { disableLogger: true }
  )
}

describe.each(Object.entries(mounts))("%s", (_name, mount) => {
  it.each(["login", "logout", "loginDies"])(
    "logs once why the store made /%s fail, and does not tell the client",
    (name) => {
      const { broken, store } = breakable()
      const { errors, logger } = listening()
      return withLayer(
        mount.pipe(Layer.provide(logger)),
        async (server) => {
          const client = server.client()
          await client.send("/start")
          broken()

          const { status, text } = await client.send(`/${name}`)

          expect(status).toBe(503)
          expect(text).not.toContain("db-internal")
          expect(errors).toHaveLength(1)
          expect(errors[0]).toContain("db-internal.example")
        },
        { store }
      )
    }
  )
})

describe("HttpRouter", () => {
  for (const name of ["loginDies", "logoutDies"] as const) {
    it(`logs why ${name} ended a request, and does not tell the client`, () => {
      const { broken, store } = breakable()
      const { errors, logger } = listening()
      const app = HttpRouter.empty.pipe(
        HttpRouter.get("/start", json(Session.put("a", 0))),
        HttpRouter.get("/act", json(calls[name])),
        SessionMiddleware.middleware
      )
      return withLayer(
        HttpServer.serve(app).pipe(Layer.provide(logger)),
        async (server) => {
          const client = server.client(`${cookieName}=${"A".repeat(43)}`)
          await client.send("/start")
          broken()

          const { status, text } = await client.send("/act")

          expect([status, text]).toEqual([503, "The session store is unavailable."])
          expect(errors).toHaveLength(1)
          expect(errors[0]).toContain("db-internal.example")
        },
        { store }
      )
    })
  }
})
