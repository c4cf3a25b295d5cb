import { mkdtemp, rm } from "node:fs/promises"
import { get } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import { acquire } from "../../src/internal/commit/lease.js"
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

/** Longer than any test, so that a lease that is not given back is noticed. */
const patient = { wait: "2 seconds", hold: "1 minute" } as const

/** A deadline outside the middleware, with an answer of its own. */
const within = <E, R>(app: HttpApp.Default<E, R>) =>
  Effect.timeoutTo(app, {
    duration: "300 millis",
    onSuccess: (response) => response,
    onTimeout: () => HttpServerResponse.empty({ status: 504 })
  })

class Slow extends HttpApiGroup.make("slow")
  .add(HttpApiEndpoint.get("start", "/start").addSuccess(Schema.Null))
  .add(HttpApiEndpoint.get("slow", "/slow").addSuccess(Schema.Null))
  .add(HttpApiEndpoint.get("n", "/n").addSuccess(Schema.Number))
  .middleware(SessionMiddleware.HttpApi) {}

class Api extends HttpApi.make("api").add(Slow) {}

type Work = Effect.Effect<void, never, Session.Session>

// What is stored there is a number.
const countOfPuts = Effect.orDie(Session.getOrElse("n", () => 0)) as Effect.Effect<
  number,
  never,
  Session.Session
>

/** The three mounts behind a deadline, with a handler at `/slow`. */
const behindDeadline = (work: Work) => {
  const { layer, layerHttpApi, middleware } = SessionMiddleware.make({ serialize: patient })
  const nothing = (effect: Work) => Effect.as(effect, null)
  const start = Effect.orDie(Session.start)
  const router = HttpRouter.empty.pipe(
    HttpRouter.get("/start", json(start)),
    HttpRouter.get("/slow", json(work)),
    HttpRouter.get("/n", json(countOfPuts))
  )
  const routes = Layer.mergeAll(
    HttpLayerRouter.add("GET", "/start", json(start)),
    HttpLayerRouter.add("GET", "/slow", json(work)),
    HttpLayerRouter.add("GET", "/n", json(countOfPuts))
  )
  const group = HttpApiBuilder.group(Api, "slow", (handlers) =>
    handlers
      .handle("start", () => nothing(start))
      .handle("slow", () => nothing(work))
      .handle("n", () => countOfPuts)
  )
  return [
    ["HttpRouter", HttpServer.serve(within(middleware(router)))],
    [
      "HttpLayerRouter",
      HttpLayerRouter.serve(
        Layer.merge(
          Layer.provide(routes, layer),
          HttpLayerRouter.middleware(within, { global: true })
        ),
        { disableLogger: true, disableListenLog: true }
      )
    ],
    [
      "HttpApi",
      HttpApiBuilder.serve().pipe(
        Layer.provide(HttpApiBuilder.middleware(within)),
        Layer.provide(HttpApiBuilder.api(Api)),
        Layer.provide(Layer.provide(group, layerHttpApi))
      )
    ]
  ] as const
}

describe("a lease whose request ends otherwise than with its commit", () => {
  for (const [name, serving] of behindDeadline(
    Effect.zipRight(Session.put("n", 1), Effect.never)
  )) {
    it(`is given back when a deadline outside ${name} has answered`, () =>
      withLayer(serving, async (server) => {
        const client = await started(server)

        const late = await client.send("/slow")
        const next = await client.send("/n")

        expect([late.status, next.status, next.text]).toEqual([504, 200, "0"])
      }))
  }

  it("is given back when the app fails inside a deadline, which loses the commit point too", () => {
    const app = pages({ "/start": json(Session.start), "/die": Effect.die("broken") })
    const serving = HttpServer.serve(
      Effect.timeout(SessionMiddleware.make({ serialize: patient }).middleware(app), "1 minute")
    )
    return withLayer(serving, async (server) => {
      const client = await started(server)

      expect((await client.send("/die")).status).toBe(500)
      expect((await client.send("/start")).status).toBe(200)
    })
  })

  it("is given back when the client has gone away", async () => {
    const gate = makeGate()
    const app = HttpRouter.empty.pipe(
      HttpRouter.get("/start", json(Session.start)),
      HttpRouter.get("/slow", json(Effect.zipRight(gate.pass, Effect.never)))
    )
    const serving = HttpServer.serve(SessionMiddleware.make({ serialize: patient }).middleware(app))
    await withLayer(serving, async (server) => {
      const client = await started(server)
      const headers = { cookie: client.cookie ?? "" }
      const slow = get(`${server.url}/slow`, { agent: false, headers }).on("error", () => undefined)
      await gate.entered()
      slow.destroy()

      expect((await client.send("/start")).status).toBe(200)
    })
  })

  it("is kept while a handler still runs that the deadline has left behind", async () => {
    const gate = makeGate()
    const order: Array<string> = []
    const note = (what: string) => Effect.sync(() => void order.push(what))
    const app = pages({
      "/start": json(Session.start),
      "/slow": json(Effect.uninterruptible(Effect.zipRight(gate.pass, note("slow")))),
      "/next": json(note("next"))
    })
    const serialized = SessionMiddleware.make({ serialize: patient }).middleware(app)
    const serving = HttpServer.serve(
      Effect.timeoutTo(Effect.interruptible(Effect.disconnect(serialized)), {
        duration: "500 millis",
        onSuccess: (response) => response,
        onTimeout: () => HttpServerResponse.empty({ status: 504 })
      })
    )
    await withLayer(serving, async (server) => {
      const client = await started(server)
      expect((await client.send("/slow")).status).toBe(504)

      const next = client.send("/next")
      await new Promise((resolve) => setTimeout(resolve, 100))
      await gate.open()

      expect((await next).status).toBe(200)
      expect(order).toEqual(["slow", "next"])
    })
  })

  it("is kept until the commit when a scope around the app closes before", async () => {
    const events: Array<string> = []
    const store = Layer.effect(
      SessionStore.SessionStore,
      Effect.map(SessionStore.SessionStore, (kept) =>
        SessionStore.SessionStore.of({
          ...kept,
          update: (record, version) =>
            Effect.suspend(() => {
              events.push(record.payload === "0" ? "release" : "commit")
              return kept.update(record, version)
            })
        })
      )
    ).pipe(Layer.provide(SessionStore.layerMemory))
    const app = pages({ "/start": json(Session.start), "/put": json(Session.put("n", 1)) })
    const serialized = SessionMiddleware.make({ serialize: patient }).middleware(app)
    await withLayer(
      HttpServer.serve(Effect.scoped(serialized)),
      async (server) => {
        const client = await started(server)

        expect((await client.send("/put")).status).toBe(200)
        expect(events).toEqual(["commit", "release"])
      },
      { store }
    )
  })
})
