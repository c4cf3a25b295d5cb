/** Writes that the store has done although it said that it failed, and could not be asked about at once. */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import { SessionStoreError } from "../../src/SessionStore.js"
import { storeWith } from "../support/storeWith.js"
import { json, pages, withApp } from "./support.js"

type Verb = "insert" | "update" | "move"
type Handler = Effect.Effect<unknown, unknown, Session.Session>

const away = (operation: string) =>
  Effect.fail(new SessionStoreError({ operation, reason: "unavailable" }))

interface Loss {
  readonly verb: Verb
  nth: number
  readonly reads: number
  readonly meanwhile: () => Promise<void>
}

/**
 * A store that, once told to, loses the reply of the n-th such write, and after it so many reads. `meanwhile` happens before the
 * failure is told.
 */
const makeLossy = () => {
  let lossy: Loss | undefined
  let readsLost = 0
  const layer = storeWith((store) => {
    const losing =
      <Args extends ReadonlyArray<unknown>, A>(
        verb: Verb,
        call: (...args: Args) => Effect.Effect<A, SessionStoreError>
      ) =>
      (...args: Args) =>
        Effect.suspend(() => {
          if (lossy?.verb !== verb || --lossy.nth > 0) return call(...args)
          const { meanwhile, reads } = lossy
          lossy = undefined
          return call(...args).pipe(
            Effect.zipRight(Effect.promise(meanwhile)),
            Effect.zipRight(
              Effect.sync(() => {
                readsLost = reads
              })
            ),
            Effect.zipRight(away(verb))
          )
        })
    return {
      insert: losing("insert", store.insert),
      update: losing("update", store.update),
      move: losing("move", store.move),
      find: (id: string) => Effect.suspend(() => (readsLost-- > 0 ? away("find") : store.find(id)))
    }
  })
  return {
    layer,
    lose: (verb: Verb, nth = 1, reads = 0, meanwhile = async (): Promise<void> => {}) => {
      lossy = { verb, nth, reads, meanwhile }
    }
  }
}

const more = Session.increment("n")
const again = Effect.retry(Session.commit, Schedule.recurs(3))
const shrug = Effect.ignore(Session.commit)
const view = json(
  Effect.all({
    n: Effect.map(Session.get("n"), Option.getOrNull),
    user: Effect.map(Session.userId, Option.getOrNull)
  })
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

          expect(answer.status).toBe(200)
          expect(answer.setCookies).toHaveLength(1)
          const user = path.includes("login") ? "u" : null
          expect(JSON.parse((await client.send("/view")).text)).toEqual({ n: 7, user })
          expect(await server.rows()).toBe(1)
        },
        { store: layer }
      )
    })
  }
})

describe("a commit whose fate nobody could tell", () => {
  /** What follows the lost commit, and what the response says of it. Nothing is committed on top of it. */
  const ways: Readonly<Record<string, { handler: Handler; verb: Verb; status: number }>> = {
    "tried again": { handler: Effect.zipRight(more, again), verb: "update", status: 503 },
    "left to the end": { handler: Effect.zipRight(more, shrug), verb: "update", status: 200 },
    "followed by more": {
      handler: Effect.zipRight(Effect.zipRight(more, shrug), more),
      verb: "update",
      status: 200
    },
    "of a new id": {
      handler: Effect.zipRight(Effect.zipRight(Session.migrate(), more), again),
      verb: "move",
      status: 503
    },
    "of a new id, followed by another one": {
      handler: Effect.zipRight(
        Effect.zipRight(Effect.zipRight(Session.migrate(), more), shrug),
        Session.regenerate
      ),
      verb: "move",
      status: 200
    },
    "followed by a consume": {
      handler: Effect.zipRight(Effect.zipRight(more, shrug), Session.consume("ticket")),
      verb: "update",
      status: 503
    },
    "followed by a login": {
      handler: Effect.zipRight(Effect.zipRight(more, shrug), Session.login("u")),
      verb: "update",
      status: 503
    }
  }

  for (const [name, { handler, status, verb }] of Object.entries(ways)) {
    it(`gives the session up for the request, and is not done twice: ${name}`, async () => {
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

          const answer = await client.send("/do")

          expect(answer).toMatchObject({ status, setCookies: [] })
          expect(JSON.parse((await client.send("/view")).text)).toEqual({ n: 8, user: null })
          expect(await server.rows()).toBe(1)
        },
        { store: layer }
      )
    })
  }

  const beginnings: Readonly<Record<string, { handler: Handler; status: number }>> = {
    "tried again": { handler: Effect.zipRight(more, again), status: 503 },
    "left to the end": { handler: Effect.zipRight(more, shrug), status: 200 },
    "followed by a new id": {
      handler: Effect.zipRight(Effect.zipRight(more, shrug), Session.regenerate),
      status: 200
    }
  }
  for (const [name, { handler, status }] of Object.entries(beginnings)) {
    it(`begins one session, not two, which nobody has the cookie of: ${name}`, async () => {
      const { layer, lose } = makeLossy()
      await withApp(
        pages({ "/do": json(handler) }),
        async (server) => {
          lose("insert", 1, 1)

          const answer = await server.client().send("/do")

          expect(answer).toMatchObject({ status, setCookies: [] })
          expect(await server.rows()).toBe(1)
        },
        { store: layer }
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
        expect(JSON.parse((await client.send("/view")).text)).toEqual({ n: null, user: null })
        expect(await server.run(SessionAdmin.ofUser("u"))).toEqual([])
      },
      { store: layer }
    )
  })
})

describe("a lost reply behind later commits", () => {
  it("is recognised where the same server has committed under the session's next id", async () => {
    const { layer, lose } = makeLossy()
    const begun = Effect.runSync(Deferred.make<void>())
    const moved = Effect.runSync(Deferred.make<void>())
    const app = pages({
      "/seed": json(Session.put("n", 7)),
      "/slow": json(
        Deferred.succeed(begun, undefined).pipe(
          Effect.zipRight(Deferred.await(moved)),
          Effect.zipRight(more)
        )
      ),
      "/migrate": json(Session.migrate()),
      "/more": json(more),
      "/view": view
    })
    await withApp(
      app,
      async (server) => {
        const slow = server.client()
        await slow.send("/seed")
        const client = server.client(slow.cookie)
        const answered = slow.send("/slow")
        await Effect.runPromise(Deferred.await(begun))
        await client.send("/migrate")
        // Its first update misses, because the session has moved.
        lose("update", 2, 0, async () => {
          await client.send("/more")
          await client.send("/more")
        })
        await Effect.runPromise(Deferred.succeed(moved, undefined))

        expect((await answered).status).toBe(200)
        expect(JSON.parse((await client.send("/view")).text)).toEqual({ n: 10, user: null })
      },
      { store: layer }
    )
  })
})
