import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import { layerMemory, SessionStore, SessionStoreError } from "../../src/SessionStore.js"
import {
  type Client,
  json,
  makeGate,
  pages,
  type Server,
  type Setting,
  withApp
} from "./support.js"

const login = Effect.match(Session.login("ann"), {
  onFailure: (error) => error._tag,
  onSuccess: () => "in"
})

const app = pages({
  "/put": json(Session.put("cart", 1)),
  "/login": json(login),
  "/unhandled": json(Session.login("ann")),
  "/user": json(Session.userId),
  "/all": json(Session.all)
})

const limit = (max: number, onLimit: "evictOldest" | "reject"): Setting => ({
  config: SessionConfig.layer({ maxSessionsPerUser: { max, onLimit } })
})

const isIn = (text: string) => text.includes("ann")

describe("maxSessionsPerUser: reject", () => {
  it("refuses the login beyond the limit with a 403", () =>
    withApp(
      app,
      async (server) => {
        await server.client().send("/login")

        expect((await server.client().send("/unhandled")).status).toBe(403)
      },
      limit(1, "reject")
    ))

  it("leaves a refused guest's session as it was", () =>
    withApp(
      app,
      async (server) => {
        await server.client().send("/login")
        const guest = server.client()
        await guest.send("/put")
        const before = guest.cookie
        const answer = await guest.send("/login")

        expect([answer.text, answer.setCookies, guest.cookie]).toEqual([
          '"SessionRefused"',
          [],
          before
        ])
        expect((await guest.send("/all")).text).toBe('{"cart":1}')
      },
      limit(1, "reject")
    ))

  it("lets the same session log in again", () =>
    withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/login")

        expect((await client.send("/login")).text).toBe('"in"')
      },
      limit(1, "reject")
    ))

  it("lets exactly one of two parallel logins take the last place", () =>
    withApp(
      app,
      async (server) => {
        await server.client().send("/login")

        const answers = await Promise.all([
          server.client().send("/login"),
          server.client().send("/login")
        ])

        expect(answers.map(({ text }) => text).sort()).toEqual(['"SessionRefused"', '"in"'])
        expect(await server.rows()).toBe(2)
      },
      limit(2, "reject")
    ))
})

describe("maxSessionsPerUser: reject, at the second click of a login", () => {
  const secondClick = async (before: string) => {
    const gate = makeGate()
    const clicks = pages({
      "/put": json(Session.put("cart", 1)),
      "/login": json(login),
      "/slow": json(
        Effect.zipRight(gate.pass, Effect.zipLeft(login, Session.flash("error", "refused")))
      ),
      "/user": json(Session.userId)
    })
    let outcome: unknown
    await withApp(
      clicks,
      async (server) => {
        const client = server.client()
        await client.send(before)
        const pending = server.client(client.cookie).send("/slow")
        await gate.entered()
        await client.send("/login")
        await gate.open()
        const { setCookies, text } = await pending
        const user = (await client.send("/user")).text
        outcome = { text, setCookies, isIn: isIn(user), rows: await server.rows() }
      },
      limit(1, "reject")
    )
    return outcome
  }

  for (const [who, before] of [
    ["guest", "/put"],
    ["user", "/login"]
  ] as const) {
    it(`leaves a ${who} the cookie of the first`, async () => {
      expect(await secondClick(before)).toEqual({
        text: '"SessionRefused"',
        setCookies: [],
        isIn: true,
        rows: 1
      })
    })
  }
})

