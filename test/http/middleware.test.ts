import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { cookieName, json, makeGate, pages, withApp, withLayer } from "./support.js"

const text = (body: string, status = 200) => HttpServerResponse.text(body, { status })
const putA = Session.put("a", 1)

const app = pages({
  "/read": json(Session.all),
  "/put": Effect.as(putA, text("ok")),
  "/visits": json(Session.increment("visits")),
  "/fail": Effect.zipRight(putA, Effect.fail("typed")),
  "/die": Effect.zipRight(putA, Effect.die("defect")),
  "/500": Effect.as(putA, text("broken", 500)),
  "/422": Effect.as(putA, text("invalid", 422)),
  "/redirect": Effect.as(putA, HttpServerResponse.redirect("/read")),
  "/stream": Effect.as(
    putA,
    HttpServerResponse.stream(Stream.make("one ", "two").pipe(Stream.encodeText))
  ),
  "/vary": Effect.succeed(HttpServerResponse.text("v", { headers: { vary: "Accept" } })),
  "/nan": Effect.zipRight(putA, json(Session.put("b", Number.NaN))),
  "/proto": Effect.zipRight(putA, json(Session.put("x.__proto__.y", 1))),
  "/large": Effect.zipRight(putA, json(Session.put("b", "x".repeat(65 * 1024)))),
  "/whole": Effect.zipRight(
    Session.put("b", "x".repeat(40_000)),
    json(Session.put("c", "x".repeat(40_000)))
  ),
  "/flash": Effect.as(Session.flash("notice", "saved"), text("ok"))
})

describe("a visitor that stores nothing", () => {
  it("gets no cookie", () =>
    withApp(app, async (server) => {
      const answer = await server.client().send("/read")

      expect(answer.setCookies).toEqual([])
    }))

  it("leaves no row", () =>
    withApp(app, async (server) => {
      await server.client().send("/read")

      expect(await server.rows()).toBe(0)
    }))

  it("gets Vary: Cookie", () =>
    withApp(app, async (server) => {
      const answer = await server.client().send("/read")

      expect(answer.headers.get("vary")).toBe("Cookie")
    }))

  it("keeps the Vary of the handler", () =>
    withApp(app, async (server) => {
      const answer = await server.client().send("/vary")

      expect(answer.headers.get("vary")).toBe("Accept, Cookie")
    }))
})

describe("the first write", () => {
  it("sets one cookie with exactly these attributes", () =>
    withApp(app, async (server) => {
      const answer = await server.client().send("/put")

      expect(answer.setCookies).toHaveLength(1)
      const [pair, ...attributes] = (answer.setCookies[0] ?? "").split("; ")
      expect(pair).toMatch(/^__Host-session=[A-Za-z0-9_-]+$/)
      expect([...attributes].sort()).toEqual(
        ["HttpOnly", "Max-Age=7200", "Path=/", "SameSite=Lax", "Secure"].sort()
      )
    }))

  it("makes the response uncacheable", () =>
    withApp(app, async (server) => {
      const answer = await server.client().send("/put")

      expect(answer.headers.get("cache-control")).toBe("no-store")
    }))

  it("is read by the next request", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/put")

      const answer = await client.send("/read")

      expect(JSON.parse(answer.text)).toEqual({ a: 1 })
    }))

  it("is not repeated as a cookie by the next request", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/put")

      const answer = await client.send("/read")

      expect(answer.setCookies).toEqual([])
    }))

  it("is unseen by another visitor", () =>
    withApp(app, async (server) => {
      await server.client().send("/put")

      const answer = await server.client().send("/read")

      expect(JSON.parse(answer.text)).toEqual({})
    }))
})

