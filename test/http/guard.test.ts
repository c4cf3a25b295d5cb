import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Schema from "effect/Schema"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionEvents from "../../src/SessionEvents.js"
import * as SessionGuard from "../../src/SessionGuard.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { send } from "./rawClient.js"
import { type Client, json, type Server, type Setting, withApp, withLayer } from "./support.js"

const userId = Effect.map(Session.userId, Option.getOrNull)
const login = Effect.zipRight(Session.put("cart", ["book"]), Session.login("ann"))

const router = HttpRouter.empty.pipe(
  HttpRouter.get("/login", json(login)),
  HttpRouter.get("/user", json(userId)),
  HttpRouter.get("/write", json(Session.increment("writes")))
)

const quiet = { disableLogger: true, disableListenLog: true }

class Account extends HttpApiGroup.make("account")
  .add(HttpApiEndpoint.get("login", "/login").addSuccess(Schema.Void))
  .add(HttpApiEndpoint.get("user", "/user").addSuccess(Schema.NullOr(Schema.String)))
  .middleware(SessionGuard.HttpApi)
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Account) {}

const httpApi = (guard: SessionGuard.Guard) =>
  HttpApiBuilder.serve().pipe(
    Layer.provide(HttpApiBuilder.api(Api)),
    Layer.provide(
      HttpApiBuilder.group(Api, "account", (handlers) =>
        handlers.handle("login", () => Effect.orDie(login)).handle("user", () => userId)
      ).pipe(Layer.provide(guard.layerHttpApi), Layer.provide(SessionMiddleware.layerHttpApi))
    )
  )

const mounts = [
  [
    "HttpApp",
    (guard: SessionGuard.Guard) =>
      HttpServer.serve(router.pipe(guard, SessionMiddleware.middleware))
  ],
  [
    "HttpRouter",
    (guard: SessionGuard.Guard) =>
      HttpServer.serve(
        router.pipe(HttpRouter.use(guard), HttpRouter.use(SessionMiddleware.middleware))
      )
  ],
  [
    "HttpLayerRouter",
    (guard: SessionGuard.Guard) =>
      HttpLayerRouter.serve(
        Layer.mergeAll(
          HttpLayerRouter.add("GET", "/login", json(login)),
          HttpLayerRouter.add("GET", "/user", json(userId))
        ).pipe(Layer.provide(guard.layer), Layer.provide(SessionMiddleware.layer)),
        quiet
      )
  ],
  ["HttpApi", httpApi]
] as const

/** A store that works until it is told to fail. */
const breakable = () => {
  const state = { broken: false }
  const down = (operation: string) =>
    Effect.fail(new SessionStore.SessionStoreError({ operation, reason: "unavailable" }))
  const store = Layer.effect(
    SessionStore.SessionStore,
    Effect.map(SessionStore.SessionStore, (memory) =>
      SessionStore.SessionStore.of({
        ...memory,
        remove: (id) => (state.broken ? down("remove") : memory.remove(id))
      })
    )
  ).pipe(Layer.provide(SessionStore.layerMemory))
  return { state, store }
}

const behindProxy: Setting = { config: SessionConfig.layer({ trustedProxies: ["127.0.0.1"] }) }

const from = (address: string | undefined, agent = "browser"): RequestInit => ({
  headers: {
    "user-agent": agent,
    ...(address === undefined ? {} : { "x-forwarded-for": address })
  }
})

const loggedIn = async (server: Server, init: RequestInit): Promise<Client> => {
  const client = server.client()
  await client.send("/login", init)
  return client
}

for (const [name, serving] of mounts) {
  describe(name, () => {
    const guarded = serving(SessionGuard.ipAddress)

    it("lets the address pass that the session was made for", () =>
      withLayer(
        guarded,
        async (server) => {
          const client = await loggedIn(server, from("1.2.3.4"))

          const answer = await client.send("/user", from("1.2.3.4"))

          expect([answer.status, answer.text]).toEqual([200, '"ann"'])
        },
        behindProxy
      ))

    it("ends the session of another address: a guest, the cookie deleted, the row gone", () =>
      withLayer(
        guarded,
        async (server) => {
          const client = await loggedIn(server, from("1.2.3.4"))
          const stolen = server.client(client.cookie)

          const answer = await stolen.send("/user", from("9.9.9.9"))

          expect([answer.status, answer.text]).toEqual([200, "null"])
          expect(answer.setCookies.join()).toMatch(/^__Host-session=; Max-Age=0;/)
          expect(answer.headers.get("vary")).toBe("Cookie")
          expect((await client.send("/user", from("1.2.3.4"))).text).toBe("null")
          expect(await server.rows()).toBe(0)
        },
        behindProxy
      ))

    it("answers 503 and keeps the cookie where the store cannot end the session", () => {
      const { state, store } = breakable()
      return withLayer(
        guarded,
        async (server) => {
          const client = await loggedIn(server, from("1.2.3.4"))
          state.broken = true

          const answer = await client.send("/user", from("9.9.9.9"))

          expect([answer.status, answer.setCookies]).toEqual([503, []])
          expect(answer.headers.get("vary")).toBe("Cookie")
        },
        { ...behindProxy, store }
      )
    })

    it("lets a visitor without a session pass", () =>
      withLayer(
        guarded,
        async (server) => {
          const answer = await server.client().send("/user", from("1.2.3.4"))

          expect([answer.status, answer.text, answer.setCookies]).toEqual([200, "null", []])
        },
        behindProxy
      ))
  })
}

