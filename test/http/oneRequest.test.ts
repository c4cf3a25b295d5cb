/** What one request does to its session at the same time, or while another one moves it. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import { SessionStoreError } from "../../src/SessionStore.js"
import { storeWith } from "../support/storeWith.js"
import { json, makeGate, pages, type Server, withApp } from "./support.js"

/** A store that waits, as one in a database does. */
const slow = storeWith((store) => ({
  find: (...args) => Effect.delay(store.find(...args), 10),
  insert: (...args) => Effect.delay(store.insert(...args), 10),
  update: (...args) => Effect.delay(store.update(...args), 10),
  move: (...args) => Effect.delay(store.move(...args), 10),
  remove: (...args) => Effect.delay(store.remove(...args), 10)
}))

const together = { concurrency: "unbounded" } as const
const more = Session.increment("n")
const ticket = Effect.map(Session.consume("ticket"), Option.getOrNull)
const givenUp = Effect.ignore(Effect.timeout(Session.commit, "2 millis"))

const app = pages({
  "/seed": json(Session.put({ n: 1, ticket: "T" })),
  "/see": json(
    Effect.all({
      n: Effect.map(Session.get("n"), Option.getOrNull),
      ticket: Effect.map(Session.get("ticket"), Option.getOrNull),
      user: Effect.map(Session.userId, Option.getOrNull)
    })
  ),
  "/commit-login": json(
    more.pipe(Effect.zipRight(Effect.all([Session.commit, Session.login("u")], together)))
  ),
  "/login-consume": json(Effect.all([Session.login("u"), ticket], together)),
  "/login-login": json(Effect.all([Session.login("u"), Session.login("u")], together)),
  "/commit-regenerate": json(
    more.pipe(Effect.zipRight(givenUp), Effect.zipRight(Session.regenerate))
  ),
  "/commit-migrate": json(more.pipe(Effect.zipRight(givenUp), Effect.zipRight(Session.migrate()))),
  "/commit-put": json(more.pipe(Effect.zipRight(givenUp), Effect.zipRight(more))),
  "/commit-logout": json(more.pipe(Effect.zipRight(givenUp), Effect.zipRight(Session.logout)))
})

const outcomeOf = async (server: Server, path: string, seeded: boolean) => {
  const client = server.client()
  if (seeded) await client.send("/seed")
  const { status } = await client.send(path)
  const seen = JSON.parse((await client.send("/see")).text)
  return { status, ...seen, rows: await server.rows() }
}

describe("one request that does several things to its session at once", () => {
  const outcomes = [
    ["/commit-login", { n: 2, ticket: "T", user: "u" }],
    ["/login-consume", { n: 1, ticket: null, user: "u" }],
    ["/login-login", { n: 1, ticket: "T", user: "u" }],
    ["/commit-regenerate", { n: 2, ticket: "T", user: null }],
    ["/commit-migrate", { n: 2, ticket: "T", user: null }],
    ["/commit-put", { n: 3, ticket: "T", user: null }]
  ] as const

  for (const [path, wanted] of outcomes) {
    it(`does each once, in one session: ${path}`, () =>
      withApp(
        app,
        async (server) => {
          expect(await outcomeOf(server, path, true)).toEqual({ status: 200, ...wanted, rows: 1 })
        },
        { store: slow }
      ))
  }

  for (const path of ["/commit-login", "/commit-regenerate", "/commit-migrate"]) {
    it(`begins one session, not two: ${path}`, () =>
      withApp(
        app,
        async (server) => {
          expect(await outcomeOf(server, path, false)).toMatchObject({ status: 200, n: 1, rows: 1 })
        },
        { store: slow }
      ))
  }

  for (const seeded of [true, false]) {
    it(`logs out of what it was storing (${seeded ? "a session" : "a new one"})`, () =>
      withApp(
        app,
        async (server) => {
          expect(await outcomeOf(server, "/commit-logout", seeded)).toMatchObject({
            n: null,
            rows: 0
          })
        },
        { store: slow }
      ))
  }
})

describe("a login that the store refuses, beside another commit of the request", () => {
  const refusal = new SessionStoreError({ operation: "move", reason: "tooLarge" })
  const refusing = storeWith(() => ({ move: () => Effect.delay(refusal, 10) }), slow)
  const refused = Effect.flip(Effect.orElseFail(Session.login("u"), () => "refused"))
  const routes = pages({
    "/seed": json(Session.put("n", 1)),
    "/login": json(
      Effect.all([
        more,
        Effect.all([Session.commit, Effect.zipRight(more, refused)], together),
        more
      ])
    ),
    "/beside": json(
      Effect.zipLeft(
        Effect.all([refused, Effect.delay(more, "5 millis")], together),
        Session.put("after", true)
      )
    ),
    "/see": json(
      Effect.all({
        n: Effect.map(Session.get("n"), Option.getOrNull),
        user: Effect.map(Session.userId, Option.getOrNull)
      })
    )
  })

  it("keeps what another fiber recorded meanwhile", () =>
    withApp(
      routes,
      async (server) => {
        const client = server.client()
        await client.send("/seed")
        await client.send("/beside")

        expect(JSON.parse((await client.send("/see")).text)).toEqual({ n: 2, user: null })
      },
      { store: refusing }
    ))

  for (const seeded of [true, false]) {
    it(`leaves each change pending once (${seeded ? "a session" : "a new one"})`, () =>
      withApp(
        routes,
        async (server) => {
          const client = server.client()
          if (seeded) await client.send("/seed")

          expect((await client.send("/login")).status).toBe(200)
          const n = seeded ? 4 : 3
          expect(JSON.parse((await client.send("/see")).text)).toEqual({ n, user: null })
          expect(await server.rows()).toBe(1)
        },
        { store: refusing }
      ))
  }
})

