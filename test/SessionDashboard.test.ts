/** The dashboard over HTTP: who may see it, what it shows, and what its forms end. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { makeMemory } from "../src/internal/store/memory/store.js"
import * as Session from "../src/Session.js"
import * as SessionAdmin from "../src/SessionAdmin.js"
import * as SessionDashboard from "../src/SessionDashboard.js"
import * as SessionEvents from "../src/SessionEvents.js"
import * as SessionMiddleware from "../src/SessionMiddleware.js"
import type { SessionRecord } from "../src/SessionStore.js"
import { make, SessionStore, SessionStoreError } from "../src/SessionStore.js"
import { type Client, makeGate, type Server, type Setting, withLayer } from "./http/support.js"
import { aRecord } from "./support/record.js"

const path = "/admin/sessions"

/** Lets `root` in, sends guests to the login, and refuses everybody else. */
const guard = Effect.gen(function* () {
  const userId = yield* Session.userId
  if (Option.isNone(userId)) return yield* Effect.fail(HttpServerResponse.redirect("/login"))
  return userId.value === "root"
    ? "root@example.com"
    : yield* Effect.fail(HttpServerResponse.text("Not for you.", { status: 403 }))
})

const loginAs = Effect.gen(function* () {
  const { url } = yield* HttpServerRequest.HttpServerRequest
  yield* Session.login(url.split("as=")[1] ?? "")
  return HttpServerResponse.text(yield* Session.id)
})

type Given = Partial<
  SessionDashboard.Options<HttpServerResponse.HttpServerResponse, Session.Session>
>

const served = (given: Given = {}) =>
  Layer.merge(
    HttpLayerRouter.add("GET", "/login", loginAs),
    SessionDashboard.layer({ path, guard, ...given })
  ).pipe(Layer.provide(SessionMiddleware.layer), HttpLayerRouter.serve)

const withDashboard = (
  test: (server: Server, root: Client) => Promise<void>,
  given?: Given,
  setting?: Setting
) =>
  withLayer(
    served(given),
    async (server) => {
      const root = server.client()
      await root.send("/login?as=root")
      await test(server, root)
    },
    setting
  )

const stored = (server: Server, ...given: ReadonlyArray<Partial<SessionRecord>>) =>
  server.run(
    Effect.flatMap(SessionStore, (store) =>
      Effect.forEach(given, (one) => {
        const record = aRecord(one)
        return Effect.as(store.insert(record), record.id)
      })
    )
  )

/** The ids of the sessions that a page has a line for, in its order. */
const listed = (text: string) =>
  [...text.matchAll(/end\?session=([0-9a-f]{40})/g)].map(([, id]) => id ?? "")

const tokenOf = (text: string) => /name="_token" value="([^"]*)"/.exec(text)?.[1] ?? ""

/** Asks to end something, and sends the form that comes. */
const confirm = async (client: Client, query: string) => {
  const page = await client.send(`${path}/end?${query}`)
  return client.send(`${path}/end?${query}`, {
    method: "POST",
    body: new URLSearchParams({ _token: tokenOf(page.text) }),
    headers: { "sec-fetch-site": "same-origin" }
  })
}

const aliveOf = (server: Server, userId: string) =>
  server.run(Effect.map(SessionAdmin.ofUser(userId), (all) => all.map(({ id }) => id).sort()))

describe("the guard of the dashboard", () => {
  const paths = [
    path,
    `${path}?user=ann`,
    `${path}?session=${"a".repeat(40)}`,
    `${path}/end?user=ann`
  ]

  it.each(paths)("answers instead of %s, and nothing is asked of the store", async (page) => {
    const asked: Array<string> = []
    const memory = makeMemory(0, undefined)
    const spied = make({
      ...memory,
      entries: (filter) => {
        asked.push("entries")
        return memory.entries(filter)
      }
    })
    await withLayer(
      served(),
      async (server) => {
        const [guest, ann] = [server.client(), server.client()]
        await ann.send("/login?as=ann")

        const answers = [await guest.send(page), await ann.send(page)]

        expect(answers.map(({ status }) => status)).toEqual([302, 403])
        expect(answers[1]?.text).toBe("Not for you.")
        expect(asked).toEqual([])
      },
      { store: Layer.succeed(SessionStore, spied) }
    )
  })

  it("lets nobody else end a session", () =>
    withDashboard(async (server) => {
      const [victim = ""] = await stored(server, { userId: "ben" })
      const ann = server.client()
      await ann.send("/login?as=ann")

      const answer = await ann.send(`${path}/end?session=${victim}`, {
        method: "POST",
        headers: { "sec-fetch-site": "same-origin" }
      })

      expect(answer.status).toBe(403)
      expect(await aliveOf(server, "ben")).toEqual([victim])
    }))
})

