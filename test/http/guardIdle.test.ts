import * as HttpRouter from "@effect/platform/HttpRouter"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import * as SessionGuard from "../../src/SessionGuard.js"
import * as SessionStore from "../../src/SessionStore.js"
import { type Client, json, type Server, withApp } from "./support.js"

const minutes = (count: number): number => count * 60_000

const user = json(Effect.map(Session.userId, Option.getOrNull))

const app = HttpRouter.empty.pipe(
  HttpRouter.get("/login", json(Session.login("ann"))),
  HttpRouter.get("/user", user),
  HttpRouter.mount(
    "/admin",
    HttpRouter.empty.pipe(
      HttpRouter.get("/user", user),
      HttpRouter.use(SessionGuard.idleTimeout("10 minutes"))
    )
  )
)

/** A server whose time moves only when the test says so, and that can lose its store. */
const withTime = async (
  test: (tools: {
    readonly server: Server
    readonly client: Client
    readonly pass: (millis: number) => void
    readonly touches: () => number
    readonly breakStore: () => void
  }) => Promise<void>
): Promise<void> => {
  let now = Date.parse("2030-01-01T00:00:00Z")
  let touches = 0
  let broken = false
  const clock: Clock.Clock = Object.assign(Clock.make(), {
    unsafeCurrentTimeMillis: () => now,
    currentTimeMillis: Effect.sync(() => now)
  })
  const down = Effect.fail(
    new SessionStore.SessionStoreError({ operation: "touch", reason: "unavailable" })
  )
  const store = Layer.effect(
    SessionStore.SessionStore,
    Effect.map(SessionStore.SessionStore, (memory) =>
      SessionStore.SessionStore.of({
        ...memory,
        touch: (...args) => {
          touches += 1
          return broken ? down : memory.touch(...args)
        }
      })
    )
  ).pipe(Layer.provide(SessionStore.layerMemory))
  await withApp(
    app,
    async (server) => {
      const client = server.client()
      await client.send("/login")
      await test({
        server,
        client,
        pass: (millis) => {
          now += millis
        },
        touches: () => touches,
        breakStore: () => {
          broken = true
        }
      })
    },
    { store, config: Layer.setClock(clock) }
  )
}

describe("idleTimeout (R09)", () => {
  it("lets a session pass that was idle for less", () =>
    withTime(async ({ client, pass }) => {
      pass(minutes(10) - 1)

      expect((await client.send("/admin/user")).text).toBe('"ann"')
    }))

  it("ends a session that was idle for as long", () =>
    withTime(async ({ client, pass, server }) => {
      pass(minutes(10))

      const answer = await client.send("/admin/user")

      expect([answer.text, await server.rows()]).toEqual(["null", 0])
      expect(answer.setCookies.join()).toMatch(/^__Host-session=; Max-Age=0;/)
    }))

  it("leaves the rest of the app to the general limit", () =>
    withTime(async ({ client, pass }) => {
      pass(minutes(119))

      expect((await client.send("/user")).text).toBe('"ann"')
    }))

  it("is put off by activity elsewhere in the app", () =>
    withTime(async ({ client, pass }) => {
      pass(minutes(9))
      await client.send("/user")
      pass(minutes(9))

      expect((await client.send("/admin/user")).text).toBe('"ann"')
    }))

  it("notes activity inside to a twentieth of its limit: never ends what was used in time", () =>
    withTime(async ({ client, pass }) => {
      const seen: Array<string> = []
      for (const millis of [29_000, 31_000, minutes(10) - 31_000, minutes(10) - 31_000]) {
        pass(millis)
        seen.push((await client.send("/admin/user")).text)
      }

      expect(seen).toEqual(['"ann"', '"ann"', '"ann"', '"ann"'])
    }))

  it("writes no more often than that", () =>
    withTime(async ({ client, pass, touches }) => {
      for (let second = 0; second < 60; second++) {
        pass(1_000)
        await client.send("/admin/user")
      }

      expect(touches()).toBe(2)
    }))

  it("never ends a session late: a minute may be missing after activity elsewhere", () =>
    withTime(async ({ client, pass }) => {
      pass(minutes(1) - 1)
      await client.send("/user")
      pass(minutes(9) + 1)

      expect((await client.send("/admin/user")).text).toBe("null")
    }))

  it("answers 503 where the store cannot note the activity", () =>
    withTime(async ({ breakStore, client, pass }) => {
      pass(minutes(5))
      breakStore()

      const answer = await client.send("/admin/user")

      expect([answer.status, answer.setCookies]).toEqual([503, []])
    }))
})
