import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { layerMemory, type Service, SessionStore } from "../../src/SessionStore.js"
import { json, makeGate, pages, withApp, withLayer } from "./support.js"

/** A memory store with some of its methods replaced. */
const changed = (change: (store: Service) => Partial<Service>) =>
  Layer.effect(
    SessionStore,
    Effect.map(SessionStore, (store) => SessionStore.of({ ...store, ...change(store) }))
  ).pipe(Layer.provide(layerMemory))

/** A store whose first such write waits until it is let go, and tells when it is done. */
const makeStalling = (method: "insert" | "update" | "move") => {
  // The first session of a test is there already when it inserts another one.
  let left = method === "insert" ? 2 : 1
  const held = Effect.runSync(Deferred.make<void>())
  const landed = Effect.runSync(Deferred.make<void>())
  const stall =
    <Args extends ReadonlyArray<unknown>, A, E>(call: (...args: Args) => Effect.Effect<A, E>) =>
    (...args: Args): Effect.Effect<A, E> =>
      Effect.suspend(() =>
        --left === 0
          ? // As a driver that cannot cancel what it has sent.
            Effect.uninterruptible(
              Effect.zipRight(
                Deferred.await(held),
                Effect.tap(call(...args), () => Deferred.succeed(landed, undefined))
              )
            )
          : call(...args)
      )
  const store = changed((inner) => ({ [method]: stall(inner[method] as Service["insert"]) }))
  return {
    store,
    letGo: () =>
      Effect.runPromise(Effect.zipRight(Deferred.succeed(held, undefined), Deferred.await(landed)))
  }
}

const app = pages({
  "/count": json(Session.increment("count")),
  "/other": json(Session.increment("other")),
  "/login": json(Session.login("ann")),
  "/tolerant": json(
    Effect.zipRight(
      Effect.zipRight(Session.increment("count"), Effect.ignore(Session.commit)),
      Session.increment("count")
    )
  ),
  "/shrugging": json(Effect.ignore(Session.login("ann"))),
  "/user": json(Session.userId),
  "/all": json(Session.all)
})

describe("a store that does not answer", () => {
  it("gives a 503 after two seconds, while the commit runs to its end", async () => {
    const { letGo, store } = makeStalling("update")
    await withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/count")

        const answer = await client.send("/count")
        await letGo()

        expect([answer.status, answer.headers.get("retry-after"), answer.setCookies]).toEqual([
          503,
          "1",
          []
        ])
        expect((await client.send("/all")).text).toBe('{"count":2}')
      },
      { store }
    )
  })

  it("does not let a commit that was given up be made a second time by the same request", async () => {
    const { letGo, store } = makeStalling("update")
    await withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/count")
        await client.send("/tolerant")
        await letGo()

        expect((await client.send("/all")).text).toBe('{"count":2}')
      },
      { store }
    )
  })

  it("hands out no cookie of a login that failed for the handler and lands later", async () => {
    const { letGo, store } = makeStalling("move")
    await withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/count")
        const answer = await client.send("/shrugging")
        await letGo()

        expect([answer.status, answer.setCookies]).toEqual([200, []])
        expect((await client.send("/user")).text).not.toContain("ann")
      },
      { store }
    )
  })
})

describe("a store that does not answer the last commit of a request", () => {
  it("costs a login that was committed no cookie", async () => {
    const { letGo, store } = makeStalling("update")
    await withApp(
      pages({
        "/start": json(Session.start),
        "/login": json(Effect.zipRight(Session.login("ann"), Session.put("welcome", true))),
        "/user": json(Session.userId)
      }),
      async (server) => {
        const client = server.client()
        await client.send("/start")

        const answer = await client.send("/login")
        await letGo()

        expect([answer.status, answer.setCookies.length]).toEqual([503, 1])
        expect((await client.send("/user")).text).toContain("ann")
      },
      { store }
    )
  })

  it("does not keep a logout from deleting the cookie", async () => {
    const { letGo, store } = makeStalling("insert")
    await withApp(
      pages({
        "/login": json(Session.put("a", 1)),
        "/logout": json(Effect.zipRight(Session.logout, Session.flash("bye", 1)))
      }),
      async (server) => {
        const client = server.client()
        await client.send("/login")

        const answer = await client.send("/logout")
        await letGo()

        expect([answer.status, answer.setCookies.length, client.cookie]).toEqual([
          503,
          1,
          undefined
        ])
      },
      { store }
    )
  })

  it("lets a consume go on that waited for it, and stores nothing over what that has taken", async () => {
    const { letGo, store } = makeStalling("update")
    await withApp(
      pages({
        "/start": json(Session.put("code", "123")),
        "/other": json(Session.put("other", 1)),
        "/consume": json(Session.consume("code")),
        "/all": json(Session.all)
      }),
      async (server) => {
        const client = server.client()
        await client.send("/start")
        const pending = server.client(client.cookie).send("/other")
        const consumed = await server.client(client.cookie).send("/consume")
        await letGo()

        expect(consumed.text).toContain("123")
        expect((await pending).status).toBe(503)
        expect((await client.send("/all")).text).toBe("{}")
      },
      { store }
    )
  })
})