describe("a cookie that names no session", () => {
  const unknown = "A".repeat(43)
  const cases: ReadonlyArray<readonly [string, string]> = [
    ["unknown", `${cookieName}=${unknown}`],
    ["malformed", `${cookieName}=../../etc/passwd`],
    ["empty", `${cookieName}=`],
    ["badly encoded", `${cookieName}=%E0%A4%A`],
    ["duplicated and different", `${cookieName}=${unknown}; ${cookieName}=${"B".repeat(43)}`],
    ["of 15 KB", `${cookieName}=${"x".repeat(15_000)}`]
  ]

  for (const [name, cookie] of cases) {
    it(`is anonymous: ${name}`, () =>
      withApp(app, async (server) => {
        const answer = await server.client(cookie).send("/read")

        expect([answer.status, answer.text, answer.setCookies]).toEqual([200, "{}", []])
      }))

    it(`is never adopted: ${name}`, () =>
      withApp(app, async (server) => {
        const answer = await server.client(cookie).send("/put")

        expect(answer.setCookies).toHaveLength(1)
        expect(cookie).not.toContain(answer.setCookies[0]?.split(";", 1)[0])
      }))
  }

  it("hides a session that stands beside a different one of the same name", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/put")

      const answer = await server.client(`${cookieName}=${unknown}; ${client.cookie}`).send("/read")

      expect(answer.text).toBe("{}")
    }))
})

describe("pending writes", () => {
  for (const [name, path, status] of [
    ["a typed failure", "/fail", 500],
    ["a defect", "/die", 500],
    ["a 500", "/500", 500],
    ["NaN", "/nan", 500],
    ["a __proto__ key", "/proto", 500],
    ["a value of 65 KiB", "/large", 500],
    ["a payload over the limit", "/whole", 500]
  ] as const) {
    it(`are dropped by ${name} (R49)`, () =>
      withApp(app, async (server) => {
        const answer = await server.client().send(path)

        expect([answer.status, answer.setCookies, await server.rows()]).toEqual([status, [], 0])
      }))
  }

  it("leave a stored session as it was after a 500 (R49)", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/visits")
      await client.send("/500")

      expect((await client.send("/read")).text).toBe('{"visits":1}')
    }))

  it("are committed with a 4xx", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const answer = await client.send("/422")

      expect(answer.status).toBe(422)
      expect((await client.send("/read")).text).toBe('{"a":1}')
    }))

  it("are committed by HEAD", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const answer = await client.send("/put", { method: "HEAD" })

      expect([answer.text, answer.setCookies.length]).toEqual(["", 1])
      expect((await client.send("/read")).text).toBe('{"a":1}')
    }))

  it("are there right after a redirect", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const answer = await client.send("/redirect")

      expect(answer.status).toBe(302)
      expect((await client.send(answer.headers.get("location") ?? "")).text).toBe('{"a":1}')
    }))

  it("are committed before a streamed body", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const answer = await client.send("/stream")

      expect([answer.text, answer.setCookies.length]).toEqual(["one two", 1])
      expect((await client.send("/read")).text).toBe('{"a":1}')
    }))
})

describe("an operation that fits no more once a value was consumed", () => {
  it("ends in a conflict, and what was consumed stays so", () => {
    const gate = makeGate()
    const app = pages({
      "/start": json(Session.put({ list: [1], ticket: "t" })),
      "/change": json(
        Session.push("list", 2).pipe(
          Effect.zipRight(gate.pass),
          Effect.zipRight(Session.consume("ticket"))
        )
      ),
      "/other": json(Session.put("list", "a word")),
      "/all": json(Session.all)
    })

    return withApp(app, async (server) => {
      const client = server.client()
      await client.send("/start")

      const answer = client.send("/change")
      await gate.entered()
      await client.send("/other")
      await gate.open()

      expect((await answer).status).toBe(409)
      expect(JSON.parse((await client.send("/all")).text)).toEqual({ list: "a word" })
    })
  })
})

describe("a change given as a function", () => {
  it("runs once where no other request came between", () => {
    let runs = 0
    const change = () => {
      runs += 1
      return runs
    }
    const app = pages({
      "/start": json(Session.put("a", 1)),
      "/change": json(Effect.zipRight(Session.modify("a", change), Session.put("b", 2))),
      "/all": json(Session.all)
    })

    return withApp(app, async (server) => {
      const client = server.client()
      await client.send("/start")
      await client.send("/change")

      expect([JSON.parse((await client.send("/all")).text), runs]).toEqual([{ a: 1, b: 2 }, 1])
    })
  })

  it("ends in a conflict and stores nothing when it throws as it runs again, and the next request works", () => {
    let runs = 0
    const once = () => {
      runs += 1
      if (runs === 2) throw new Error("only once")
      return "changed"
    }
    const gate = makeGate()
    const app = pages({
      "/start": json(Session.put("a", 1)),
      "/change": json(Effect.zipRight(Session.modify("a", once), gate.pass)),
      "/other": json(Session.put("b", 2)),
      "/all": json(Session.all)
    })

    return withApp(app, async (server) => {
      const client = server.client()
      await client.send("/start")

      const answer = client.send("/change")
      await gate.entered()
      await client.send("/other")
      await gate.open()

      expect([(await answer).status, runs]).toEqual([409, 2])
      expect(JSON.parse((await client.send("/all")).text)).toEqual({ a: 1, b: 2 })
    })
  })
})

