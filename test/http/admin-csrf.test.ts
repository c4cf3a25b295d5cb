import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import { json, makeGate, pages, type Server, withApp } from "./support.js"

const app = pages({
  "/login": json(Session.login("ann")),
  "/login-bob": json(Session.login("bob")),
  "/guest": json(Session.put("guest", true)),
  "/id": json(Session.id),
  "/all": json(Session.all),
  "/user": json(Effect.map(Session.userId, Option.getOrNull)),
  "/others": json(SessionAdmin.revokeOthers)
})

const loggedIn = async (server: Server, path = "/login") => {
  const client = server.client()
  await client.send(path)
  return client
}

const idOf = async (client: Awaited<ReturnType<typeof loggedIn>>): Promise<string> =>
  JSON.parse((await client.send("/id")).text)

const ids = (summaries: ReadonlyArray<SessionAdmin.SessionSummary>) =>
  new Set(summaries.map(({ id }) => id))

describe("SessionAdmin", () => {
  it("ofUser lists the sessions of one user on two devices", () =>
    withApp(app, async (server) => {
      const [phone, desk] = [await loggedIn(server), await loggedIn(server)]
      await loggedIn(server, "/login-bob")

      const found = await server.run(SessionAdmin.ofUser("ann"))

      expect(ids(found)).toEqual(new Set([await idOf(phone), await idOf(desk)]))
    }))

  it("active lists guests too", () =>
    withApp(app, async (server) => {
      const [ann, guest] = [await loggedIn(server), await loggedIn(server, "/guest")]

      const found = await server.run(SessionAdmin.active({ within: "1 hour" }))

      expect(ids(found)).toEqual(new Set([await idOf(ann), await idOf(guest)]))
    }))

  it("countActiveUsers counts a user on two devices once", () =>
    withApp(app, async (server) => {
      await loggedIn(server)
      await loggedIn(server)
      await loggedIn(server, "/guest")

      expect(await server.run(SessionAdmin.countActiveUsers({ within: "1 hour" }))).toBe(1)
    }))

  it("get finds the client's address", () =>
    withApp(app, async (server) => {
      const id = await idOf(await loggedIn(server))

      const found = Option.getOrThrow(await server.run(SessionAdmin.get(id)))

      expect(Option.getOrNull(found.ipAddress)).toBe("127.0.0.1")
    }))

  it("revoke kills that session for its next request and no other", () =>
    withApp(app, async (server) => {
      const [phone, desk] = [await loggedIn(server), await loggedIn(server)]

      const revoked = await server.run(SessionAdmin.revoke(await idOf(phone)))

      expect(revoked).toBe(true)
      expect((await phone.send("/user")).text).toBe("null")
      expect((await desk.send("/user")).text).toBe('"ann"')
    }))

  it("revoke tells that there was no such session", () =>
    withApp(app, async (server) => {
      expect(await server.run(SessionAdmin.revoke("0".repeat(40)))).toBe(false)
    }))

  it("revokeUser ends all sessions of a user and of no other", () =>
    withApp(app, async (server) => {
      const [phone, desk] = [await loggedIn(server), await loggedIn(server)]
      const bob = await loggedIn(server, "/login-bob")

      const count = await server.run(SessionAdmin.revokeUser("ann"))

      expect(count).toBe(2)
      expect((await phone.send("/user")).text).toBe("null")
      expect((await desk.send("/user")).text).toBe("null")
      expect((await bob.send("/user")).text).toBe('"bob"')
    }))

  it("revokeUser spares the session it is told to", () =>
    withApp(app, async (server) => {
      const [phone, desk] = [await loggedIn(server), await loggedIn(server)]
      const except = await idOf(desk)

      await server.run(SessionAdmin.revokeUser("ann", { except }))

      expect((await phone.send("/user")).text).toBe("null")
      expect((await desk.send("/user")).text).toBe('"ann"')
    }))

  it("revokeUser refuses a login that was in flight", async () => {
    const gate = makeGate()
    const slow = pages({
      "/slow": json(
        Effect.zipRight(
          gate.pass,
          Effect.match(Session.login("ann"), {
            onFailure: (error) => error._tag,
            onSuccess: () => "in"
          })
        )
      )
    })
    await withApp(slow, async (server) => {
      const pending = server.client().send("/slow")
      await gate.entered()
      await server.run(SessionAdmin.revokeUser("ann"))
      await gate.open()

      expect((await pending).text).toBe('"SessionRefused"')
      expect(await server.rows()).toBe(0)
    })
  })

  it("revokeOthers ends the other devices of the current user", () =>
    withApp(app, async (server) => {
      const [phone, desk] = [await loggedIn(server), await loggedIn(server)]
      const bob = await loggedIn(server, "/login-bob")

      const answer = await desk.send("/others")

      expect(answer.text).toBe("1")
      expect((await phone.send("/user")).text).toBe("null")
      expect((await desk.send("/user")).text).toBe('"ann"')
      expect((await bob.send("/user")).text).toBe('"bob"')
    }))

  it("revokeOthers of a guest ends nothing", () =>
    withApp(app, async (server) => {
      await loggedIn(server)
      const guest = await loggedIn(server, "/guest")

      expect((await guest.send("/others")).text).toBe("0")
      expect(await server.rows()).toBe(2)
    }))
})