const app = (guard: SessionGuard.Guard) => guard(router)

/** What the second request sees of a session that the first began. */
const userSeen = async (
  guard: SessionGuard.Guard,
  first: RequestInit,
  second: RequestInit,
  setting: Setting = behindProxy
): Promise<string> => {
  let seen = ""
  await withApp(
    app(guard),
    async (server) => {
      const client = await loggedIn(server, first)
      seen = (await client.send("/user", second)).text
    },
    setting
  )
  return seen
}

describe("ipAddress", () => {
  const pairs: ReadonlyArray<
    readonly [string, SessionGuard.AddressOptions, string | undefined, string, string]
  > = [
    ["IPv4 in IPv6 clothes", {}, "1.2.3.4", "::ffff:1.2.3.4", '"ann"'],
    ["another spelling of IPv6", {}, "2001:DB8::1", "2001:db8:0::0:1", '"ann"'],
    ["a port", {}, "1.2.3.4", "1.2.3.4:555", '"ann"'],
    ["a neighbour in the /64, every bit counting", {}, "2001:db8::1", "2001:db8::2", "null"],
    ["a neighbour in the /64", { ipv6Prefix: 64 }, "2001:db8::1", "2001:db8::2", '"ann"'],
    ["another /64", { ipv6Prefix: 64 }, "2001:db8:0:1::1", "2001:db8:0:2::1", "null"],
    ["a neighbour in the /24", { ipv4Prefix: 24 }, "1.2.3.4", "1.2.3.99", '"ann"'],
    ["another /24", { ipv4Prefix: 24 }, "1.2.3.4", "1.2.4.4", "null"],
    ["the other family", { ipv4Prefix: 1, ipv6Prefix: 1 }, "1.2.3.4", "2001:db8::1", "null"]
  ]
  for (const [name, options, first, second, expected] of pairs) {
    it(`${expected === "null" ? "trips over" : "takes"} ${name} (R43)`, async () => {
      const seen = await userSeen(SessionGuard.ipAddressWith(options), from(first), from(second))

      expect(seen).toBe(expected)
    })
  }

  it("is not misled by a forged header from a peer that is no proxy (A48)", async () => {
    const seen = await userSeen(SessionGuard.ipAddress, from("1.2.3.4"), from("9.9.9.9"), {})

    expect(seen).toBe('"ann"')
  })

  it("passes where the session's address is not known", async () => {
    const behindOne = SessionConfig.layer({ trustedProxies: 1 })
    const { dispose, handler } = HttpApp.toWebHandlerLayer(
      SessionMiddleware.middleware(app(SessionGuard.ipAddress)),
      Layer.merge(SessionStore.layerMemory, Layer.orDie(behindOne))
    )
    const ask = (path: string, cookie: string, address?: string) =>
      handler(
        new Request(`http://localhost${path}`, {
          headers: { cookie, ...(address === undefined ? {} : { "x-forwarded-for": address }) }
        })
      )
    const cookieOf = (response: Response) => response.headers.getSetCookie()[0]?.split(";")[0] ?? ""
    const unknownCookie = cookieOf(await ask("/login", ""))
    const knownCookie = cookieOf(await ask("/login", "", "1.2.3.4"))

    const passed = await ask("/user", unknownCookie, "1.2.3.4")
    const withheld = await ask("/user", knownCookie)
    const after = await ask("/user", knownCookie, "1.2.3.4")

    expect(await passed.text()).toBe('"ann"')
    expect([await withheld.text(), withheld.headers.getSetCookie()]).toEqual(["null", []])
    expect(await after.text()).toBe('"ann"')
    await dispose()
  })

  it("compares with what was stored before this request", () =>
    withApp(
      app(SessionGuard.ipAddress),
      async (server) => {
        const client = await loggedIn(server, from("1.2.3.4"))
        const stolen = server.client(client.cookie)

        const answers = [
          await stolen.send("/write", from("9.9.9.9")),
          await stolen.send("/user", from("9.9.9.9"))
        ]

        expect(answers.map(({ text }) => text)).toEqual(["1", "null"])
        expect((await client.send("/user", from("1.2.3.4"))).text).toBe("null")
      },
      behindProxy
    ))

  /** The guard around a part of the app alone. */
  const partly = HttpRouter.empty.pipe(
    HttpRouter.concat(router),
    HttpRouter.mountApp(
      "/guarded",
      HttpRouter.empty.pipe(HttpRouter.get("/user", json(userId)), SessionGuard.ipAddress)
    ),
    SessionMiddleware.middleware
  )

  it("is not misled by what another client wrote where no guard is", () =>
    withApp(
      partly,
      async (server) => {
        const client = await loggedIn(server, from("1.2.3.4"))
        const stolen = server.client(client.cookie)
        await stolen.send("/write", from("9.9.9.9"))

        const own = await client.send("/guarded/user", from("1.2.3.4"))
        const thief = await stolen.send("/guarded/user", from("9.9.9.9"))

        expect([own.text, thief.text]).toEqual(['"ann"', "null"])
      },
      behindProxy
    ))

  it("is bound anew by another login, from wherever it comes", () =>
    withApp(
      partly,
      async (server) => {
        const client = await loggedIn(server, from("1.2.3.4"))
        await client.send("/login", from("9.9.9.9"))

        const there = await client.send("/guarded/user", from("9.9.9.9"))
        const back = await client.send("/guarded/user", from("1.2.3.4"))

        expect([there.text, back.text]).toEqual(['"ann"', "null"])
      },
      behindProxy
    ))

  it("keeps what the guest does after it tripped", () =>
    withApp(
      app(SessionGuard.ipAddress),
      async (server) => {
        const client = await loggedIn(server, from("1.2.3.4"))
        await client.send("/write", from("9.9.9.9"))

        const answer = await client.send("/write", from("9.9.9.9"))

        expect(answer.text).toBe("2")
      },
      behindProxy
    ))
})