describe("a queue that takes longer than two seconds but moves", () => {
  it("loses no request", () =>
    withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/count")

        const answers = await Promise.all(
          Array.from({ length: 25 }, () => server.client(client.cookie).send("/count"))
        )

        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
        expect((await client.send("/all")).text).toBe('{"count":26}')
      },
      {
        store: changed(({ update }) => ({
          update: (...args) => Effect.delay(update(...args), 100)
        }))
      }
    ))
})

describe("a session that ends while a request works with it", () => {
  it("is not brought back under a new id by a commit and a regenerate", async () => {
    const gate = makeGate()
    const racing = pages({
      "/login": json(Effect.zipRight(Session.put("secret", 1), Session.login("ann"))),
      "/logout": json(Session.logout),
      "/slow": json(
        Effect.gen(function* () {
          yield* gate.pass
          yield* Session.put("a", 1)
          yield* Session.commit
          yield* Session.regenerate
        })
      ),
      "/user": json(Session.userId),
      "/all": json(Session.all)
    })
    await withApp(racing, async (server) => {
      const client = server.client()
      await client.send("/login")
      const slow = server.client(client.cookie)
      const pending = slow.send("/slow")
      await gate.entered()
      await client.send("/logout")
      await gate.open()
      await pending

      expect((await slow.send("/all")).text).toBe("{}")
      expect((await slow.send("/user")).text).not.toContain("ann")
    })
  })
})

describe("two commits of one request at once", () => {
  it("store its operations once", () =>
    withApp(
      pages({
        "/both": json(
          Effect.zipRight(
            Session.increment("count"),
            Effect.all([Session.commit, Session.commit], { concurrency: "unbounded" })
          )
        ),
        "/start": json(Session.start),
        "/all": json(Session.all)
      }),
      async (server) => {
        const client = server.client()
        await client.send("/start")
        await client.send("/both")

        expect((await client.send("/all")).text).toBe('{"count":1}')
      },
      {
        store: changed(({ update }) => ({ update: (...args) => Effect.delay(update(...args), 5) }))
      }
    ))

  it("keep what is recorded while they run", () =>
    withApp(
      pages({
        "/both": json(
          Effect.zipRight(
            Session.put("a", 1),
            Effect.all([Session.commit, Effect.delay(Session.put("b", 1), 2)], {
              concurrency: "unbounded"
            })
          )
        ),
        "/start": json(Session.start),
        "/all": json(Session.all)
      }),
      async (server) => {
        const client = server.client()
        await client.send("/start")
        await client.send("/both")

        expect(JSON.parse((await client.send("/all")).text)).toEqual({ a: 1, b: 1 })
      },
      {
        store: changed(({ update }) => ({ update: (...args) => Effect.delay(update(...args), 30) }))
      }
    ))
})

describe("a read that touches the session", () => {
  it("sets no cookie when a login came between, which it would overwrite", async () => {
    let now = Date.now()
    const gate = makeGate()
    const reading = pages({
      "/login": json(Session.login("ann")),
      "/start": json(Session.start),
      "/slow": json(gate.pass)
    })
    const clock = await Effect.runPromise(Effect.clock)
    const shifted = Object.create(clock, {
      unsafeCurrentTimeMillis: { value: () => now },
      currentTimeMillis: { value: Effect.sync(() => now) }
    })
    await withLayer(
      HttpServer.serve(Effect.withClock(SessionMiddleware.middleware(reading), shifted)),
      async (server) => {
        const client = server.client()
        await client.send("/start")
        const pending = server.client(client.cookie).send("/slow")
        await gate.entered()
        await client.send("/login")
        now += 2 * 60 * 1000
        await gate.open()

        expect((await pending).setCookies).toEqual([])
      }
    )
  })
})

describe("a timeout outside the middleware", () => {
  it("stores nothing of what the handler had recorded", async () => {
    const bounded = HttpRouter.empty.pipe(
      HttpRouter.get("/start", json(Session.start)),
      HttpRouter.get("/slow", json(Effect.zipRight(Session.put("a", 1), Effect.never))),
      HttpRouter.get("/all", json(Session.all)),
      HttpRouter.use(SessionMiddleware.middleware),
      HttpRouter.use(
        Effect.timeoutTo({
          duration: 100,
          onSuccess: (response) => response,
          onTimeout: () => HttpServerResponse.empty({ status: 504 })
        })
      )
    )
    await withLayer(HttpServer.serve(bounded), async (server) => {
      const client = server.client()
      await client.send("/start")

      expect((await client.send("/slow")).status).toBe(504)
      expect((await client.send("/all")).text).toBe("{}")
    })
  })
})