describe("a page of the dashboard", () => {
  it("is not kept, loads nothing from elsewhere, and has neither scripts nor inline styles", () =>
    withDashboard(async (server, root) => {
      const [id = ""] = await stored(server, { userId: "ann" })
      const pages = [path, `${path}?user=ann`, `${path}?session=${id}`, `${path}/end?user=ann`]
      for (const page of pages) {
        const { headers, status, text } = await root.send(page)

        expect(status).toBe(200)
        expect(headers.get("content-security-policy")).toBe(
          "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        expect(headers.get("cache-control")).toBe("private, no-store")
        expect(headers.get("x-content-type-options")).toBe("nosniff")
        expect(headers.get("referrer-policy")).toBe("same-origin")
        expect(text).not.toMatch(/<script|<style|\sstyle=|\son\w+=|https?:/)
        expect([...text.matchAll(/ (?:src|href|action)="([^"]*)"/g)].map(([, to]) => to)).toEqual(
          expect.arrayContaining([expect.stringMatching(/^\/admin\/sessions\/style\.css\?/)])
        )
      }
      const style = await root.send(`${path}/style.css`)
      expect(style.headers.get("content-type")).toBe("text/css; charset=utf-8")
    }))

  it("escapes what visitors and users have chosen", () =>
    withDashboard(
      async (server, root) => {
        const evil = `"><img src=x onerror=alert(1)>'&`
        const [id = ""] = await stored(server, { userId: evil, userAgent: evil, ipAddress: evil })
        const user = new URLSearchParams({ user: evil })
        const pages = [path, `${path}?${user}`, `${path}?session=${id}`, `${path}/end?${user}`]
        for (const page of pages) {
          const { status, text } = await root.send(page)

          expect(status).toBe(200)
          expect(text).not.toContain("<img")
          expect(text).toContain("&lt;img")
        }
      },
      { namesOf: (ids) => Effect.succeed(new Map(ids.map((id) => [id, `<img ${id}`]))) }
    ))

  it("asks for the names of its users once, each once, and shows ids where that fails", async () => {
    const asked: Array<ReadonlyArray<string>> = []
    const namesOf = (ids: ReadonlyArray<string>) => {
      asked.push(ids)
      return asked.length === 1
        ? Effect.succeed(new Map([["u1", "Ann"]]))
        : Effect.fail("no names today")
    }
    await withDashboard(
      async (server, root) => {
        await stored(server, { userId: "u1" }, { userId: "u1" }, { userId: "u2" }, { userId: null })

        const [named, unnamed] = [await root.send(path), await root.send(path)]

        expect(asked.map((ids) => [...ids].sort())).toEqual([
          ["root", "u1", "u2"],
          ["root", "u1", "u2"]
        ])
        expect(named.text).toContain("Ann")
        expect([unnamed.status, unnamed.text.includes("Ann")]).toEqual([200, false])
        expect(unnamed.text).toContain("u1")
      },
      { namesOf }
    )
  })

  it("lists each session once, page by page, the newest first", () =>
    withDashboard(async (server, root) => {
      const now = Date.now()
      const all = await stored(
        server,
        ...Array.from({ length: 120 }, (_, index) => ({
          createdAtMillis: now - (index + 1) * 1000
        }))
      )

      const found: Array<string> = []
      let page: string | undefined = path
      const sizes: Array<number> = []
      while (page !== undefined) {
        const { text } = await root.send(page)
        found.push(...listed(text))
        sizes.push(listed(text).length)
        page = /href="([^"#]*)[^"]*">Next page/.exec(text)?.[1]?.replaceAll("&amp;", "&")
      }

      expect(sizes).toEqual([50, 50, 21])
      expect(found.slice(1)).toEqual(all)
    }))

  it("lists those of one user, and those who are active", () =>
    withDashboard(async (server, root) => {
      const now = Date.now()
      const [ann = "", ben = "", old = ""] = await stored(
        server,
        { userId: "ann", createdAtMillis: now - 3000 },
        { userId: "ben", createdAtMillis: now - 2000 },
        { userId: "ann", createdAtMillis: now - 9e6, lastActivityMillis: now - 8e6 }
      )

      expect(listed((await root.send(`${path}?user=ann`)).text)).toEqual([ann, old])
      expect(listed((await root.send(`${path}?active=1`)).text).slice(1)).toEqual([ben, ann])
    }))

  it("says of a session that is gone that it is gone", () =>
    withDashboard(async (_, root) => {
      for (const id of ["f".repeat(40), "", "no id", "\u{1f600}"]) {
        const { status } = await root.send(`${path}?session=${encodeURIComponent(id)}`)
        expect(status).toBe(404)
      }
    }))

  it("is served by an HttpRouter, too", () => {
    const app = HttpRouter.empty.pipe(
      HttpRouter.concat(SessionDashboard.router({ path, guard: Effect.succeed("root") })),
      SessionMiddleware.middleware
    )
    return withLayer(HttpServer.serve(app), async (server) => {
      const [id = ""] = await stored(server, { userId: "ann" })
      const root = server.client()

      expect(listed((await root.send(path)).text)).toEqual([id])
      expect((await confirm(root, `session=${id}`)).status).toBe(303)
      expect(await aliveOf(server, "ann")).toEqual([])
    })
  })
})

describe("an ending", () => {
  it("is asked for, done, said, and published with its operator", async () => {
    const events: Array<SessionEvents.SessionEvent> = []
    const publishing = SessionEvents.layer.pipe(
      Layer.tap((context) =>
        SessionEvents.stream.pipe(
          Stream.runForEach((event) => Effect.sync(() => events.push(event))),
          Effect.provide(context),
          Effect.forkDaemon
        )
      )
    )
    await withDashboard(
      async (server, root) => {
        const [one = "", other = ""] = await stored(server, { userId: "ann" }, { userId: "ann" })

        const page = await root.send(`${path}/end?session=${one}`)
        const still = await aliveOf(server, "ann")
        const answer = await confirm(root, `session=${one}`)
        const after = await root.send(answer.headers.get("location") ?? "")

        expect(page.text).toContain("End this session")
        expect(still).toEqual([one, other].sort())
        expect(answer.status).toBe(303)
        expect(after.text).toContain("1 session was ended.")
        expect(await aliveOf(server, "ann")).toEqual([other])
        await expect
          .poll(() => events.find(({ _tag }) => _tag === "Revoked"))
          .toMatchObject({ actor: "root@example.com", count: 1, id: one, reason: "revoke" })
      },
      {},
      { config: publishing }
    )
  })

  it("of all sessions of a user leaves none, and no other user's", () =>
    withDashboard(async (server, root) => {
      const [, , ben = ""] = await stored(
        server,
        { userId: "a&n=n" },
        { userId: "a&n=n" },
        { userId: "ben" }
      )

      const { headers } = await confirm(root, String(new URLSearchParams({ user: "a&n=n" })))

      expect((await root.send(headers.get("location") ?? "")).text).toContain(
        "2 sessions were ended"
      )
      expect(await aliveOf(server, "a&n=n")).toEqual([])
      expect(await aliveOf(server, "ben")).toEqual([ben])
    }))

  it("of the others spares the one it was asked for", () =>
    withDashboard(async (server, root) => {
      const [mine = ""] = await stored(
        server,
        { userId: "ann" },
        { userId: "ann" },
        { userId: "ann" }
      )

      await confirm(root, `others=${mine}`)

      expect(await aliveOf(server, "ann")).toEqual([mine])
    }))

  it("is refused without the token of the operator's session, and from another site", () =>
    withDashboard(async (server, root) => {
      const [id = ""] = await stored(server, { userId: "ann" })
      const end = `${path}/end?session=${id}`
      const token = tokenOf((await root.send(end)).text)

      const answers = [
        await root.send(end, { method: "POST", headers: { "sec-fetch-site": "same-origin" } }),
        await root.send(end, {
          method: "POST",
          body: new URLSearchParams({ _token: token }),
          headers: { "sec-fetch-site": "cross-site", origin: "https://evil.example" }
        })
      ]

      expect(answers.map(({ status }) => status)).toEqual([403, 403])
      expect(await aliveOf(server, "ann")).toEqual([id])
    }))

  it("does nothing by a link", () =>
    withDashboard(async (server, root) => {
      const [id = ""] = await stored(server, { userId: "ann" })

      await root.send(`${path}/end?session=${id}`)
      await root.send(`${path}/end?user=ann`)

      expect(await aliveOf(server, "ann")).toEqual([id])
    }))

  it("of another namespace's session is not offered", () =>
    withDashboard(async (server, root) => {
      const [id = ""] = await stored(server, { namespace: "shop", userId: "ann" })

      expect((await root.send(`${path}?session=${id}`)).status).toBe(404)
      await confirm(root, `session=${id}`)
      expect(await server.run(SessionAdmin.get(id, { namespace: "shop" }))).toMatchObject({
        _tag: "Some"
      })
    }))
})

/** A memory store that counts its figures at a gate, and can be switched off. */
const aSlowStore = () => {
  const memory = makeMemory(0, undefined)
  const state = { counts: 0, isDown: false }
  const gate = makeGate()
  const down = new SessionStoreError({
    operation: "entries",
    reason: "unavailable",
    cause: new Error("connect to secret-host:5432")
  })
  const store = make({
    ...memory,
    usage: (filter) =>
      Effect.suspend(() => {
        state.counts += 1
        return state.isDown
          ? Effect.fail(down)
          : Effect.zipRight(gate.pass, make(memory).usage(filter))
      }),
    entries: (filter) => (state.isDown ? Stream.fail(down) : memory.entries(filter))
  })
  return { gate, state, setting: { store: Layer.succeed(SessionStore, store) } }
}

describe("the figures of the dashboard", () => {
  it("are counted once for requests that come together, and shown when they are there", async () => {
    const { gate, setting, state } = aSlowStore()
    await withDashboard(
      async (_, root) => {
        const first = await Promise.all([root.send(path), root.send(path), root.send(path)])
        await gate.open()
        await expect.poll(async () => (await root.send(path)).text).toContain("Active users")
        const later = await root.send(path)

        expect(first.map(({ status }) => status)).toEqual([200, 200, 200])
        for (const { headers, text } of first) {
          expect(text).toContain("are being counted")
          expect(headers.get("refresh")).toBe("3")
          // The list does not wait for them.
          expect(listed(text)).toHaveLength(1)
        }
        expect(later.headers.get("refresh")).toBeNull()
        expect(later.text).toMatch(/As of \d\d:\d\d UTC\./)
        // Twice in one count: of the whole, and of the last day.
        expect(state.counts).toBe(2)
      },
      {},
      setting
    )
  })

  it("and the list are missed where the store is away: 503, and no cause", async () => {
    const { gate, setting, state } = aSlowStore()
    await gate.open()
    await withDashboard(
      async (_, root) => {
        state.isDown = true

        const overview = await root.send(path)
        const user = await root.send(`${path}?user=ann`)
        const end = await root.send(`${path}/end?user=ann`)

        for (const { status, text } of [overview, user, end]) {
          expect(status).toBe(503)
          expect(text).not.toContain("secret-host")
        }
        expect(overview.text).toContain("The figures are not there")
        expect(overview.text).toContain("The list is not there")
      },
      {},
      setting
    )
  })
})

describe("the life of a session", () => {
  it("is what the app's log says of it", () =>
    withDashboard(
      async (server, root) => {
        const [id = ""] = await stored(server, { userId: "ann" })

        const { text } = await root.send(`${path}?session=${id}`)

        expect(text).toContain("What happened to it")
        expect(text).toContain("Logged in")
        expect(text).toContain("192.0.2.99")
      },
      {
        history: (id) =>
          Effect.map(Effect.clock, (clock) => [
            {
              at: DateTime.unsafeMake(clock.unsafeCurrentTimeMillis()),
              name: "session.logged_in",
              id,
              userId: "ann",
              clientAddress: "192.0.2.99"
            }
          ])
      }
    ))

  it("is missed, and nothing else, where the log cannot be read", () =>
    withDashboard(
      async (server, root) => {
        const [id = ""] = await stored(server, { userId: "ann" })

        const { status, text } = await root.send(`${path}?session=${id}`)

        expect(status).toBe(200)
        expect(text).toContain("The log could not be read")
        expect(text).not.toContain("secret-file")
      },
      { history: () => Effect.die(new Error("secret-file")) }
    ))
})

describe("SessionDashboard", () => {
  it.each(["admin", "/admin/", "//", "/a b", "/a?b", "/é", "/:id", "/*"])(
    "refuses the path %s",
    (wrong) => {
      expect(() => SessionDashboard.layer({ path: wrong as "/", guard })).toThrow(
        /The session setting path must be a path/
      )
    }
  )

  it.each(["/", "/admin", "/a/b.c_d-e~f"] as const)("takes the path %s", (right) => {
    expect(() => SessionDashboard.layer({ path: right, guard })).not.toThrow()
  })
})