describe("userAgent", () => {
  const firefox = (version: string) =>
    `Mozilla/5.0 (X11; Linux x86_64; rv:${version}) Gecko/20100101 Firefox/${version}`

  const pairs: ReadonlyArray<readonly [string, SessionGuard.AgentOptions, string, string, string]> =
    [
      ["the same agent", {}, "browser", "browser", '"ann"'],
      ["another agent", {}, "browser", "curl", "null"],
      ["a newer browser", {}, firefox("128.0"), firefox("129.0"), "null"],
      [
        "a newer browser, if told",
        { versions: "ignore" },
        firefox("128.0"),
        firefox("129.0.1"),
        '"ann"'
      ],
      [
        "another browser in any case",
        { versions: "ignore" },
        firefox("128.0"),
        "Safari/128.0",
        "null"
      ],
      ["no agent where there was one", {}, "browser", "", "null"],
      ["an agent where there was none", {}, "", "browser", "null"],
      ["none twice", {}, "", "", '"ann"'],
      ["what differs after 512 characters", {}, "a".repeat(600), "a".repeat(700), '"ann"'],
      ["what differs at the 512th", {}, `${"a".repeat(511)}b`, `${"a".repeat(511)}c`, "null"]
    ]
  for (const [name, options, first, second, expected] of pairs) {
    it(`${expected === "null" ? "trips over" : "takes"} ${name} (R44)`, async () => {
      const seen = await userSeen(
        SessionGuard.userAgentWith(options),
        from("1.2.3.4", first),
        from("1.2.3.4", second)
      )

      expect(seen).toBe(expected)
    })
  }
})

/** Runs a test and gives the `GuardTripped` events it caused. */
const tripped = async (
  guard: SessionGuard.Guard,
  test: (server: Server) => Promise<void>
): Promise<ReadonlyArray<SessionEvents.SessionEvent>> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const hub = yield* SessionEvents.SessionEvents
      const heard = yield* PubSub.subscribe(hub)
      const config = Layer.mergeAll(
        SessionConfig.layer({ trustedProxies: ["127.0.0.1"] }),
        Layer.succeed(SessionEvents.SessionEvents, hub)
      )
      yield* Effect.promise(() => withApp(app(guard), test, { config }))
      const events = Chunk.toReadonlyArray(yield* heard.takeAll)
      return events.filter(({ _tag }) => _tag === "GuardTripped")
    }).pipe(Effect.scoped, Effect.provide(SessionEvents.layer))
  )

