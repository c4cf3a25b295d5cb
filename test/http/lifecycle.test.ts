import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import * as Session from "../../src/Session.js"
import * as SessionConfig from "../../src/SessionConfig.js"
import * as SessionStore from "../../src/SessionStore.js"
import { type Client, json, makeGate, pages, withApp } from "./support.js"

const broken = HttpServerResponse.text("broken", { status: 500 })
const app = pages({
  "/all": json(Session.all),
  "/id": json(Session.id),
  "/user": json(Session.userId),
  "/cart": json(Session.put("cart", ["book"])),
  "/flash": json(Session.flash("notice", "saved")),
  "/login": json(Session.login("ann")),
  "/login-bob": json(Session.login("bob")),
  "/login-500": Effect.as(Session.login("ann"), broken),
  "/logout": json(Session.logout),
  "/logout-bye": json(Effect.zipRight(Session.logout, Session.flash("notice", "bye"))),
  "/logout-500": Effect.as(Session.logout, broken),
  "/destroy-die": Effect.zipRight(Session.destroy, Effect.die("defect")),
  "/regenerate": json(Session.regenerate),
  "/migrate": json(Session.migrate()),
  "/migrate-destroy": json(Session.migrate({ destroy: true })),
  "/commit-500": Effect.as(Effect.zipRight(Session.put("kept", 1), Session.commit), broken),
  "/late-put-500": Effect.as(
    Effect.all([Session.put("kept", 1), Session.commit, Session.put("lost", 1)]),
    broken
  ),
  "/flash-commit": json(Effect.zipRight(Session.flash("notice", "saved"), Session.commit)),
  "/flush": json(Session.flush),
  "/invalidate": json(Session.invalidate)
})

const withCart = async (client: Client): Promise<string | undefined> => {
  await client.send("/cart")
  return client.cookie
}

const cart = '{"cart":["book"]}'

describe("login", () => {
  it("changes the cookie", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const before = await withCart(client)

      await client.send("/login")

      expect(client.cookie).toMatch(/^__Host-session=./)
      expect(client.cookie).not.toBe(before)
    }))

  it("changes the id", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await withCart(client)
      const before = (await client.send("/id")).text
      await client.send("/login")

      expect((await client.send("/id")).text).not.toBe(before)
    }))

  it("leaves one row", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await withCart(client)
      await client.send("/login")

      expect(await server.rows()).toBe(1)
    }))

  it("keeps a guest's data", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await withCart(client)
      await client.send("/login")

      expect((await client.send("/all")).text).toBe(cart)
    }))

  it("sets the user for the next request", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/login")

      expect(JSON.parse((await client.send("/user")).text)).toMatchObject({ value: "ann" })
    }))

  it("shows the old cookie an empty session", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const before = await withCart(client)
      await client.send("/login")

      expect((await server.client(before).send("/all")).text).toBe("{}")
    }))

  it("gives the old cookie no Set-Cookie and no row, even when it writes", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const before = await withCart(client)
      await client.send("/login")

      const answer = await server.client(before).send("/cart")

      expect([answer.status, answer.setCookies, await server.rows()]).toEqual([200, [], 1])
    }))

  it("keeps the data of the same user", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/login")
      await withCart(client)
      await client.send("/login")

      expect((await client.send("/all")).text).toBe(cart)
    }))

  it("flushes the data of another user", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/login")
      await withCart(client)
      await client.send("/login-bob")

      expect((await client.send("/all")).text).toBe("{}")
    }))

  it("stays done, with its cookie, when the response is a 500", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const answer = await client.send("/login-500")

      expect([answer.status, answer.setCookies.length]).toEqual([500, 1])
      expect(JSON.parse((await client.send("/user")).text)).toMatchObject({ value: "ann" })
    }))
})

describe("two logins at once from one guest session", () => {
  it("each log in", async () => {
    const gate = makeGate()
    const slow = pages({
      "/cart": json(Session.put("cart", ["book"])),
      "/login": json(Session.login("ann")),
      "/slow": json(Effect.zipRight(gate.pass, Session.login("ann"))),
      "/user": json(Effect.map(Session.userId, Option.getOrNull))
    })
    await withApp(slow, async (server) => {
      const client = server.client()
      await client.send("/cart")
      const second = server.client(client.cookie)
      const pending = second.send("/slow")
      await gate.entered()
      await client.send("/login")
      await gate.open()
      await pending

      expect((await client.send("/user")).text).toBe('"ann"')
      expect((await second.send("/user")).text).toBe('"ann"')
    })
  })
})

