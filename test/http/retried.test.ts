/** An app that is run again outside the middleware: an attempt that failed leaves nothing behind but what it committed. */
import * as HttpServer from "@effect/platform/HttpServer"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import { json, pages, withLayer } from "./support.js"

/** Serves routes that are run up to three times. */
const retried = (routes: Parameters<typeof pages>[0], options: SessionMiddleware.Options = {}) =>
  HttpServer.serve(
    Effect.retry(SessionMiddleware.make(options).middleware(pages(routes)), { times: 2 })
  )

/** Fails the first so many times. */
const failing = (times: number) => {
  let left = times
  return Effect.suspend(() => (left-- > 0 ? Effect.fail("not yet") : Effect.void))
}

const count = json(Effect.map(Session.get("count"), Option.getOrNull))

describe("a request that is retried", () => {
  it("commits what its last attempt did, once", async () => {
    const routes = {
      "/add": json(Effect.zipLeft(Session.increment("count"), failing(2))),
      "/count": count
    }
    await withLayer(retried(routes), async (server) => {
      const client = server.client()

      const added = await client.send("/add")

      expect(added).toMatchObject({ status: 200, text: "1" })
      expect((await client.send("/count")).text).toBe("1")
      expect(await server.rows()).toBe(1)
    })
  })

  it("commits what its last attempt did also to a session that is there", async () => {
    let attempt = failing(2)
    const routes = {
      "/start": json(Session.put("count", 10)),
      "/add": json(
        Effect.zipLeft(
          Session.increment("count"),
          Effect.suspend(() => attempt)
        )
      ),
      "/count": count
    }
    await withLayer(retried(routes), async (server) => {
      const client = server.client()
      await client.send("/start")

      expect((await client.send("/add")).text).toBe("11")
      attempt = failing(3)
      expect((await client.send("/add")).status).toBe(500)
      expect((await client.send("/count")).text).toBe("11")
    })
  })

  it("keeps the login of an attempt that failed, with its cookie", async () => {
    const routes = {
      "/login": json(Effect.zipLeft(Session.login("ada"), failing(1))),
      "/user": json(Effect.map(Session.userId, Option.getOrNull))
    }
    await withLayer(retried(routes), async (server) => {
      const client = server.client()

      expect((await client.send("/login")).status).toBe(200)
      expect((await client.send("/user")).text).toBe('"ada"')
    })
  })

  it("does not wait for its own lease", async () => {
    const routes = {
      "/start": json(Session.put("count", 10)),
      "/add": json(Effect.zipLeft(Session.increment("count"), failing(2))),
      "/count": count
    }
    const serialize = { wait: "200 millis", hold: "10 seconds" } as const
    await withLayer(retried(routes, { serialize }), async (server) => {
      const client = server.client()
      await client.send("/start")

      const added = await client.send("/add")

      expect(added).toMatchObject({ status: 200, text: "11" })
      expect((await client.send("/count")).text).toBe("11")
    })
  })
})
