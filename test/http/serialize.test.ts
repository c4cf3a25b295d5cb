import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import { acquire } from "../../src/internal/lease.js"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SessionStore from "../../src/SessionStore.js"
import { json, makeGate, pages, type Server, type Setting, withLayer } from "./support.js"

const alone = (
  app: ReturnType<typeof pages>,
  serialize: SessionMiddleware.Options["serialize"] = { wait: "5 seconds", hold: "5 seconds" }
) => HttpServer.serve(SessionMiddleware.make({ serialize }).middleware(app))

/** A route that tells how many requests were in it at once. */
const makeCounted = () => {
  let inside = 0
  let most = 0
  const route = Effect.gen(function* () {
    inside += 1
    most = Math.max(most, inside)
    yield* Effect.sleep("20 millis")
    const paid = yield* Session.increment("paid")
    inside -= 1
    return paid
  })
  return { app: pages({ "/start": json(Session.start), "/pay": json(route) }), most: () => most }
}

const started = async (server: Server) => {
  const client = server.client()
  await client.send("/start")
  return client
}

const inDirectory = async (test: (setting: Setting) => Promise<void>) => {
  const parent = await mkdtemp(join(tmpdir(), "effect-session-serialize-"))
  const store = FileSystemSessionStore.layer({ directory: join(parent, "sessions") }).pipe(
    Layer.provide(NodeContext.layer),
    Layer.orDie
  )
  try {
    await test({ store })
  } finally {
    await rm(parent, { recursive: true, force: true })
  }
}

describe("serialize", () => {
  it("lets the requests of one session run one at a time", async () => {
    const { app, most } = makeCounted()
    await withLayer(alone(app), async (server) => {
      const { cookie } = await started(server)

      const answers = await Promise.all(
        Array.from({ length: 5 }, () => server.client(cookie).send("/pay"))
      )

      expect(most()).toBe(1)
      expect(answers.map(({ text }) => text).sort()).toEqual(["1", "2", "3", "4", "5"])
    })
  })

  it("lets them run one at a time on two servers, too", () =>
    inDirectory(async (setting) => {
      const { app, most } = makeCounted()
      await withLayer(
        alone(app),
        (one) =>
          withLayer(
            alone(app),
            async (other) => {
              const { cookie } = await started(one)

              const answers = await Promise.all(
                [one, other, one, other].map((server) => server.client(cookie).send("/pay"))
              )

              expect(most()).toBe(1)
              expect(answers.map(({ text }) => text).sort()).toEqual(["1", "2", "3", "4"])
            },
            setting
          ),
        setting
      )
    }))

  it("does not hold up another session", async () => {
    const gate = makeGate()
    const app = pages({ "/start": json(Session.start), "/slow": json(gate.pass) })
    await withLayer(alone(app), async (server) => {
      const slow = (await started(server)).send("/slow")
      await gate.entered()
      const other = await started(server)

      expect((await other.send("/start")).status).toBe(200)
      await gate.open()
      await slow
    })
  })

  it("answers 409 with Retry-After to who has waited in vain, and does not run the route", async () => {
    const gate = makeGate()
    let runs = 0
    const app = pages({
      "/start": json(Session.start),
      "/slow": json(
        Effect.zipRight(
          Effect.sync(() => void runs++),
          gate.pass
        )
      )
    })
    await withLayer(alone(app, { wait: "50 millis", hold: "5 seconds" }), async (server) => {
      const client = await started(server)
      const slow = server.client(client.cookie).send("/slow")
      await gate.entered()

      const { headers, setCookies, status } = await client.send("/slow")

      expect([status, headers.get("retry-after"), headers.get("vary"), setCookies, runs]).toEqual([
        409,
        "1",
        "Cookie",
        [],
        1
      ])
      await gate.open()
      await slow
    })
  })

  it("lets the next request in when the lease of a killed one has lapsed", async () => {
    const app = pages({ "/start": json(Session.start), "/id": json(Session.id) })
    await withLayer(alone(app), async (server) => {
      const client = await started(server)
      const id = JSON.parse((await client.send("/id")).text)
      // Nobody gives this one back.
      await server.run(
        Effect.flatMap(SessionStore.SessionStore, (store) =>
          acquire(store, id, { waitMillis: 0, holdMillis: 200 })
        )
      )

      expect((await client.send("/id")).status).toBe(200)
    })
  })

  it("does not hold up a visitor who has no session", async () => {
    const app = pages({ "/none": json(Session.isNew) })
    await withLayer(alone(app), async (server) => {
      const answer = await server.client().send("/none")

      expect([answer.text, await server.rows()]).toEqual(["true", 0])
    })
  })

  it("shows no lease among the sessions, and revokes none", () =>
    inDirectory(async (files) => {
      for (const setting of [files, {}]) {
        const app = pages({ "/start": json(Session.start) })
        await withLayer(
          alone(app),
          async (server) => {
            await (await started(server)).send("/start")
            const store = await server.run(SessionStore.SessionStore)

            const counted = await server.run(store.count({}))
            const listed = await server.run(SessionAdmin.active({ within: "1 hour" }))
            const revoked = await server.run(store.removeWhere({}))

            expect([counted.sessions, listed.length, revoked]).toEqual([1, 1, 1])
          },
          setting
        )
      }
    }))

  it("takes no lease twice before its time is over", async () => {
    const program = Effect.gen(function* () {
      const store = yield* SessionStore.SessionStore
      const options = { waitMillis: 0, holdMillis: 60_000 }
      const first = yield* acquire(store, "a", options)
      const second = yield* acquire(store, "a", options)
      return [first._tag, second._tag]
    })

    const tags = await Effect.runPromise(Effect.provide(program, SessionStore.layerMemory))

    expect(tags).toEqual(["Some", "None"])
  })

  it("goes round a lease that expired and was not collected", async () => {
    let now = Date.now()
    const clock = {
      ...Clock.make(),
      unsafeCurrentTimeMillis: () => now,
      currentTimeMillis: Effect.sync(() => now)
    }
    const program = Effect.gen(function* () {
      const store = yield* SessionStore.SessionStore
      const options = { waitMillis: 0, holdMillis: 1000 }
      yield* acquire(store, "a", options)
      now += 7 * 24 * 60 * 60 * 1000
      return (yield* acquire(store, "a", options))._tag
    }).pipe(Effect.withClock(clock))

    const tag = await Effect.runPromise(Effect.provide(program, SessionStore.layerMemory))

    expect(tag).toBe("Some")
  })

  it("refuses durations that are none", () => {
    const wrong = () => SessionMiddleware.make({ serialize: { wait: "1 second", hold: Infinity } })

    expect(wrong).toThrow(TypeError)
  })
})