describe("logout", () => {
  it("deletes the cookie with the attributes it was set with", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/login")

      const answer = await client.send("/logout")

      expect(answer.setCookies).toHaveLength(1)
      const [pair, ...attributes] = (answer.setCookies[0] ?? "").split("; ")
      expect(pair).toBe("__Host-session=")
      expect(attributes).toEqual(
        expect.arrayContaining(["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=0"])
      )
    }))

  it("leaves no row", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/login")
      await client.send("/logout")

      expect(await server.rows()).toBe(0)
    }))

  it("kills the old cookie", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/login")
      const before = await withCart(client)
      await client.send("/logout")

      expect((await server.client(before).send("/all")).text).toBe("{}")
    }))

  it("deletes the cookie when the response is a 500, too", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/login")

      const answer = await client.send("/logout-500")

      expect(answer.setCookies[0]).toContain("Max-Age=0")
      expect(await server.rows()).toBe(0)
    }))

  it("hands over a new cookie for a flash that says good-bye", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/login")
      const before = client.cookie
      await client.send("/logout-bye")

      expect(client.cookie).not.toBe(before)
      expect((await client.send("/all")).text).toBe('{"notice":"bye"}')
    }))

  it("is not undone by a slow parallel request that writes", async () => {
    const gate = makeGate()
    const slow = pages({
      "/login": json(Session.login("ann")),
      "/logout": json(Session.logout),
      "/slow": json(Effect.zipRight(gate.pass, Session.put("late", true)))
    })
    await withApp(slow, async (server) => {
      const client = server.client()
      await client.send("/login")
      const pending = server.client(client.cookie).send("/slow")
      await gate.entered()
      await client.send("/logout")
      await gate.open()

      const answer = await pending

      expect([answer.status, answer.setCookies, await server.rows()]).toEqual([200, [], 0])
    })
  })
})

describe("destroy", () => {
  it("acts even when the handler fails afterwards", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const before = await withCart(client)

      const answer = await client.send("/destroy-die")

      expect([answer.status, await server.rows()]).toEqual([500, 0])
      expect((await server.client(before).send("/all")).text).toBe("{}")
    }))
})

describe("commit", () => {
  it("stays done, with its cookie, when the response is a 500", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const answer = await client.send("/commit-500")

      expect([answer.status, answer.setCookies.length]).toEqual([500, 1])
      expect((await client.send("/all")).text).toBe('{"kept":1}')
    }))

  it("leaves what was written after it to the end of the request", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/late-put-500")

      expect((await client.send("/all")).text).toBe('{"kept":1}')
    }))

  it("does not age a flash twice", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/flash-commit")

      expect((await client.send("/all")).text).toBe('{"notice":"saved"}')
    }))
})

describe("regenerate", () => {
  for (const path of ["/regenerate", "/migrate", "/migrate-destroy"]) {
    it(`keeps the data under a new cookie: ${path}`, () =>
      withApp(app, async (server) => {
        const client = server.client()
        const before = await withCart(client)
        await client.send(path)

        expect(client.cookie).not.toBe(before)
        expect((await client.send("/all")).text).toBe(cart)
      }))

    it(`gives the id that the next request has: ${path}`, () =>
      withApp(app, async (server) => {
        const client = server.client()
        await withCart(client)

        const given = (await client.send(path)).text

        expect((await client.send("/id")).text).toBe(given)
      }))

    it(`keeps the flash: ${path}`, () =>
      withApp(
        pages({
          "/flash": json(Session.flash("notice", "saved")),
          "/renew": json(
            Effect.all([
              Session.flash("notice", "saved"),
              path === "/regenerate"
                ? Session.regenerate
                : Session.migrate({ destroy: path !== "/migrate" })
            ])
          ),
          "/all": json(Session.all)
        }),
        async (server) => {
          const client = server.client()
          await client.send("/flash")
          await client.send("/renew")

          expect((await client.send("/all")).text).toBe('{"notice":"saved"}')
        }
      ))
  }

  for (const path of ["/regenerate", "/migrate-destroy", "/invalidate"]) {
    it(`kills the old cookie: ${path}`, () =>
      withApp(app, async (server) => {
        const client = server.client()
        const before = await withCart(client)
        await client.send(path)

        const answer = await server.client(before).send("/all")

        expect([answer.text, answer.setCookies]).toEqual(["{}", []])
      }))
  }
})

