/** A database that goes away and comes back. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { existingPostgres, type PostgresServer, startPostgres } from "../support/postgres.js"
import { eventually } from "../support/process.js"
import { storeOf } from "../support/serverStores.js"
import { aMember, serve } from "./app.js"
import type { Place } from "./places.js"

describe.skipIf(existingPostgres !== undefined)("R52 while PostgreSQL is stopped", () => {
  let server: PostgresServer
  let place: Place

  beforeAll(async () => {
    server = await startPostgres()
    place = {
      layer: storeOf("postgres", await server.aDatabase()),
      dump: async () => "",
      close: () => server.close()
    }
  })

  afterAll(() => server.close())

  it("R51 R52 nobody becomes a stranger: 503, the cookie stays, and so does the session", () =>
    serve(place, async (app) => {
      const client = await aMember(app, "ann")
      const cookie = client.cookie
      await server.stop()
      const answers = []
      for (const path of ["/user", "/put?k=a&v=1", "/logout"]) {
        const { headers, setCookies, status } = await client.send(path)
        answers.push([status, setCookies, headers.get("retry-after")])
      }
      const stranger = await app.client().send("/user")
      await server.start()
      const user = await eventually(async () => {
        const answer = await client.send("/user")
        if (answer.status !== 200) throw new Error("not yet")
        return answer.text
      })

      expect(answers).toEqual(new Array(3).fill([503, [], "1"]))
      expect([stranger.status, stranger.text]).toEqual([200, "false"])
      expect([client.cookie, user]).toEqual([cookie, '"ann"'])
    }))
})
