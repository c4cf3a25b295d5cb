/** The middlewares of an HttpApi work in every order of the definition, and with their layers provided in every order. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionGuard from "../../src/SessionGuard.js"
import * as SessionHttpApi from "../../src/SessionHttpApi.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { storeWith } from "../support/storeWith.js"
import { cookieName, withLayer } from "./support.js"

class CurrentUser extends Context.Tag("CurrentUser")<CurrentUser, { readonly id: string }>() {}

class Authentication extends HttpApiMiddleware.Tag<Authentication>()("Authentication", {
  provides: CurrentUser,
  failure: SessionHttpApi.SessionUnauthenticated
}) {}

const Authenticated = Layer.effect(
  Authentication,
  SessionHttpApi.withSession(Effect.map(Session.requireUser, (id) => ({ id })))
)

const visitors = HttpApiGroup.make("visitors")
  .add(HttpApiEndpoint.get("login", "/login").addSuccess(Schema.String))
  .middleware(SessionMiddleware.HttpApi)

const members = HttpApiGroup.make("members")
  .add(HttpApiEndpoint.get("who", "/who").addSuccess(Schema.String))
  .add(HttpApiEndpoint.post("count", "/count").addSuccess(Schema.Number))

const inNaturalOrder = members
  .middleware(SessionMiddleware.HttpApi)
  .middleware(Csrf.HttpApi)
  .middleware(SessionGuard.HttpApi)
  .middleware(Authentication)

const tags = [SessionMiddleware.HttpApi, Csrf.HttpApi, SessionGuard.HttpApi, Authentication]

type Tag = (typeof tags)[number]

/** The group with its middlewares in an order. */
const membersIn = (order: ReadonlyArray<Tag>) => {
  let group: { readonly middleware: (tag: never) => unknown } = members
  // The order does not change the type.
  for (const tag of order) group = group.middleware(tag as never) as typeof group
  return group as typeof inNaturalOrder
}

const { ipAddress } = SessionGuard

const serving = (order: ReadonlyArray<Tag>, isBeside: boolean) => {
  const api = HttpApi.make("api").add(visitors).add(membersIn(order))
  const checks = Layer.merge(Csrf.layerHttpApi, ipAddress.layerHttpApi)
  const session = SessionMiddleware.layerHttpApi
  return HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(api)),
    Layer.provide(
      HttpApiBuilder.group(api, "visitors", (handlers) =>
        handlers.handle("login", () =>
          Effect.zipRight(Effect.orDie(Session.login("ada")), Session.csrfToken)
        )
      )
    ),
    Layer.provide(
      HttpApiBuilder.group(api, "members", (handlers) =>
        handlers
          .handle("who", () => Effect.map(CurrentUser, ({ id }) => id))
          .handle("count", () => Effect.orDie(Session.increment("count")))
      )
    ),
    Layer.provide(Authenticated),
    isBeside
      ? Layer.provide(Layer.merge(checks, session))
      : (live) => live.pipe(Layer.provide(checks), Layer.provide(session))
  )
}

const permutations = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  list.length === 0
    ? [[]]
    : list.flatMap((one, at) =>
        permutations(list.filter((_, index) => index !== at)).map((rest) => [one, ...rest])
      )

const nameOf = (order: ReadonlyArray<Tag>): string =>
  order.map(({ key }) => key.replace(/^effect-session\/|\/HttpApi$/g, "")).join(", ")

const failing = () =>
  new SessionStore.SessionStoreError({ operation: "find", reason: "unavailable" })

describe.each([
  ["their layers beside that of the session", true],
  ["their layers inside that of the session", false]
])("middlewares with %s", (_, isBeside) => {
  for (const order of permutations(tags)) {
    it(`work in the order ${nameOf(order)}`, () =>
      withLayer(serving(order, isBeside), async (server) => {
        const client = server.client()

        // Each of the two may come first.
        expect((await client.send("/who")).status).toBe(401)
        expect([401, 403]).toContain((await client.send("/count", { method: "POST" })).status)
        const token: string = JSON.parse((await client.send("/login")).text)
        const headers = { "x-csrf-token": token }
        const refused = await client.send("/count", { method: "POST" })
        const counted = await client.send("/count", { method: "POST", headers })

        expect((await client.send("/who")).text).toBe('"ada"')
        expect([refused.status, refused.text]).toEqual([403, '{"_tag":"CsrfRejected"}'])
        expect([refused.headers.get("vary"), refused.setCookies]).toEqual(["Cookie", []])
        expect([counted.status, counted.text]).toEqual([200, "1"])
        expect(await server.rows()).toBe(1)
      }))
  }

  const unknown = `${cookieName}=${"A".repeat(43)}`

  for (const order of [tags, tags.toReversed()]) {
    it(`answer 503 with the error of the definition in the order ${nameOf(order)}`, () =>
      withLayer(
        serving(order, isBeside),
        async (server) => {
          const { headers, status, text } = await server.client(unknown).send("/who")

          expect([status, text]).toEqual([503, '{"_tag":"SessionUnavailable"}'])
          expect(headers.get("retry-after")).toBe("1")
        },
        { store: storeWith(() => ({ find: failing })) }
      ))
  }
})

const act = HttpApiEndpoint.post("act", "/act").addSuccess(Schema.Number)

const group = (endpoint: typeof act) => HttpApiGroup.make("group").add(endpoint)