describe("migrate", () => {
  it("lets the old cookie work on", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const before = await withCart(client)
      await client.send("/migrate")

      expect((await server.client(before).send("/all")).text).toBe(cart)
    }))

  it("hands the old cookie the same new one", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const before = await withCart(client)
      await client.send("/migrate")
      const late = server.client(before)
      await late.send("/all")

      expect(late.cookie).toBe(client.cookie)
    }))

  it("makes no second id when a slow request with a write migrates, too", async () => {
    const gate = makeGate()
    const slow = pages({
      "/cart": json(Session.put("cart", ["book"])),
      "/all": json(Session.all),
      "/migrate": json(Session.migrate()),
      "/slow": json(Effect.all([gate.pass, Session.migrate(), Session.put("slow", 1)]))
    })
    await withApp(slow, async (server) => {
      const client = server.client()
      const late = server.client(await withCart(client))
      const pending = late.send("/slow")
      await gate.entered()
      await client.send("/migrate")
      await gate.open()
      await pending

      expect([late.cookie, await server.rows()]).toEqual([client.cookie, 1])
      expect(JSON.parse((await client.send("/all")).text)).toEqual({ cart: ["book"], slow: 1 })
    })
  })

  it("makes no second id when the old cookie migrates again afterwards", () =>
    withApp(app, async (server) => {
      const client = server.client()
      const before = await withCart(client)
      await client.send("/migrate")
      const late = server.client(before)
      await late.send("/migrate")

      expect((await client.send("/all")).text).toBe(cart)
      expect((await late.send("/all")).text).toBe(cart)
      expect(late.cookie).toBe(client.cookie)
    }))

  it("lets writes by the old cookie reach the same session", () =>
    withApp(app, async (server) => {
      const client = server.client()
      await client.send("/flash")
      const before = client.cookie
      await client.send("/migrate")
      await server.client(before).send("/cart")

      expect((await client.send("/all")).text).toBe(cart)
    }))
})

describe("invalidate and flush", () => {
  for (const path of ["/invalidate", "/flush"]) {
    it(`clears the data: ${path}`, () =>
      withApp(app, async (server) => {
        const client = server.client()
        await withCart(client)
        await client.send(path)

        expect((await client.send("/all")).text).toBe("{}")
      }))

    it(`logs the user out: ${path}`, () =>
      withApp(app, async (server) => {
        const client = server.client()
        await client.send("/login")
        await client.send(path)

        expect(JSON.parse((await client.send("/user")).text)).toMatchObject({ _tag: "None" })
      }))
  }
})

describe("expiry", () => {
  const setting = {
    config: Layer.merge(TestContext.TestContext, SessionConfig.layer({ idleTimeout: "10 minutes" }))
  }

  it("ends a session that was idle for the idle timeout", () =>
    withApp(
      app,
      async (server) => {
        const client = server.client()
        await withCart(client)
        await server.run(TestClock.adjust("10 minutes"))

        expect((await client.send("/all")).text).toBe("{}")
      },
      setting
    ))

  it("ends a session with its last activity, not before it, when its lifetime is made shorter than its age", () =>
    withApp(
      pages({
        "/begin": json(Session.put("a", 1)),
        "/shorten": json(Session.setLifetime("1 minute"))
      }),
      async (server) => {
        const client = server.client()
        await client.send("/begin")
        await server.run(TestClock.adjust("9 minutes"))
        await client.send("/shorten")

        const ended = await server.run(
          Effect.flatMap(SessionStore.SessionStore, (store) =>
            Stream.runCollect(store.entries({ state: "over" }))
          )
        )

        const [summary] = Chunk.toReadonlyArray(ended)
        expect(summary?.lastActivityMillis).toBe((summary?.createdAtMillis ?? 0) + 540_000)
        expect(summary?.expiresAtMillis).toBe(summary?.lastActivityMillis)
      },
      setting
    ))

  it("slides with each activity, and so does the cookie", () =>
    withApp(
      app,
      async (server) => {
        const client = server.client()
        await withCart(client)
        await server.run(TestClock.adjust("9 minutes"))
        const touched = await client.send("/all")
        await server.run(TestClock.adjust("9 minutes"))

        expect(touched.setCookies[0]).toContain("Max-Age=600;")
        expect((await client.send("/all")).text).toBe(cart)
      },
      setting
    ))

  it("ends a session that stays active at the absolute timeout", () =>
    withApp(
      app,
      async (server) => {
        const client = server.client()
        await withCart(client)
        const cookie = client.cookie
        await server.run(TestClock.adjust("9 minutes"))
        const last = await client.send("/all")
        await server.run(TestClock.adjust("6 minutes"))

        expect(last.setCookies[0]).toContain("Max-Age=360;")
        expect((await server.client(cookie).send("/all")).text).toBe("{}")
      },
      {
        config: Layer.merge(
          TestContext.TestContext,
          SessionConfig.layer({ idleTimeout: "10 minutes", absoluteTimeout: "15 minutes" })
        )
      }
    ))
})
