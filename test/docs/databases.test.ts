/** The table of statements in docs/databases.md is true of PostgreSQL. */
import { readFileSync } from "node:fs"
import { Effect, Layer } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { json, pages, withApp } from "../http/support.js"
import { observedPostgres } from "../support/observedPostgres.js"
import { type PostgresServer, startPostgres } from "../support/postgres.js"

const page = readFileSync(new URL("../../docs/databases.md", import.meta.url), "utf8")

/** The numbers of statements that the page gives for a kind of request. */
const numbersOf = (request: string): ReadonlyArray<number> => {
  const line = page.split("\n").find((one) => one.startsWith(`| ${request} |`))
  if (line === undefined) throw new Error(`The page says nothing about "${request}".`)
  return (line.split("|")[2] ?? "").split(",").map(Number)
}

const app = pages({
  "/read": json(Session.get("count")),
  "/write": json(Session.increment("count")),
  "/regenerate": json(Session.regenerate),
  "/login": json(Session.login("ada")),
  "/logout": json(Session.logout),
  "/slow": json(Effect.delay(Session.get("count"), "5 millis"))
})

/** The last activity of a session is due at the end of a request that takes longer than this. */
const config = SessionConfig.layer({ touchInterval: "1 millis" })

const unknown = `__Host-session=${"A".repeat(43)}`

/** A row of the page, the requests of a visitor that lead to it, and the cookie they come with. */
const requests: ReadonlyArray<
  readonly [text: string, journeys: ReadonlyArray<ReadonlyArray<string>>, cookie?: string]
> = [
  ["a guest who has no cookie, and nothing is written", [["/read"]]],
  ["a session is read", [["/write", "/read"]]],
  ["a session is read, and its last activity is due", [["/write", "/slow"]]],
  [
    "a session is written, or gets a new id",
    [
      ["/write", "/write"],
      ["/write", "/regenerate"]
    ]
  ],
  ["a session begins", [["/write"]]],
  ["a login, of a guest without and with a session", [["/login"], ["/write", "/login"]]],
  ["a logout", [["/login", "/logout"]]],
  ["a cookie without a live session", [["/read"]], unknown]
]

describe("a request takes as many statements as the page says", () => {
  let server: PostgresServer

  beforeAll(async () => {
    server = await startPostgres()
  })

  afterAll(() => server.close())

  for (const [text, journeys, cookie] of requests) {
    it(text, async () => {
      const observed = observedPostgres(await server.aDatabase())
      const store = SqlSessionStore.layerMigrated.pipe(Layer.provide(observed.layer), Layer.orDie)
      const counted: Array<number> = []

      await withApp(
        app,
        async ({ client }) => {
          for (const journey of journeys) {
            const visitor = client(cookie)
            for (const path of journey) {
              observed.statements.length = 0
              await visitor.send(path)
            }
            counted.push(observed.statements.length)
          }
        },
        text.endsWith("is due") ? { store, config } : { store }
      )

      const told = numbersOf(text)
      expect(counted).toEqual(journeys.map((_, index) => told[index] ?? told[0]))
    })
  }
})
