/** A cookie that was decided early in a request, while another request moves the session. */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Session from "../../src/Session.js"
import { layerMemory, SessionStore } from "../../src/SessionStore.js"
import { json, makeGate, pages, withApp } from "./support.js"

/** A copy of a store is asked by effects, as one in a database is. */
const stores = {
  "at once": layerMemory,
  "by effects": Layer.provide(
    Layer.effect(
      SessionStore,
      Effect.map(SessionStore, (store) => ({ ...store, find: (id: string) => store.find(id) }))
    ),
    layerMemory
  )
}

const early: Readonly<Record<string, Effect.Effect<unknown, unknown, Session.Session>>> = {
  consume: Session.consume("code"),
  commit: Effect.zipRight(Session.setLifetime("1 hour"), Session.commit),
  alias: Session.get("code")
}

/** What a slow request answers that came before `moved`, and the cookie of who moved the session. */
const race = async (
  name: string,
  moved: "/login" | "/migrate" | "/logout",
  store: (typeof stores)[keyof typeof stores]
) => {
  const gate = makeGate()
  const app = pages({
    "/start": json(Session.put("code", "c")),
    "/migrate": json(Session.migrate()),
    "/login": json(Session.login("ann")),
    "/logout": json(Session.logout),
    "/slow": json(Effect.zipRight(early[name] ?? Effect.void, gate.pass))
  })
  let outcome: { status: number; cookies: ReadonlyArray<string>; newest: string | undefined } = {
    status: 0,
    cookies: [],
    newest: ""
  }
  await withApp(
    app,
    async (server) => {
      const browser = server.client()
      await browser.send("/start")
      const tab = server.client(browser.cookie)
      if (name === "alias") await browser.send("/migrate")
      const pending = tab.send("/slow")
      await gate.entered()
      await browser.send(moved)
      await gate.open()
      const { setCookies, status } = await pending
      const cookies = setCookies.map((line) => line.split(";", 1)[0] ?? "")
      outcome = { status, cookies, newest: browser.cookie }
    },
    { store }
  )
  return outcome
}

describe("a cookie that was decided before the session was moved", () => {
  for (const [asked, store] of Object.entries(stores)) {
    for (const name of Object.keys(early)) {
      for (const moved of ["/login", "/logout"] as const) {
        it(`does not overwrite a newer one: ${name}, ${moved.slice(1)}, asked ${asked}`, async () => {
          const { cookies, status } = await race(name, moved, store)

          expect([status, cookies]).toEqual([200, []])
        })
      }
    }

    for (const name of ["consume", "commit"]) {
      it(`gives way to the one behind an alias: ${name}, asked ${asked}`, async () => {
        const { cookies, newest, status } = await race(name, "/migrate", store)

        expect([status, cookies]).toEqual([200, [newest]])
      })
    }
  }
})

describe("a read whose last activity is due, while another request changes the lifetime", () => {
  it("sends the cookie of the lifetime that is stored", async () => {
    let offsetMillis = 0
    const clock: Clock.Clock = Object.assign(Clock.make(), {
      unsafeCurrentTimeMillis: () => Date.now() + offsetMillis,
      currentTimeMillis: Effect.sync(() => Date.now() + offsetMillis)
    })
    const gate = makeGate()
    const app = pages({
      "/start": json(Session.put("a", 1)),
      "/browser": json(Session.setLifetime("browser")),
      "/slow": json(Effect.zipRight(Session.get("a"), gate.pass))
    })
    await withApp(
      app,
      async (server) => {
        const client = server.client()
        await client.send("/start")
        offsetMillis = 120_000
        const pending = server.client(client.cookie).send("/slow")
        await gate.entered()
        await client.send("/browser")
        await gate.open()

        const { setCookies } = await pending

        expect(setCookies.join()).not.toMatch(/max-age/i)
      },
      { config: Layer.setClock(clock) }
    )
  })
})