const everything = HttpApi.make("api")
  .add(group(act))
  .middleware(SessionMiddleware.HttpApi)
  .middleware(Csrf.HttpApi)

// Where a middleware stands does not change what the handlers see.
const levels = Object.entries({
  "both at the API": everything,
  "the check at the API, the session at the group": HttpApi.make("api")
    .add(group(act).middleware(SessionMiddleware.HttpApi))
    .middleware(Csrf.HttpApi),
  "the session at the API, the check at the group": HttpApi.make("api")
    .add(group(act).middleware(Csrf.HttpApi))
    .middleware(SessionMiddleware.HttpApi),
  "the check at the endpoint, the session at the group": HttpApi.make("api").add(
    group(act.middleware(Csrf.HttpApi) as never).middleware(SessionMiddleware.HttpApi)
  ),
  "the session at the endpoint, the check at the group": HttpApi.make("api").add(
    group(act.middleware(SessionMiddleware.HttpApi) as never).middleware(Csrf.HttpApi)
  )
}) as unknown as ReadonlyArray<readonly [string, typeof everything]>

for (const [name, api] of levels) {
  for (const [mount, serve] of [
    [
      "HttpApiBuilder.serve",
      (live: ReturnType<typeof handlersOf>) =>
        HttpApiBuilder.serve().pipe(Layer.provide(Layer.provide(HttpApiBuilder.api(api), live)))
    ],
    [
      "HttpLayerRouter.addHttpApi",
      (live: ReturnType<typeof handlersOf>) =>
        HttpLayerRouter.serve(Layer.provide(HttpLayerRouter.addHttpApi(api), live), {
          disableLogger: true,
          disableListenLog: true
        })
    ]
  ] as const) {
    it(`work on ${mount}: ${name}`, () => {
      let handled = 0
      const live = handlersOf(
        api,
        Effect.sync(() => ++handled)
      )
      return withLayer(
        serve(live).pipe(
          Layer.provide(Layer.merge(Csrf.layerHttpApi, SessionMiddleware.layerHttpApi))
        ),
        async (server) => {
          const { headers, status, text } = await server.client().send("/act", { method: "POST" })

          expect([status, text]).toEqual([403, '{"_tag":"CsrfRejected"}'])
          expect(headers.get("vary")).toBe("Cookie")
          expect(handled).toBe(0)
        }
      )
    })
  }
}

function handlersOf(api: typeof everything, handler: Effect.Effect<number>) {
  return HttpApiBuilder.group(api, "group", (handlers) => handlers.handle("act", () => handler))
}

it("a check for an endpoint that has no session ends with 500, whatever the handler says", () => {
  const api = HttpApi.make("api").add(members.middleware(Csrf.HttpApi))
  const app = HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(api)),
    Layer.provide(
      HttpApiBuilder.group(api, "members", (handlers) =>
        handlers
          .handle("who", () => Effect.succeed("anybody"))
          .handle("count", () => Effect.succeed(1))
      )
    ),
    Layer.provide(Csrf.layerHttpApi)
  )
  return withLayer(app, async (server) => {
    const answers = [
      await server.client().send("/who"),
      await server.client().send("/count", { method: "POST" })
    ]

    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [500, ""],
      [500, ""]
    ])
  })
})

it("a check for an endpoint without the session middleware checks where it knows that middleware", () => {
  const api = HttpApi.make("api").add(members.middleware(Csrf.HttpApi))
  let handled = 0
  const app = HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(api)),
    Layer.provide(
      HttpApiBuilder.group(api, "members", (handlers) =>
        handlers
          .handle("who", () => Effect.succeed("anybody"))
          .handle("count", () => Effect.sync(() => ++handled))
      )
    ),
    Layer.provide(Csrf.layerHttpApi),
    Layer.provide(SessionMiddleware.layerHttpApi)
  )
  return withLayer(app, async (server) => {
    expect((await server.client().send("/who")).text).toBe('"anybody"')
    expect((await server.client().send("/count", { method: "POST" })).status).toBe(403)
    expect(handled).toBe(0)
  })
})

it("an HttpApi that is run again commits what its last attempt did, once", () => {
  let attempts = 0
  const api = HttpApi.make("api").add(
    HttpApiGroup.make("counter")
      .add(HttpApiEndpoint.get("count", "/count").addSuccess(Schema.Number))
      .middleware(SessionMiddleware.HttpApi)
      .middleware(SessionGuard.HttpApi)
  )
  const app = HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.middleware((once) => Effect.catchAllCause(once, () => once))),
    Layer.provide(HttpApiBuilder.api(api)),
    Layer.provide(
      HttpApiBuilder.group(api, "counter", (handlers) =>
        handlers.handle("count", () =>
          Effect.zipLeft(
            Effect.orDie(Session.increment("count")),
            Effect.suspend(() => (++attempts % 2 === 1 ? Effect.die("not yet") : Effect.void))
          )
        )
      )
    ),
    Layer.provide(ipAddress.layerHttpApi),
    Layer.provide(SessionMiddleware.layerHttpApi)
  )
  return withLayer(app, async (server) => {
    const client = server.client()
    const first = await client.send("/count")
    const second = await client.send("/count")

    expect([first.text, second.text]).toEqual(["1", "2"])
    expect(attempts).toBe(4)
    expect(await server.rows()).toBe(1)
  })
})
