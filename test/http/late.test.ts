import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { storeWith } from "../support/storeWith.js"
import { json, makeGate, pages, withApp, withLayer } from "./support.js"

/** Runs `work` in the body of a response whose head has left; gives what was logged and what the session holds then. */
const inBody = async <E>(work: Effect.Effect<unknown, E, Session.Session>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel._tag !== "Debug") lines.push(`${logLevel._tag} ${[message].flat().join(" ")}`)
  })
  const streaming = Effect.map(Session.Session, (session) =>
    HttpServerResponse.stream(
      Stream.fromEffect(
        work.pipe(
          Effect.provideService(Session.Session, session),
          Effect.sandbox,
          Effect.match({ onFailure: () => "failed", onSuccess: () => "done" }),
          Effect.map((text) => new TextEncoder().encode(text))
        )
      )
    )
  )
  const app = HttpRouter.empty.pipe(
    HttpRouter.get("/a", json(Session.put("a", 1))),
    HttpRouter.get("/stream", streaming),
    HttpRouter.get("/all", json(Session.all))
  )
  let outcome = { body: "", lines, all: "", setCookies: 0, rows: 0 }
  await withLayer(
    HttpServer.serve(SessionMiddleware.middleware(app)).pipe(Layer.provide(Logger.add(logger))),
    async (server) => {
      const client = server.client()
      await client.send("/a")
      const { setCookies, text } = await client.send("/stream")
      const all = (await client.send("/all")).text
      outcome = { body: text, lines, all, setCookies: setCookies.length, rows: await server.rows() }
    }
  )
  return outcome
}

describe("a write after the response head", () => {
  it("is told of with its operation and key, and is not stored", async () => {
    const { all, body, lines } = await inBody(Session.put("b.c", "value"))

    expect({ body, all }).toEqual({ body: "done", all: '{"a":1}' })
    expect(lines).toEqual([
      'Warning Session.put of "b.c" came after the response head: it is not stored unless Session.commit follows'
    ])
  })

  it("is stored by a commit that follows", async () => {
    const { all } = await inBody(Effect.zipRight(Session.put("b", 2), Session.commit))

    expect(all).toBe('{"a":1,"b":2}')
  })

  it("does not change the id, whose cookie could not be told any more", async () => {
    const { all, lines, rows } = await inBody(
      Effect.zipRight(Session.regenerate, Effect.zipRight(Session.put("b", 2), Session.commit))
    )

    expect({ all, rows }).toEqual({ all: '{"a":1,"b":2}', rows: 1 })
    expect(lines[0]).toMatch(/^Warning Session\.regenerate/)
  })

  it("logs nobody in", async () => {
    const { all, body, rows } = await inBody(Session.login("ann"))

    expect({ body, all, rows }).toEqual({ body: "failed", all: '{"a":1}', rows: 1 })
  })

  it("logs nobody in either whose login began before the head left", async () => {
    const gate = makeGate()
    const waiting = storeWith((store) => ({
      revokedWithin: (...args) => Effect.zipRight(gate.pass, store.revokedWithin(...args))
    }))
    const ended = Effect.runSync(Deferred.make<Exit.Exit<void, unknown>>())
    const app = pages({
      "/a": json(Session.put("a", 1)),
      "/login": json(
        Effect.forkDaemon(
          Effect.flatMap(Effect.exit(Session.login("ann")), (exit) => Deferred.succeed(ended, exit))
        ).pipe(Effect.zipRight(Effect.promise(gate.entered)))
      ),
      "/user": json(Session.userId)
    })
    await withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/a")
        const { setCookies } = await client.send("/login")
        await gate.open()
        const exit = await Effect.runPromise(Deferred.await(ended))

        expect(setCookies).toEqual([])
        expect(Exit.isFailure(exit)).toBe(true)
        expect((await client.send("/user")).text).not.toContain("ann")
        expect(await server.run(SessionAdmin.ofUser("ann"))).toEqual([])
      },
      { store: waiting }
    )
  })

  it("still ends the session when it is a logout", async () => {
    const { rows } = await inBody(Session.logout)

    expect(rows).toBe(0)
  })
})
