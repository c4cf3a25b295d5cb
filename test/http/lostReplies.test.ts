/** Writes that the store has done although it said that it failed, and could not be asked about at once. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionStore from "../../src/SessionStore.js"
import { json, makeGate, pages, withApp } from "./support.js"

type Verb = "insert" | "update" | "move"
type Handler = Effect.Effect<unknown, unknown, Session.Session>

const away = (operation: string) =>
  Effect.fail(new SessionStore.SessionStoreError({ operation, reason: "unavailable" }))

/** A store that, once told to, loses the reply of the n-th such write, and after it so many reads. */
const makeLossy = (base: Layer.Layer<SessionStore.SessionStore> = SessionStore.layerMemory) => {
  let lossy: { readonly verb: Verb; nth: number; readonly reads: number } | undefined
  let readsLost = 0
  let pass: Effect.Effect<unknown> = Effect.void
  const layer = Layer.provide(
    Layer.effect(
      SessionStore.SessionStore,
      Effect.map(SessionStore.SessionStore, (store) => {
        const losing =
          <Args extends ReadonlyArray<unknown>, A>(
            verb: Verb,
            call: (...args: Args) => Effect.Effect<A, SessionStore.SessionStoreError>
          ) =>
          (...args: Args) =>
            Effect.suspend(() => {
              if (lossy?.verb !== verb || --lossy.nth > 0) return call(...args)
              readsLost = lossy.reads
              lossy = undefined
              return Effect.zipRight(Effect.zipRight(call(...args), pass), away(verb))
            })
        return {
          ...store,
          insert: losing("insert", store.insert),
          update: losing("update", store.update),
          move: losing("move", store.move),
          find: (id: string) =>
            Effect.suspend(() => (readsLost-- > 0 ? away("find") : store.find(id)))
        }
      })
    ),
    base
  )
  return {
    layer,
    lose: (verb: Verb, nth = 1, reads = 0, then: Effect.Effect<unknown> = Effect.void) => {
      lossy = { verb, nth, reads }
      pass = then
    }
  }
}

const more = Session.increment("n")
const again = Effect.retry(Session.commit, Schedule.recurs(3))
const shrug = Effect.ignore(Session.commit)
const view = json(
  Effect.all([
    Effect.map(Session.get("n"), Option.getOrNull),
    Effect.map(Session.userId, Option.getOrNull)
  ])
)

describe("a lost reply to the second change of id in one request", () => {
  const chains: Readonly<Record<string, ReadonlyArray<Handler>>> = {
    "/login-regenerate": [Session.login("u"), Session.regenerate],
    "/login-login": [Session.login("u"), Session.login("u")],
    "/regenerate-commit-migrate": [Session.regenerate, Session.commit, Session.migrate()],
    "/migrate-commit-login": [Session.migrate(), Session.commit, Session.login("u")]
  }

  for (const [path, chain] of Object.entries(chains)) {
    it(`loses neither the session nor its cookie: ${path.slice(1)}`, async () => {
      const { layer, lose } = makeLossy()
      const app = pages({
        "/seed": json(Session.put("n", 7)),
        "/chain": json(Effect.all(chain)),
        "/view": view
      })
      await withApp(
        app,
        async (server) => {
          const client = server.client()
          await client.send("/seed")
          lose("move", 2)

          const answer = await client.send("/chain")

          expect([answer.status, answer.setCookies.length]).toEqual([200, 1])
          const user = path.includes("login") ? "u" : null
          expect(JSON.parse((await client.send("/view")).text)).toEqual([7, user])
          expect(await server.rows()).toBe(1)
        },
        { store: layer }
      )
    })
  }
})