const form = (fields: Record<string, string>, headers: Record<string, string> = {}) => ({
  method: "POST",
  headers,
  body: new URLSearchParams(fields)
})

const guarded = (options: Csrf.Options = {}) =>
  Csrf.middlewareWith(options)(
    pages({
      "/token": json(Session.csrfToken),
      "/field": json(Csrf.field),
      "/login": json(Session.login("ann")),
      "/save": json(Session.put("saved", true)),
      "/echo": json(
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
          Effect.map(request.urlParamsBody, (params) =>
            Array.from(params)
              .map(([key]) => key)
              .sort()
          )
        )
      ),
      "/all": json(Session.all)
    })
  )

const withToken = async (server: Server) => {
  const client = server.client()
  const token: string = JSON.parse((await client.send("/token")).text)
  return { client, token }
}

describe("Csrf.middleware", () => {
  it("lets a GET pass", () =>
    withApp(guarded(), async (server) => {
      expect((await server.client().send("/all")).status).toBe(200)
    }))

  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    it(`refuses a ${method} without a token before the handler`, () =>
      withApp(guarded(), async (server) => {
        const { client } = await withToken(server)

        const answer = await client.send("/save", { method })

        expect(answer.status).toBe(403)
        expect((await client.send("/all")).text).toBe("{}")
      }))
  }

  it("refuses a token of another session", () =>
    withApp(guarded(), async (server) => {
      const { client } = await withToken(server)
      const { token } = await withToken(server)

      expect((await client.send("/save", form({ _token: token }))).status).toBe(403)
    }))

  it("refuses a visitor without a session", () =>
    withApp(guarded(), async (server) => {
      expect((await server.client().send("/save", form({ _token: "" }))).status).toBe(403)
    }))

  it("takes the token from the form field", () =>
    withApp(guarded(), async (server) => {
      const { client, token } = await withToken(server)

      expect((await client.send("/save", form({ _token: token }))).status).toBe(200)
    }))

  it("takes the token that Csrf.field renders", () =>
    withApp(guarded(), async (server) => {
      const client = server.client()
      const html: string = JSON.parse((await client.send("/field")).text)
      const token = /^<input type="hidden" name="_token" value="([^"]+)">$/.exec(html)?.[1] ?? ""

      expect((await client.send("/save", form({ _token: token }))).status).toBe(200)
    }))

  it("leaves the form to the handler", () =>
    withApp(guarded(), async (server) => {
      const { client, token } = await withToken(server)

      const answer = await client.send("/echo", form({ _token: token, name: "x" }))

      expect(answer.text).toBe('["_token","name"]')
    }))

  for (const header of ["x-csrf-token", "x-xsrf-token"]) {
    it(`takes the token from the header ${header}`, () =>
      withApp(guarded(), async (server) => {
        const { client, token } = await withToken(server)

        expect((await client.send("/save", form({}, { [header]: token }))).status).toBe(200)
      }))
  }

  for (const site of ["cross-site", "same-site"]) {
    it(`refuses Sec-Fetch-Site: ${site} in spite of a valid token`, () =>
      withApp(guarded(), async (server) => {
        const { client, token } = await withToken(server)
        const request = form({ _token: token }, { "sec-fetch-site": site })

        expect((await client.send("/save", request)).status).toBe(403)
      }))
  }

  for (const site of ["same-origin", "none"]) {
    it(`takes Sec-Fetch-Site: ${site}`, () =>
      withApp(guarded(), async (server) => {
        const { client, token } = await withToken(server)
        const request = form({ _token: token }, { "sec-fetch-site": site })

        expect((await client.send("/save", request)).status).toBe(200)
      }))
  }

  for (const origin of ["https://evil.example", "null"]) {
    it(`refuses Origin: ${origin} in spite of a valid token`, () =>
      withApp(guarded(), async (server) => {
        const { client, token } = await withToken(server)

        expect((await client.send("/save", form({ _token: token }, { origin }))).status).toBe(403)
      }))
  }

  it("takes the request's own origin", () =>
    withApp(guarded(), async (server) => {
      const { client, token } = await withToken(server)
      const request = form({ _token: token }, { origin: server.url })

      expect((await client.send("/save", request)).status).toBe(200)
    }))

  it("takes an origin that it was told to trust", () =>
    withApp(guarded({ origins: ["https://app.example"] }), async (server) => {
      const { client, token } = await withToken(server)
      const request = form({ _token: token }, { origin: "https://app.example" })

      expect((await client.send("/save", request)).status).toBe(200)
    }))

  it("refuses a token from before the login", () =>
    withApp(guarded(), async (server) => {
      const { client, token } = await withToken(server)
      await client.send("/login", form({ _token: token }))

      expect((await client.send("/save", form({ _token: token }))).status).toBe(403)
    }))

  it("takes a token from after the login", () =>
    withApp(guarded(), async (server) => {
      const { client, token } = await withToken(server)
      await client.send("/login", form({ _token: token }))
      const newer: string = JSON.parse((await client.send("/token")).text)

      expect((await client.send("/save", form({ _token: newer }))).status).toBe(200)
    }))

  it("exempts the paths it is told to", () =>
    withApp(guarded({ exempt: ["/save"] }), async (server) => {
      expect((await server.client().send("/save", { method: "POST" })).status).toBe(200)
    }))
})
