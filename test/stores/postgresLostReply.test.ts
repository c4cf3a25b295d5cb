/** Requests whose writes share a statement, and the reply to that statement is lost. */
import { HttpApp, HttpServerResponse } from "@effect/platform"
import { Effect, Layer, Logger } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"
import * as Session from "../../src/Session.js"
import * as SessionMiddleware from "../../src/SessionMiddleware.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { observedPostgres } from "../support/observedPostgres.js"
import { type PostgresServer, startPostgres } from "../support/postgres.js"

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

const app = SessionMiddleware.middleware(
  Effect.flatMap(Session.increment("visits"), (visits) => HttpServerResponse.json({ visits }))
)

it("a batch of updates whose reply is lost is stored exactly once", async () => {
  const observed = observedPostgres(await server.aDatabase())
  const layer = SqlSessionStore.layerMigrated.pipe(
    Layer.provide(observed.layer),
    Layer.merge(Logger.remove(Logger.defaultLogger))
  )
  const { handler, dispose } = HttpApp.toWebHandlerLayer(Effect.orDie(app), layer)
  const visit = async (cookie: string) => {
    const response = await handler(new Request("http://localhost/", { headers: { cookie } }))
    const body: unknown = await response.json()
    return { body, cookie: (response.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "" }
  }
  const visitors = await Promise.all(Array.from({ length: 20 }, () => visit("")))

  observed.loses = (text) => text.includes("unnest")
  const second = await Promise.all(visitors.map(({ cookie }) => visit(cookie)))
  expect(observed.loses).toBe(undefined)
  const third = await Promise.all(visitors.map(({ cookie }) => visit(cookie)))

  expect(second.map(({ body }) => body)).toEqual(visitors.map(() => ({ visits: 2 })))
  expect(third.map(({ body }) => body)).toEqual(visitors.map(() => ({ visits: 3 })))
  await dispose()
})