describe("GuardTripped (R42)", () => {
  it("names the guard, the session, its user and the address that was met", async () => {
    let id = ""
    const events = await tripped(SessionGuard.ipAddress, async (server) => {
      const client = await loggedIn(server, from("1.2.3.4"))
      id = (await server.run(SessionAdmin.ofUser("ann")))[0]?.id ?? ""
      await client.send("/user", from("9.9.9.9"))
    })

    expect(events).toEqual([
      {
        _tag: "GuardTripped",
        id,
        guard: "ipAddress",
        policy: "terminate",
        userId: "ann",
        clientAddress: "9.9.9.9",
        at: expect.anything()
      }
    ])
  })

  it("is all that `log` does, once for each new address", async () => {
    const seen: Array<string> = []
    const events = await tripped(SessionGuard.ipAddressWith({ policy: "log" }), async (server) => {
      const phone = await loggedIn(server, from("1.2.3.4"))
      for (const address of ["5.5.5.5", "5.5.5.5", "6.6.6.6", "6.6.6.6", "1.2.3.4"]) {
        seen.push((await phone.send("/user", from(address))).text)
      }
    })

    expect(new Set(seen)).toEqual(new Set(['"ann"']))
    expect(events).toMatchObject([
      { policy: "log", clientAddress: "5.5.5.5" },
      { policy: "log", clientAddress: "6.6.6.6" }
    ])
  })

  it("is published once by guards that are combined", async () => {
    const both = SessionGuard.all(SessionGuard.ipAddress, SessionGuard.userAgent)
    const events = await tripped(both, async (server) => {
      const client = await loggedIn(server, from("1.2.3.4"))
      await client.send("/user", from("9.9.9.9", "curl"))
    })

    expect(events).toMatchObject([{ guard: "ipAddress" }])
  })
})

describe("all", () => {
  const both = SessionGuard.all(SessionGuard.ipAddress, SessionGuard.userAgent)

  for (const [name, second] of [
    ["first", from("9.9.9.9", "browser")],
    ["second", from("1.2.3.4", "curl")]
  ] as const) {
    it(`trips where the ${name} guard does`, async () => {
      expect(await userSeen(both, from("1.2.3.4"), second)).toBe("null")
    })
  }

  it("passes where every guard does", async () => {
    expect(await userSeen(both, from("1.2.3.4"), from("1.2.3.4"))).toBe('"ann"')
  })
})

describe("the stored address", () => {
  const stored = async (
    server: Server,
    headers: Record<string, string | Array<string>>
  ): Promise<string | null | undefined> => {
    await send(server.url, { method: "GET", path: "/write", headers })
    const [summary] = await server.run(SessionAdmin.active({ within: "1 hour" }))
    return summary === undefined ? undefined : Option.getOrNull(summary.ipAddress)
  }
  const storedBy = async (
    trustedProxies: ReadonlyArray<string> | number,
    headers: Record<string, string | Array<string>>
  ) => {
    let address: string | null | undefined
    await withApp(
      router,
      async (server) => {
        address = await stored(server, headers)
      },
      { config: SessionConfig.layer({ trustedProxies }) }
    )
    return address
  }

  it("is the socket's where no proxy is trusted (A48)", async () => {
    expect(await storedBy([], { "x-forwarded-for": "9.9.9.9", "x-real-ip": "9.9.9.9" })).toBe(
      "127.0.0.1"
    )
  })

  it("is the rightmost that is no trusted proxy, over headers sent twice (R43)", async () => {
    const headers = { "x-forwarded-for": ["6.6.6.6, 5.5.5.5", "10.0.0.2"] }

    expect(await storedBy(["127.0.0.1", "10.0.0.0/8"], headers)).toBe("5.5.5.5")
  })

  it("is as many entries from the right as there are proxies (R43)", async () => {
    const headers = { "x-forwarded-for": ["6.6.6.6, 5.5.5.5", "10.0.0.2"] }

    expect(await storedBy(2, headers)).toBe("5.5.5.5")
  })

  it("is not read from Forwarded", async () => {
    expect(await storedBy(["127.0.0.1"], { forwarded: "for=9.9.9.9" })).toBe("127.0.0.1")
  })

  for (const [header, expected] of [
    ["fe80::1%eth0", "fe80::1"],
    ["[2001:DB8::1]:80", "2001:db8::1"],
    ["1.2.3.4:55", "1.2.3.4"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["unknown", "127.0.0.1"],
    ["x".repeat(10_000), "127.0.0.1"],
    [`${"9.9.9.9, ".repeat(200)}unknown`, "127.0.0.1"]
  ] as const) {
    it(`is ${expected} for ${header.slice(0, 24)} (A49)`, async () => {
      expect(await storedBy(["127.0.0.1"], { "x-forwarded-for": header })).toBe(expected)
    })
  }

  it("is the socket's in spite of HttpMiddleware.xForwardedHeaders (A48)", () =>
    withLayer(
      HttpServer.serve(SessionMiddleware.middleware(router), HttpMiddleware.xForwardedHeaders),
      async (server) => {
        expect(await stored(server, { "x-forwarded-for": "9.9.9.9" })).toBe("127.0.0.1")
      }
    ))
})