describe("a second click of a login that the store fails", () => {
  const settings: Readonly<Record<string, Setting>> = {
    "without a limit": {},
    "at a limit": limit(1, "evictOldest")
  }

  for (const [name, setting] of Object.entries(settings)) {
    it(`logs nobody in past the judgement: ${name}`, async () => {
      const gate = makeGate()
      let fails = false
      const store = Layer.provide(
        Layer.effect(
          SessionStore,
          Effect.map(SessionStore, (inner) => ({
            ...inner,
            insert: (record) =>
              Effect.suspend(() => {
                if (!fails) return inner.insert(record)
                return new SessionStoreError({ operation: "insert", reason: "unavailable" })
              })
          }))
        ),
        layerMemory
      )
      const clicks = pages({
        "/put": json(Session.put("cart", 1)),
        "/login": json(login),
        "/slow": json(Effect.zipRight(gate.pass, login)),
        "/user": json(Session.userId)
      })
      await withApp(
        clicks,
        async (server) => {
          const client = server.client()
          await client.send("/put")
          const second = server.client(client.cookie)
          const pending = second.send("/slow")
          await gate.entered()
          await client.send("/login")
          fails = true
          await gate.open()

          const { setCookies, text } = await pending

          expect([text, setCookies]).toEqual(['"SessionStoreError"', []])
          expect(isIn((await client.send("/user")).text)).toBe(true)
          expect(await server.rows()).toBe(1)
        },
        { ...setting, store }
      )
    })
  }
})

describe("maxSessionsPerUser: evictOldest", () => {
  it("ends the oldest session of the user", () =>
    withApp(
      app,
      async (server) => {
        const first = server.client()
        const second = server.client()
        const third = server.client()
        for (const client of [first, second, third]) await client.send("/login")

        const texts = []
        for (const client of [first, second, third]) texts.push((await client.send("/user")).text)

        expect(texts.map(isIn)).toEqual([false, true, true])
      },
      limit(2, "evictOldest")
    ))

  it("keeps the limit when many log in at once", () =>
    withApp(
      app,
      async (server) => {
        await Promise.all(Array.from({ length: 6 }, () => server.client().send("/login")))

        expect(await server.rows()).toBe(2)
      },
      limit(2, "evictOldest")
    ))
})

describe("maxSessionsPerUser: two servers on one store", () => {
  /** What both servers stand on: slow around each look at the user's sessions, so that logins meet there. */
  const shared = () => {
    const slowly = Effect.sleep("50 millis")
    const memory = ManagedRuntime.make(layerMemory)
    const store = Effect.map(memory.runtimeEffect, ({ context }) => {
      const store = Context.get(context, SessionStore)
      return SessionStore.of({
        ...store,
        insert: (record) =>
          Effect.zipLeft(store.insert(record), record.userId === null ? Effect.void : slowly),
        move: (...args) =>
          Effect.tap(store.move(...args), (moved) => (moved ? slowly : Effect.void)),
        entries: (filter) =>
          Stream.flattenChunks(
            Stream.fromEffect(Effect.zipLeft(Stream.runCollect(store.entries(filter)), slowly))
          )
      })
    })
    return Layer.effect(SessionStore, store)
  }

  const together = (
    { config }: Setting,
    test: (first: Server, second: Server) => Promise<void>
  ): Promise<void> => {
    const setting = { config: config ?? Layer.empty, store: shared() }
    return withApp(app, (first) => withApp(app, (second) => test(first, second), setting), setting)
  }

  const users = async (clients: ReadonlyArray<Client>) => {
    const answers = await Promise.all(clients.map((client) => client.send("/user")))
    return answers.filter(({ text }) => isIn(text)).length
  }

  it("evictOldest leaves one of two sessions that were begun at once", () =>
    together(limit(1, "evictOldest"), async (first, second) => {
      const clients = [first.client(), second.client()]
      const answers = await Promise.all(clients.map((client) => client.send("/login")))

      expect(answers.map(({ text }) => text)).toEqual(['"in"', '"in"'])
      expect([await users(clients), await first.rows()]).toEqual([1, 1])
    }))

  it("evictOldest leaves one of two guests that log in at once", () =>
    together(limit(1, "evictOldest"), async (first, second) => {
      const clients = [first.client(), second.client()]
      for (const client of clients) await client.send("/put")
      await Promise.all(clients.map((client) => client.send("/login")))

      expect([await users(clients), await first.rows()]).toEqual([1, 1])
    }))

  it("reject lets exactly one of two logins in that come at once", () =>
    together(limit(1, "reject"), async (first, second) => {
      const clients = [first.client(), second.client()]
      const answers = await Promise.all(clients.map((client) => client.send("/login")))

      expect(answers.map(({ text }) => text).sort()).toEqual(['"SessionRefused"', '"in"'])
      expect([await users(clients), await first.rows()]).toEqual([1, 1])
    }))

  it("reject leaves a user logged in whose only session logs in again twice at once", () =>
    together(limit(1, "reject"), async (first, second) => {
      const client = first.client()
      await client.send("/login")
      const clicks = [first.client(client.cookie), second.client(client.cookie)]
      const answers = await Promise.all(clicks.map((click) => click.send("/login")))

      expect(answers.map(({ text }) => text).sort()).toEqual(['"SessionRefused"', '"in"'])
      expect([await users(clicks), await first.rows()]).toEqual([1, 1])
    }))
})

