import { NodeContext } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import * as FileSystemSessionStore from "../src/FileSystemSessionStore.js"
import * as Session from "../src/Session.js"
import * as SessionAdmin from "../src/SessionAdmin.js"
import * as SessionStore from "../src/SessionStore.js"
import { aDirectory } from "./faults/workers/spawn.js"
import { type Client, json, makeGate, pages, type Server, withApp } from "./http/support.js"

const outcomeOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, { onFailure: (error) => error._tag, onSuccess: () => "done" })

const handlers = {
  "/login": json(Session.login("ann")),
  "/user": json(Effect.map(Session.userId, (user) => (user._tag === "Some" ? user.value : null))),
  "/id": json(Session.id),
  "/regenerate": json(Session.regenerate),
  "/others": json(SessionAdmin.revokeOthers),
  "/login-others": json(Effect.zipRight(Session.login("ann"), SessionAdmin.revokeOthers)),
  "/others-login": json(
    Effect.zipRight(SessionAdmin.revokeOthers, outcomeOf(Session.login("ann")))
  ),
  "/regenerate-others": json(Effect.zipRight(Session.regenerate, SessionAdmin.revokeOthers)),
  "/others-regenerate": json(Effect.zipLeft(SessionAdmin.revokeOthers, Session.regenerate)),
  "/logout-others": json(Effect.zipRight(Session.logout, SessionAdmin.revokeOthers))
}

const app = pages(handlers)

const loggedIn = async (server: Server) => {
  const client = server.client()
  await client.send("/login")
  return client
}

describe("revokeOthers", () => {
  for (const path of ["/login-others", "/regenerate-others", "/others-regenerate"]) {
    it(`keeps the session that gets a new id in the same request: ${path.slice(1)}`, () =>
      withApp(app, async (server) => {
        const [phone, desk] = [await loggedIn(server), await loggedIn(server)]

        const answer = await desk.send(path)

        expect(answer.text).toBe("1")
        expect((await desk.send("/user")).text).toBe('"ann"')
        expect((await phone.send("/user")).text).toBe("null")
      }))
  }

  it("lets its own session log in again in the same request", () =>
    withApp(app, async (server) => {
      const [phone, desk] = [await loggedIn(server), await loggedIn(server)]

      const answer = await desk.send("/others-login")

      expect(answer.text).toBe('"done"')
      expect((await desk.send("/user")).text).toBe('"ann"')
      expect((await phone.send("/user")).text).toBe("null")
    }))

  it("keeps the session whose id a parallel request changed meanwhile", async () => {
    const gate = makeGate()
    const slow = pages({
      ...handlers,
      "/slow-others": json(Effect.zipRight(gate.pass, SessionAdmin.revokeOthers))
    })
    await withApp(slow, async (server) => {
      const [phone, desk] = [await loggedIn(server), await loggedIn(server)]
      const parallel = server.client(desk.cookie)
      const pending = parallel.send("/slow-others")
      await gate.entered()
      await desk.send("/regenerate")
      await gate.open()

      expect((await pending).text).toBe("1")
      expect((await desk.send("/user")).text).toBe('"ann"')
      expect((await phone.send("/user")).text).toBe("null")
    })
  })

  it("after a logout in the same request ends nothing: nobody is logged in any more", () =>
    withApp(app, async (server) => {
      const [phone, desk] = [await loggedIn(server), await loggedIn(server)]

      const answer = await desk.send("/logout-others")

      expect(answer.text).toBe("0")
      expect((await phone.send("/user")).text).toBe('"ann"')
    }))

  it("ends the others also where the current session was revoked meanwhile", async () => {
    const gate = makeGate()
    const slow = pages({
      ...handlers,
      "/slow-others": json(Effect.zipRight(gate.pass, SessionAdmin.revokeOthers))
    })
    await withApp(slow, async (server) => {
      const [phone, desk] = [await loggedIn(server), await loggedIn(server)]
      const id: string = JSON.parse((await desk.send("/id")).text)
      const pending = desk.send("/slow-others")
      await gate.entered()
      await server.run(SessionAdmin.revoke(id))
      await gate.open()

      expect((await pending).text).toBe("1")
      expect((await phone.send("/user")).text).toBe("null")
    })
  })
})