describe("a path without a route", () => {
  const routes = HttpRouter.empty.pipe(HttpRouter.get("/put", Effect.as(putA, text("ok"))))

  it("is a plain 404 inside the middleware", () =>
    withLayer(HttpServer.serve(SessionMiddleware.middleware(routes)), async (server) => {
      const answer = await server.client().send("/nowhere")

      expect([answer.status, answer.setCookies, await server.rows()]).toEqual([404, [], 0])
      expect(answer.headers.get("vary")).toBe("Cookie")
    }))

  it("is a 404 without Vary outside the middleware", () =>
    withLayer(
      HttpServer.serve(HttpRouter.use(routes, SessionMiddleware.middleware)),
      async (server) => {
        const answer = await server.client().send("/nowhere")

        expect([answer.status, answer.headers.get("vary")]).toEqual([404, null])
      }
    ))
})

describe("flash", () => {
  it("is shown by the second request", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/flash")

      expect((await client.send("/read")).text).toBe('{"notice":"saved"}')
    }))

  it("is gone at the third request", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/flash")
      await client.send("/read")

      expect((await client.send("/read")).text).toBe("{}")
    }))

  it("is not aged by a 500", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/flash")
      await client.send("/500")

      expect((await client.send("/read")).text).toBe('{"notice":"saved"}')
    }))

  for (const header of ["sec-purpose", "purpose"]) {
    it(`is not aged by a prefetch that says so in ${header}`, () =>
      withApp(app, async (server) => {
        const client = server.client()
        await client.send("/flash")
        await client.send("/read", { headers: { [header]: "prefetch" } })

        expect((await client.send("/read")).text).toBe('{"notice":"saved"}')
      }))
  }
})

describe("a store that is down", () => {
  const down = Effect.fail(
    new SessionStore.SessionStoreError({ operation: "test", reason: "unavailable" })
  )
  /** Works, but for what is named. */
  const broken = (...names: ReadonlyArray<"find" | "update" | "insert">) =>
    Layer.effect(
      SessionStore.SessionStore,
      Effect.map(SessionStore.SessionStore, (store) =>
        SessionStore.SessionStore.of({
          ...store,
          ...Object.fromEntries(names.map((name) => [name, () => down]))
        })
      )
    ).pipe(Layer.provide(SessionStore.layerMemory))

  const cookie = `${cookieName}=${"A".repeat(43)}`
  const cases = [
    ["at find", broken("find"), "/put", cookie],
    ["at insert", broken("insert"), "/put", undefined]
  ] as const

  for (const [name, store, path, sent] of cases) {
    it(`is a 503 with Retry-After and no Set-Cookie ${name}`, () =>
      withApp(
        app,
        async (server) => {
          const answer = await server.client(sent).send(path)

          expect([answer.status, answer.setCookies]).toEqual([503, []])
          expect(answer.headers.get("retry-after")).toMatch(/^\d+$/)
        },
        { store }
      ))
  }

  it("is a 503 with Retry-After and no Set-Cookie at update", () =>
    withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/put")

        const answer = await client.send("/visits")

        expect([answer.status, answer.setCookies]).toEqual([503, []])
        expect(answer.headers.get("retry-after")).toMatch(/^\d+$/)
      },
      { store: broken("update") }
    ))

  it("is unnoticed by a visitor without a cookie that stores nothing", () =>
    withApp(
      app,
      async (server) => {
        expect((await server.client().send("/read")).status).toBe(200)
      },
      { store: broken("find", "insert", "update") }
    ))
})
