import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import { json, makeGate, pages, type Server, withApp } from "./support.js"

const query = Effect.map(
  HttpServerRequest.HttpServerRequest,
  (request) => new URL(request.url, "http://localhost").searchParams.get("n") ?? ""
)

const app = pages({
  "/start": json(Session.start),
  "/count": json(Session.increment("count")),
  "/push": json(Effect.flatMap(query, (n) => Session.push("list", n))),
  "/put": json(Effect.flatMap(query, (n) => Session.put(`key${n}`, n))),
  "/code": json(Session.put("code", "secret")),
  "/consume": json(Effect.map(Session.consume("code"), Option.getOrNull)),
  "/flash": json(Session.flash("notice", "saved")),
  "/all": json(Session.all)
})

const started = async (server: Server) => {
  const client = server.client()
  await client.send("/start")
  return client
}

/** Sends requests of one browser at the same time, each with the cookie it has now. */
const atOnce = (server: Server, cookie: string | undefined, paths: ReadonlyArray<string>) =>
  Promise.all(paths.map((path) => server.client(cookie).send(path)))

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)

describe("parallel requests of one session", () => {
  it("lose none of 200 increments", () =>
    withApp(app, async (server) => {
      const client = await started(server)
      const paths = numbers(200).map(() => "/count")

      const answers = await atOnce(server, client.cookie, paths)

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect((await client.send("/all")).text).toBe('{"count":200}')
    }))

  it("lose none of 50 pushed values", () =>
    withApp(app, async (server) => {
      const client = await started(server)
      const values = numbers(50)
      await atOnce(
        server,
        client.cookie,
        values.map((n) => `/push?n=${n}`)
      )

      const { list } = JSON.parse((await client.send("/all")).text)

      expect(list).toHaveLength(50)
      expect(new Set(list)).toEqual(new Set(values))
    }))

  it("lose none of 20 different keys", () =>
    withApp(app, async (server) => {
      const client = await started(server)
      const values = numbers(20)
      await atOnce(
        server,
        client.cookie,
        values.map((n) => `/put?n=${n}`)
      )

      const all = JSON.parse((await client.send("/all")).text)

      expect(all).toEqual(Object.fromEntries(values.map((n) => [`key${n}`, n])))
    }))

  it("keep their one row", () =>
    withApp(app, async (server) => {
      const client = await started(server)
      await atOnce(
        server,
        client.cookie,
        numbers(20).map(() => "/count")
      )

      expect(await server.rows()).toBe(1)
    }))
})

describe("consume", () => {
  it("gives a value to exactly one of 20 parallel requests", () =>
    withApp(app, async (server) => {
      const client = await started(server)
      await client.send("/code")

      const answers = await atOnce(
        server,
        client.cookie,
        numbers(20).map(() => "/consume")
      )

      expect(answers.filter(({ text }) => text === '"secret"')).toHaveLength(1)
      expect(answers.filter(({ text }) => text === "null")).toHaveLength(19)
    }))

  it("leaves nothing for a later request", () =>
    withApp(app, async (server) => {
      const client = await started(server)
      await client.send("/code")
      await client.send("/consume")

      expect((await client.send("/all")).text).toBe("{}")
    }))
})

describe("a slow request", () => {
  const slowly = (gate: ReturnType<typeof makeGate>, after: Parameters<typeof json>[0]) =>
    pages({
      "/a": json(Session.put("a", 1)),
      "/b": json(Session.put("b", 1)),
      "/flash": json(Session.flash("notice", "saved")),
      "/all": json(Session.all),
      "/login": json(Session.login("ann")),
      // The needs of what comes after are those of any handler here.
      "/slow": json(
        Effect.zipRight(gate.pass, after as Effect.Effect<unknown, unknown, Session.Session>)
      )
    })

  it("does not undo what a fast one wrote meanwhile", async () => {
    const gate = makeGate()
    await withApp(slowly(gate, Session.put("slow", 1)), async (server) => {
      const client = server.client()
      await client.send("/a")
      const pending = server.client(client.cookie).send("/slow")
      await gate.entered()
      await client.send("/b")
      await gate.open()
      await pending

      expect(JSON.parse((await client.send("/all")).text)).toEqual({ a: 1, b: 1, slow: 1 })
    })
  })

  it("does not eat a flash that came after it began", async () => {
    const gate = makeGate()
    await withApp(slowly(gate, Session.put("slow", 1)), async (server) => {
      const client = server.client()
      await client.send("/a")
      const pending = server.client(client.cookie).send("/slow")
      await gate.entered()
      await client.send("/flash")
      await gate.open()
      await pending

      expect(JSON.parse((await client.send("/all")).text)).toMatchObject({ notice: "saved" })
    })
  })

  it("does not bring back a flash that another request has shown", async () => {
    const gate = makeGate()
    await withApp(slowly(gate, Session.put("slow", 1)), async (server) => {
      const client = server.client()
      await client.send("/flash")
      const pending = server.client(client.cookie).send("/slow")
      await gate.entered()
      await client.send("/all")
      await gate.open()
      await pending

      expect((await client.send("/all")).text).toBe('{"slow":1}')
    })
  })

  it("neither writes nor sets a cookie when a login came between", async () => {
    const gate = makeGate()
    await withApp(slowly(gate, Session.put("slow", 1)), async (server) => {
      const client = server.client()
      await client.send("/a")
      const pending = server.client(client.cookie).send("/slow")
      await gate.entered()
      await client.send("/login")
      await gate.open()

      expect((await pending).setCookies).toEqual([])
      expect((await client.send("/all")).text).toBe('{"a":1}')
    })
  })
})
