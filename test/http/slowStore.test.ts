/** A store that answers late, or not within the two seconds that a request waits for it. */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import type { Service } from "../../src/SessionStore.js"
import { storeWith } from "../support/storeWith.js"
import { json, pages, withApp, withLayer } from "./support.js"

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
  const store = storeWith((inner) => ({ [method]: stall(inner[method] as Service["insert"]) }))
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

        expect(answer).toMatchObject({ status: 503, setCookies: [] })
        expect(answer.headers.get("retry-after")).toBe("1")
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

        expect(answer).toMatchObject({ status: 200, setCookies: [] })
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

        expect(answer.status).toBe(503)
        expect(answer.setCookies).toHaveLength(1)
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

        expect(answer.status).toBe(503)
        expect(answer.setCookies).toHaveLength(1)
        expect(client.cookie).toBeUndefined()
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

describe("a store that took its time to fail", () => {
  it("is not asked what became of a commit", async () => {
    let finds = 0
    const store = storeWith(({ find }) => ({
      find: (id) => {
        finds++
        return find(id)
      },
      update: () => Effect.never
    }))
    await withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/count")
        finds = 0

        expect((await client.send("/count")).status).toBe(503)
        expect(finds).toBe(1)
      },
      { store }
    )
  })

  it("is not asked a second time about a login that is stored, which ends", async () => {
    let questions = 0
    const store = storeWith(({ revokedWithin }) => ({
      revokedWithin: (login) =>
        Effect.suspend(() => (++questions === 1 ? revokedWithin(login) : Effect.never))
    }))
    await withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/count")

        expect((await client.send("/login")).status).toBe(503)
        expect(questions).toBe(2)
        expect((await client.send("/user")).text).not.toContain("ann")
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
        store: storeWith(({ update }) => ({
          update: (...args) => Effect.delay(update(...args), 100)
        }))
      }
    ))
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