/** Two servers, each with a store of its own on one directory. */
const withTwo = (
  test: (one: Server, other: Server) => Promise<void>,
  otherApp = app,
  layerOf: (directory: string) => Layer.Layer<SessionStore.SessionStore> = onFiles
) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(aDirectory, (directory) =>
        Effect.promise(() =>
          withApp(
            app,
            (one) => withApp(otherApp, (other) => test(one, other), { store: layerOf(directory) }),
            { store: layerOf(directory) }
          )
        )
      )
    )
  )

const onFiles = (directory: string) =>
  FileSystemSessionStore.layer({ directory, fsync: false }).pipe(
    Layer.provide(NodeContext.layer),
    Layer.orDie
  )

describe("on two servers with one store", () => {
  it("a session that one revokes is dead for the next request to the other", () =>
    withTwo(async (one, other) => {
      const client = await loggedIn(one)
      const there = other.client(client.cookie)
      const id: string = JSON.parse((await there.send("/id")).text)

      const revoked = await one.run(SessionAdmin.revoke(id))

      expect(revoked).toBe(true)
      expect((await there.send("/user")).text).toBe("null")
    }))

  it("a user whom one revokes is logged out on the other", () =>
    withTwo(async (one, other) => {
      const client = await loggedIn(other)

      const count = await one.run(SessionAdmin.revokeUser("ann"))

      expect(count).toBe(1)
      expect((await client.send("/user")).text).toBe("null")
    }))

  it("a login in flight on one is refused when the other revokes the user", async () => {
    const gate = makeGate()
    const slow = pages({
      "/slow": json(Effect.zipRight(gate.pass, outcomeOf(Session.login("ann"))))
    })
    await withTwo(async (one, other) => {
      const pending = other.client().send("/slow")
      await gate.entered()
      await one.run(SessionAdmin.revokeUser("ann"))
      await gate.open()

      expect((await pending).text).toBe('"SessionRefused"')
      expect(await one.rows()).toBe(0)
    }, slow)
  })
})

/** A client that logged in when there were only files, and two servers that change from files to memory. */
const whileChanging = (
  test: (client: Client, one: Server, other: Server) => Promise<void>
): Promise<void> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const directory = yield* aDirectory
        const memory = Layer.succeedContext(yield* Layer.build(SessionStore.layerMemory))
        const setting = { store: SessionStore.migrating({ from: onFiles(directory), to: memory }) }
        yield* Effect.promise(async () => {
          let cookie: string | undefined
          const logIn = async (before: Server) => {
            cookie = (await loggedIn(before)).cookie
          }
          await withApp(app, logIn, { store: onFiles(directory) })
          await withApp(
            app,
            (one) => withApp(app, (other) => test(one.client(cookie), one, other), setting),
            setting
          )
        })
      })
    )
  )

describe("while the driver changes from files to memory", () => {
  it("nobody is logged out", () =>
    whileChanging(async (client) => {
      expect((await client.send("/user")).text).toBe('"ann"')
    }))

  it("each server follows a new id that the other gave", () =>
    whileChanging(async (client, _, other) => {
      await client.send("/regenerate")

      expect((await other.client(client.cookie).send("/user")).text).toBe('"ann"')
    }))

  it("the old id is dead on each server once the other gave a new one", () =>
    whileChanging(async (client, _, other) => {
      const old = client.cookie
      await client.send("/regenerate")

      expect((await other.client(old).send("/user")).text).toBe("null")
    }))

  it("a user who is revoked is logged out, copied or not", () =>
    whileChanging(async (client, one, other) => {
      const copied = await loggedIn(one)
      const count = await other.run(SessionAdmin.revokeUser("ann"))

      expect(count).toBe(2)
      expect((await client.send("/user")).text).toBe("null")
      expect((await copied.send("/user")).text).toBe("null")
    }))
})