describe("a commit whose fate nobody could tell", () => {
  const ways: Readonly<Record<string, { handler: Handler; verb: Verb; n: number }>> = {
    "tried again": { handler: Effect.zipRight(more, again), verb: "update", n: 8 },
    "left to the end": { handler: Effect.zipRight(more, shrug), verb: "update", n: 8 },
    "followed by more": {
      handler: Effect.zipRight(Effect.zipRight(more, shrug), more),
      verb: "update",
      n: 9
    },
    "of a new id": {
      handler: Effect.zipRight(Effect.zipRight(Session.migrate(), more), again),
      verb: "move",
      n: 8
    },
    "of a new id, followed by another one": {
      handler: Effect.zipRight(
        Effect.zipRight(Effect.zipRight(Session.migrate(), more), shrug),
        Session.regenerate
      ),
      verb: "move",
      n: 8
    },
    "followed by a consume": {
      handler: Effect.zipRight(Effect.zipRight(more, shrug), Session.consume("ticket")),
      verb: "update",
      n: 8
    }
  }

  for (const [name, { handler, n, verb }] of Object.entries(ways)) {
    it(`is not done twice: ${name}`, async () => {
      const { layer, lose } = makeLossy()
      const app = pages({
        "/seed": json(Session.put({ n: 7, ticket: "T" })),
        "/do": json(handler),
        "/view": view
      })
      await withApp(
        app,
        async (server) => {
          const client = server.client()
          await client.send("/seed")
          lose(verb, 1, 1)

          expect((await client.send("/do")).status).toBe(200)
          expect(JSON.parse((await client.send("/view")).text)).toEqual([n, null])
          expect(await server.rows()).toBe(1)
        },
        { store: layer }
      )
    })
  }

  const beginnings: Readonly<Record<string, Handler>> = {
    "tried again": Effect.zipRight(more, again),
    "left to the end": Effect.zipRight(more, shrug),
    "followed by a new id": Effect.zipRight(Effect.zipRight(more, shrug), Session.regenerate)
  }
  for (const [name, handler] of Object.entries(beginnings)) {
    it(`begins one session, not two: ${name}`, async () => {
      const { layer, lose } = makeLossy()
      const app = pages({
        "/do": json(handler),
        "/view": view
      })
      await withApp(
        app,
        async (server) => {
          const client = server.client()
          lose("insert", 1, 1)

          expect((await client.send("/do")).status).toBe(200)
          expect(JSON.parse((await client.send("/view")).text)).toEqual([1, null])
          expect(await server.rows()).toBe(1)
        },
        { store: layer }
      )
    })
  }

  for (const seeded of [true, false]) {
    it(`does not refuse a login that is tried again (${seeded ? "a session" : "a new one"})`, async () => {
      const { layer, lose } = makeLossy()
      const app = pages({
        "/seed": json(Session.put("n", 7)),
        "/login": json(Effect.retry(Session.login("u"), Schedule.recurs(3))),
        "/view": view
      })
      await withApp(
        app,
        async (server) => {
          const client = server.client()
          if (seeded) await client.send("/seed")
          lose(seeded ? "move" : "insert", 1, 1)

          expect((await client.send("/login")).status).toBe(200)
          expect(JSON.parse((await client.send("/view")).text)).toEqual([seeded ? 7 : null, "u"])
          expect(await server.rows()).toBe(1)
        },
        {
          store: layer,
          config: SessionConfig.layer({ maxSessionsPerUser: { max: 1, onLimit: "reject" } })
        }
      )
    })
  }

  it("logs nobody in whose handler was told that the login failed", async () => {
    const { layer, lose } = makeLossy()
    const app = pages({
      "/seed": json(Session.put("n", 7)),
      "/login": json(Effect.zipRight(Effect.ignore(Session.login("u")), more)),
      "/view": view
    })
    await withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/seed")
        lose("move", 1, 1)

        const answer = await client.send("/login")

        expect(answer.setCookies).toEqual([])
        expect(JSON.parse((await client.send("/view")).text)).toEqual([null, null])
        expect(await server.run(SessionAdmin.ofUser("u"))).toEqual([])
      },
      { store: layer }
    )
  })
})

describe("a commit that was done before another server moved the session, its reply lost", () => {
  const handlers: Readonly<Record<string, Handler>> = {
    commit: Effect.zipRight(more, Session.commit),
    consume: Session.consume("ticket")
  }

  for (const [name, handler] of Object.entries(handlers)) {
    for (const moved of ["login", "migrate"] as const) {
      it(`does not cross over to it but by an alias: ${name}, ${moved}`, async () => {
        const shared = await Effect.runPromise(
          Effect.scoped(
            Effect.map(
              Layer.build(SessionStore.layerMemory),
              Context.get(SessionStore.SessionStore)
            )
          )
        )
        // Two servers do not share their queues.
        const one = makeLossy(Layer.succeed(SessionStore.SessionStore, { ...shared }))
        const two = Layer.succeed(SessionStore.SessionStore, { ...shared })
        const gate = makeGate()
        const app = pages({
          "/seed": json(Session.put({ n: 7, ticket: "T" })),
          "/do": json(Effect.zipRight(handler, Effect.map(Session.userId, Option.getOrNull))),
          "/login": json(Session.login("u")),
          "/migrate": json(Session.migrate()),
          "/view": view
        })
        await withApp(
          app,
          (first) =>
            withApp(
              app,
              async (second) => {
                const browser = second.client()
                await browser.send("/seed")
                const late = first.client(browser.cookie)
                one.lose("update", 1, 0, gate.pass)

                const pending = late.send("/do")
                await gate.entered()
                await browser.send(`/${moved}`)
                await gate.open()
                const answer = await pending

                expect([answer.status, answer.text]).toEqual([200, "null"])
                const cookies = answer.setCookies.map((line) => line.split(";", 1)[0])
                expect(cookies).toEqual(moved === "login" ? [] : [browser.cookie])
              },
              { store: two }
            ),
          { store: one.layer }
        )
      })
    }
  }
})
