import { mkdtemp, rm } from "node:fs/promises"
import { get } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { storeWith } from "../support/storeWith.js"
import { json, makeGate, pages, type Server, type Setting, withLayer } from "./support.js"

const note = (calls: Array<string>, call: string) => Effect.sync(() => void calls.push(call))

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

      expect({ status, setCookies, runs }).toEqual({ status: 409, setCookies: [], runs: 1 })
      expect(headers.get("retry-after")).toBe("1")
      expect(headers.get("vary")).toBe("Cookie")
      await gate.open()
      await slow
    })
  })

  it("lets the next request in when the lock of one that never ended has lapsed", async () => {
    const app = pages({ "/start": json(Session.start), "/stuck": Effect.never })
    await withLayer(alone(app, { wait: "5 seconds", hold: "200 millis" }), async (server) => {
      const client = await started(server)
      // Nobody gives this one back.
      const stuck = get(`${server.url}/stuck`, {
        agent: false,
        headers: { cookie: client.cookie ?? "" }
      }).on("error", () => undefined)

      expect((await client.send("/start")).status).toBe(200)
      stuck.destroy()
    })
  })

  it("gives the lock back with the commit, so that a request costs three calls", async () => {
    const calls: Array<string> = []
    const counting = storeWith((store) => ({
      find: (id) => Effect.zipRight(note(calls, "find"), store.find(id)),
      update: (record, version) =>
        Effect.zipRight(note(calls, "update"), store.update(record, version))
    }))
    const app = pages({ "/start": json(Session.start), "/put": json(Session.put("n", 1)) })
    await withLayer(
      alone(app),
      async (server) => {
        const client = await started(server)
        calls.length = 0
        await client.send("/put")

        expect(calls).toEqual(["find", "update", "update"])
      },
      { store: counting }
    )
  })

  it("keeps the lock through a login, and takes it along", async () => {
    const gate = makeGate()
    const app = pages({
      "/start": json(Session.start),
      "/login": json(Effect.zipRight(Session.login("ann"), gate.pass)),
      "/user": json(Session.userId)
    })
    await withLayer(alone(app), async (server) => {
      const client = await started(server)
      const pending = client.send("/login")
      await gate.entered()
      await gate.open()
      await pending

      expect((await client.send("/user")).text).toContain("ann")
    })
  })

  it("does not hold up a visitor who has no session", async () => {
    const app = pages({ "/none": json(Session.isNew) })
    await withLayer(alone(app), async (server) => {
      const answer = await server.client().send("/none")

      expect(answer.text).toBe("true")
      expect(await server.rows()).toBe(0)
    })
  })

  it("refuses what is not a finite duration", () => {
    for (const wrong of [Infinity, Number.NaN, "soon" as "1 second"]) {
      const make = () => SessionMiddleware.make({ serialize: { wait: "1 second", hold: wrong } })

      expect(make).toThrow("The session setting serialize must have finite durations")
    }
  })
})

describe("a lock whose request ends otherwise than with its commit", () => {
  /** Longer than any test, so that a lock that is not given back is noticed. */
  const patient = { wait: "2 seconds", hold: "1 minute" } as const

  const afterwards = {
    "answers a 500": Effect.as(Session.put("n", 1), HttpServerResponse.empty({ status: 500 })),
    dies: Effect.die("broken"),
    "cannot store what it put": json(Session.put("n", "x".repeat(70_000))),
    "has logged out": json(Session.logout)
  }

  for (const [how, handler] of Object.entries(afterwards)) {
    it(`is given back when the handler ${how}`, async () => {
      const app = pages({ "/start": json(Session.start), "/end": handler })
      await withLayer(alone(app, patient), async (server) => {
        const client = await started(server)
        await client.send("/end")

        expect((await client.send("/start")).status).toBe(200)
      })
    })
  }

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
})
