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
  HttpRouter.get("/login-bob", json(Session.login("bob"))),
  HttpRouter.get("/flush", json(Session.flush)),
  HttpRouter.get("/invalidate", json(Session.invalidate)),
  HttpRouter.get("/destroy", json(Session.destroy)),
  HttpRouter.get("/revoke-others", json(SessionAdmin.revokeOthers)),
  HttpRouter.get("/revoke-bob", json(SessionAdmin.revokeUser("bob"))),
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
      ["session.logged_in", undefined, "ann"],
      ["session.regenerated", "regenerate", "ann"],
      ["session.regenerated", "migrate", "ann"],
      ["session.logged_out", "logout", "ann"],
      ["session.destroyed", "logout", "ann"]
    ])
    expect(new Set(lines.map((line) => line["client.address"]))).toEqual(new Set(["127.0.0.1"]))
  })

  it("links each new id to the one before", async () => {
    const lines = await audited(async (server) => {
      const client = server.client()
      for (const path of ["/write", "/login", "/regenerate"]) await client.send(path)
    })
    const ids = lines.filter((line) => line["event.name"] !== "session.logged_in")

    expect(ids.slice(1).map((line) => line["session.previous_id"])).toEqual(
      ids.slice(0, -1).map((line) => line["session.id"])
    )
  })

  it("a login without a session before", async () => {
    const lines = await audited(async (server) => {
      await server.client().send("/login")
    })

    expect(lines).toMatchObject([
      { "event.name": "session.created", "user.id": "ann" },
      {
        "event.name": "session.logged_in",
        "user.id": "ann",
        "session.id": lines[0]?.["session.id"]
      }
    ])
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
    expect(lines.filter((line) => line["event.name"] === "session.destroyed")).toMatchObject([
      { "session.id": first, "user.id": "ann", "effect_session.reason": "limit" }
    ])
  })

  it("what an administrator revokes", async () => {
    const lines = await audited(async (server) => {
      await server.client().send("/login")
      await server.run(SessionAdmin.revokeUser("ann"))
    })

    expect(namesOf(lines)).toEqual(["session.created", "session.logged_in", "session.revoked"])
    expect(lines[2]).not.toHaveProperty(["effect_session.actor"])
  })

  it("who revoked a session: who is named, or the user of the request, and from where", async () => {
    const lines = await audited(async (server) => {
      const ann = server.client()
      const elsewhere = server.client()
      for (const client of [ann, elsewhere]) await client.send("/login")
      await ann.send("/revoke-others")
      await elsewhere.send("/login")
      await ann.send("/revoke-bob")
      await server.run(SessionAdmin.revokeAllWith({ actor: "nightly job" }))
    })
    const revoked = lines.filter((line) => line["event.name"] === "session.revoked")

    expect(revoked).toMatchObject([
      {
        "effect_session.reason": "revokeOthers",
        "effect_session.actor": "ann",
        "user.id": "ann",
        "client.address": "127.0.0.1"
      },
      {
        "effect_session.reason": "revokeUser",
        "effect_session.actor": "ann",
        "user.id": "bob",
        "client.address": "127.0.0.1"
      },
      { "effect_session.reason": "revokeAll", "effect_session.actor": "nightly job" }
    ])
    expect(revoked[2]).not.toHaveProperty(["client.address"])
  })

  it("whose login it was that a flush, an invalidation or another user's login ended", async () => {
    const lines = await audited(async (server) => {
      const client = server.client()
      for (const path of ["/login", "/flush", "/login", "/invalidate", "/login", "/login-bob"]) {
        await client.send(path)
      }
      await client.send("/destroy")
    })
    const out = lines.filter((line) => line["event.name"] === "session.logged_out")

    expect(out.map((line) => [line["user.id"], line["effect_session.reason"]])).toEqual([
      ["ann", "flush"],
      ["ann", "flush"],
      ["ann", "login"],
      ["bob", "destroy"]
    ])
    expect(lines.at(-1)).toMatchObject({
      "event.name": "session.destroyed",
      "effect_session.reason": "destroy"
    })
  })

  it("a login that is refused tells of no login", async () => {
    const lines = await audited(
      async (server) => {
        await server.client().send("/login")
        expect((await server.client().send("/login")).status).toBe(403)
      },
      { maxSessionsPerUser: { max: 1, onLimit: "reject" } }
    )

    expect(namesOf(lines)).toEqual(["session.created", "session.logged_in"])
  })

  it("a guard that trips, and the end of the session that follows", async () => {
    const lines = await audited(async (server) => {
      const client = server.client()
      await client.send("/login")
      await client.send("/token", { method: "HEAD", headers: { "user-agent": "thief" } })
    })

    expect(namesOf(lines).slice(0, 4)).toEqual([
      "session.created",
      "session.logged_in",
      "session.guard_tripped",
      "session.destroyed"
    ])
    expect(lines[3]).toMatchObject({ "effect_session.reason": "guard", "user.id": "ann" })
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