describe("a login that was revoked meanwhile", () => {
  const revokedInFlight = async (before: string | undefined) => {
    const gate = makeGate()
    const slow = pages({
      "/put": json(Session.put("cart", 1)),
      "/login": json(Effect.zipRight(gate.pass, login)),
      "/all": json(Session.all)
    })
    let outcome: unknown
    await withApp(slow, async (server) => {
      const client = server.client()
      if (before !== undefined) await client.send(before)
      const pending = client.send("/login")
      await gate.entered()
      await server.run(SessionAdmin.revokeUser("ann"))
      await gate.open()
      const { setCookies, text } = await pending
      outcome = { text, setCookies, all: (await client.send("/all")).text }
    })
    return outcome
  }

  it("leaves the guest's session as it was", async () => {
    expect(await revokedInFlight("/put")).toEqual({
      text: '"SessionRefused"',
      setCookies: [],
      all: '{"cart":1}'
    })
  })

  it("gives a visitor without a session no cookie", async () => {
    expect(await revokedInFlight(undefined)).toEqual({
      text: '"SessionRefused"',
      setCookies: [],
      all: "{}"
    })
  })
})

describe("a login whose store is away once the session has been moved", () => {
  /** A store that fails to tell of revocations so many times after the move; counts how often it is asked then. */
  const forgetful = (times: number, reason: SessionStoreError["reason"]) => {
    const asked = { afterMove: 0 }
    let moved = false
    const store = Layer.effect(
      SessionStore,
      Effect.map(SessionStore, (store) =>
        SessionStore.of({
          ...store,
          move: (...args) =>
            Effect.tap(store.move(...args), () =>
              Effect.sync(() => {
                moved = true
              })
            ),
          revokedWithin: (options) =>
            Effect.suspend(() =>
              moved && ++asked.afterMove <= times
                ? Effect.fail(new SessionStoreError({ operation: "find", reason }))
                : store.revokedWithin(options)
            )
        })
      )
    ).pipe(Layer.provide(layerMemory))
    return { store, asked }
  }

  for (const reason of ["unavailable", "timeout"] as const) {
    it(`stands when the second question is answered (${reason})`, () =>
      withApp(
        app,
        async (server) => {
          const client = server.client()
          await client.send("/put")
          const answer = await client.send("/login")

          expect([answer.text, (await client.send("/all")).text]).toEqual(['"in"', '{"cart":1}'])
          expect(isIn((await client.send("/user")).text)).toBe(true)
        },
        { store: forgetful(1, reason).store }
      ))
  }

  it("does not stand when nobody can judge it, and leaves the client's cookie alone", () =>
    withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/put")
        const answer = await client.send("/unhandled")

        expect([answer.status, answer.setCookies, await server.rows()]).toEqual([503, [], 0])
      },
      { store: forgetful(2, "unavailable").store }
    ))

  it("is not asked again where asking again cannot help", () => {
    const { asked, store } = forgetful(1, "corrupt")
    return withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/put")
        const answer = await client.send("/unhandled")

        expect([answer.status, asked.afterMove, await server.rows()]).toEqual([503, 1, 0])
      },
      { store }
    )
  })
})
