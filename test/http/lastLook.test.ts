/** A cookie that was decided early in a request is looked at once more, at its end. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Session from "../../src/Session.js"
import { json, makeGate, pages, withApp } from "./support.js"

type Early = "consume" | "commit" | "alias"

const early: Readonly<Record<Early, Effect.Effect<unknown, unknown, Session.Session>>> = {
  consume: Session.consume("code"),
  commit: Effect.zipRight(Session.setLifetime("1 hour"), Session.commit),
  alias: Session.get("code")
}

type Moved = "/login" | "/migrate" | "/logout"

/** What a slow request answers that came before another one, and the cookie that the browser has then. */
const race = async (name: Early, moved: Moved) => {
  const gate = makeGate()
  const app = pages({
    "/start": json(Session.put("code", "c")),
    "/migrate": json(Session.migrate()),
    "/login": json(Session.login("ann")),
    "/logout": json(Session.logout),
    "/slow": json(Effect.zipRight(early[name], gate.pass))
  })
  let outcome: { cookies: ReadonlyArray<string>; newest: string | undefined } = {
    cookies: [],
    newest: ""
  }
  await withApp(app, async (server) => {
    const browser = server.client()
    await browser.send("/start")
    const tab = server.client(browser.cookie)
    if (name === "alias") await browser.send("/migrate")
    const pending = tab.send("/slow")
    await gate.entered()
    await browser.send(moved)
    await gate.open()
    const { setCookies, status } = await pending
    expect(status).toBe(200)
    const cookies = setCookies.map((line) => line.split(";", 1)[0] ?? "")
    outcome = { cookies, newest: browser.cookie }
  })
  return outcome
}

describe("a cookie that was decided before the session was moved", () => {
  for (const [name, moved] of [
    ["consume", "/login"],
    ["commit", "/logout"],
    ["alias", "/login"]
  ] as const) {
    it(`does not overwrite a newer one: ${name}, then ${moved.slice(1)}`, async () => {
      expect((await race(name, moved)).cookies).toEqual([])
    })
  }

  it("gives way to the one behind an alias", async () => {
    const { cookies, newest } = await race("commit", "/migrate")

    expect(cookies).toEqual([newest])
  })
})
