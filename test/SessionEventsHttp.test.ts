import * as HttpRouter from "@effect/platform/HttpRouter"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Csrf from "../src/Csrf.js"
import * as Session from "../src/Session.js"
import * as SessionAdmin from "../src/SessionAdmin.js"
import * as SessionConfig from "../src/SessionConfig.js"
import * as SessionEvents from "../src/SessionEvents.js"
import * as SessionGuard from "../src/SessionGuard.js"
import { json, type Server, withApp } from "./http/support.js"

const app = HttpRouter.empty.pipe(
  HttpRouter.get("/write", json(Session.put("card", "4111-1111"))),
  HttpRouter.get("/login", json(Session.login("ann"))),
  HttpRouter.get("/regenerate", json(Session.regenerate)),
  HttpRouter.get("/migrate", json(Session.migrate())),
  HttpRouter.get("/logout", json(Session.logout)),
  HttpRouter.get("/token", json(Session.csrfToken)),
  HttpRouter.post("/save", json(Session.put("a", 1))),
  Csrf.middleware,
  SessionGuard.userAgent
)

type Line = Readonly<Record<string, unknown>>

/** Runs a test and gives the lines of its audit log. */
const audited = async (
  test: (server: Server) => Promise<void>,
  options: SessionConfig.Options = {}
): Promise<ReadonlyArray<Line>> => {
  const lines: Array<string> = []
  const audit = SessionEvents.layerAudit((more) => Effect.sync(() => lines.push(...more)))
  const config = audit.pipe(
    Layer.provideMerge(SessionEvents.layer),
    Layer.merge(SessionConfig.layer(options))
  )
  await withApp(app, test, { config })
  return lines.map((line) => JSON.parse(line))
}

const namesOf = (lines: ReadonlyArray<Line>) => lines.map((line) => line["event.name"])

describe("over HTTP each event is told once (R42)", () => {
  it("a guest who writes, logs in, gets new ids and logs out", async () => {
    const lines = await audited(async (server) => {
      const client = server.client()
      for (const path of ["/write", "/write", "/login", "/regenerate", "/migrate", "/logout"]) {
        await client.send(path)
      }
    })

    expect(
      lines.map((line) => [line["event.name"], line["effect_session.reason"], line["user.id"]])
    ).toEqual([
      ["session.created", undefined, undefined],
      ["session.regenerated", "login", "ann"],
      ["session.regenerated", "regenerate", "ann"],
      ["session.regenerated", "migrate", "ann"],
      ["session.destroyed", undefined, "ann"]
    ])
    expect(new Set(lines.map((line) => line["client.address"]))).toEqual(new Set(["127.0.0.1"]))
  })

  it("links each new id to the one before", async () => {
    const lines = await audited(async (server) => {
      const client = server.client()
      for (const path of ["/write", "/login", "/regenerate"]) await client.send(path)
    })

    expect(lines.slice(1).map((line) => line["session.previous_id"])).toEqual(
      lines.slice(0, -1).map((line) => line["session.id"])
    )
  })

  it("a login without a session before", async () => {
    const lines = await audited(async (server) => {
      await server.client().send("/login")
    })

    expect(lines).toMatchObject([{ "event.name": "session.created", "user.id": "ann" }])
  })

  for (const [reason, cookie] of [
    ["malformed", "__Host-session=short"],
    ["unknown", `__Host-session=${"A".repeat(43)}`],
    ["ambiguous", `__Host-session=${"A".repeat(43)}; __Host-session=${"B".repeat(42)}A`]
  ] as const) {
    it(`an id that is ${reason}`, async () => {
      const lines = await audited(async (server) => {
        await server.client(cookie).send("/token", { method: "HEAD" })
      })

      expect(lines[0]).toMatchObject({
        "event.name": "session.invalid_id",
        "effect_session.reason": reason,
        "client.address": "127.0.0.1"
      })
      expect(namesOf(lines).filter((name) => name === "session.invalid_id")).toHaveLength(1)
    })
  }

  it("the session that a login evicts", async () => {
    const lines = await audited(
      async (server) => {
        await server.client().send("/login")
        await server.client().send("/login")
      },
      { maxSessionsPerUser: { max: 1, onLimit: "evictOldest" } }
    )

    const first = lines[0]?.["session.id"]
    expect(lines.filter((line) => line["event.name"] === "session.revoked")).toMatchObject([
      { "session.id": first, "user.id": "ann", "effect_session.count": 1 }
    ])
  })

  it("what an administrator revokes", async () => {
    const lines = await audited(async (server) => {
      await server.client().send("/login")
      await server.run(SessionAdmin.revokeUser("ann"))
    })

    expect(namesOf(lines)).toEqual(["session.created", "session.revoked"])
  })

  it("a guard that trips, and the end of the session that follows", async () => {
    const lines = await audited(async (server) => {
      const client = server.client()
      await client.send("/login")
      await client.send("/token", { method: "HEAD", headers: { "user-agent": "thief" } })
    })

    expect(namesOf(lines).slice(0, 3)).toEqual([
      "session.created",
      "session.guard_tripped",
      "session.destroyed"
    ])
  })

  it("a request that the CSRF check refuses", async () => {
    const lines = await audited(async (server) => {
      await server.client().send("/save", { method: "POST" })
    })

    expect(lines).toMatchObject([
      { "event.name": "session.csrf_rejected", "effect_session.reason": "token" }
    ])
  })

  it("no line holds a cookie, a CSRF token or what a session contains (R41)", async () => {
    const secrets: Array<string> = ["4111-1111"]
    const lines = await audited(async (server) => {
      const client = server.client()
      for (const path of ["/write", "/token", "/login", "/migrate", "/logout"]) {
        const answer = await client.send(path)
        if (path === "/token") secrets.push(JSON.parse(answer.text))
        if (client.cookie !== undefined) secrets.push(client.cookie.split("=")[1] ?? "")
      }
      await client.send("/save", { method: "POST", headers: { "x-csrf-token": secrets[2] ?? "" } })
    })

    const text = JSON.stringify(lines)
    expect(secrets.length).toBeGreaterThan(4)
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([])
  })
})