describe("a logout beside another fiber of the request", () => {
  const bye = Effect.zipRight(Session.logout, Session.flash("bye", "see you"))
  const others: Readonly<Record<string, Effect.Effect<unknown, unknown, Session.Session>>> = {
    commit: Effect.zipRight(Session.put("seen", 2), Effect.exit(Session.commit)),
    consume: Session.consume("a")
  }

  for (const [name, other] of Object.entries(others)) {
    it(`goes on with a session of its own: ${name}`, () =>
      withApp(
        pages({
          "/seed": json(Session.put("a", 1)),
          "/out": json(Effect.all([bye, Effect.delay(other, "5 millis")], together)),
          "/see": json(Session.all)
        }),
        async (server) => {
          const client = server.client()
          await client.send("/seed")

          const answer = await client.send("/out")

          expect(answer.status).toBe(200)
          expect(answer.setCookies).toHaveLength(1)
          expect((await client.send("/see")).text).toBe('{"bye":"see you"}')
          expect(await server.rows()).toBe(1)
        },
        { store: slow }
      ))
  }
})

describe("a login at a limit beside a regenerate of the request", () => {
  for (const onLimit of ["evictOldest", "reject"] as const) {
    it(`counts the session it has stored: ${onLimit}`, () => {
      const moving = makeGate()
      let moves = 0
      const store = storeWith(
        (inner) => ({
          move: (...args) =>
            Effect.suspend(() =>
              Effect.zipRight(++moves === 1 ? moving.pass : Effect.void, inner.move(...args))
            )
        }),
        slow
      )
      const regenerate = Effect.promise(moving.entered).pipe(
        Effect.zipRight(Session.regenerate),
        Effect.zipRight(Effect.promise(moving.open))
      )
      return withApp(
        pages({
          "/seed": json(Session.put("n", 1)),
          "/both": json(Effect.all([Session.login("u"), Effect.asVoid(regenerate)], together)),
          "/see": json(Effect.map(Session.userId, Option.getOrNull))
        }),
        async (server) => {
          const client = server.client()
          await client.send("/seed")

          expect((await client.send("/both")).status).toBe(200)
          expect((await client.send("/see")).text).toBe('"u"')
          expect(await server.rows()).toBe(1)
        },
        { store, config: SessionConfig.layer({ maxSessionsPerUser: { max: 1, onLimit } }) }
      )
    })
  }
})

describe("consume of what this request is about to store again", () => {
  const take = Effect.map(Session.consume("k"), Option.getOrNull)
  const ways = {
    put: Session.put("k", "v"),
    remember: Session.remember("k", Effect.succeed("v")),
    modify: Session.modify("k", () => "v")
  }

  for (const [name, again] of Object.entries(ways)) {
    it(`takes it once: ${name}`, () =>
      withApp(
        pages({
          "/seed": json(Session.put("k", "v")),
          "/take": json(
            Effect.zipRight(
              again as Effect.Effect<unknown, never, Session.Session>,
              Effect.all([take, take, Session.has("k")])
            )
          ),
          "/next": json(Effect.all([take, Session.has("k")]))
        }),
        async (server) => {
          const client = server.client()
          await client.send("/seed")

          const taken = JSON.parse((await client.send("/take")).text)

          expect(taken).toEqual(["v", null, false])
          expect(JSON.parse((await client.send("/next")).text)).toEqual([null, false])
        }
      ))
  }

  it("takes a kept flash once", () =>
    withApp(
      pages({
        "/seed": json(Session.flash("k", "v")),
        "/take": json(Effect.zipRight(Session.reflash, Effect.all([take, Session.has("k")]))),
        "/next": json(Effect.all([take, Session.has("k")]))
      }),
      async (server) => {
        const client = server.client()
        await client.send("/seed")

        expect(JSON.parse((await client.send("/take")).text)).toEqual(["v", false])
        expect(JSON.parse((await client.send("/next")).text)).toEqual([null, false])
      }
    ))

  it("leaves a flash readable that a parallel request has aged", () => {
    const gate = makeGate()
    return withApp(
      pages({
        "/seed": json(Effect.zipRight(Session.put("k", "v"), Session.flash("m", "shown"))),
        "/take": json(
          gate.pass.pipe(
            Effect.zipRight(take),
            Effect.zipRight(Effect.map(Session.get("m"), Option.getOrNull))
          )
        ),
        "/age": json(Effect.void)
      }),
      async (server) => {
        const client = server.client()
        await client.send("/seed")

        const answer = client.send("/take")
        await gate.entered()
        await client.send("/age")
        await gate.open()

        expect(JSON.parse((await answer).text)).toBe("shown")
      }
    )
  })
})
