/** The examples of the mounts, each as its README starts it. */
import { afterAll, describe, expect, it } from "vitest"
import { dispose, handler } from "../../examples/web-handler/app.js"
import {
  type Answer,
  form,
  type Journey,
  seen,
  served,
  tokenIn,
  type Visit,
  visitor
} from "../docs/guides/harness.js"

/** A login by a form, with all that can go wrong. */
const throughPages: Journey = async (visit, server) => {
  expect(seen(await visit("/account"))).toEqual([303, "/login"])
  const asked = await visit("/login")
  expect(asked.text).toContain("Please log in.")
  const _token = tokenIn(asked)

  expect(seen(await visit("/login", form({ name: "A<da", password: "secret" })))).toEqual([
    303,
    "/login"
  ])
  const tooOld = await visit("/login")
  expect(tooOld.text).toContain("The form was too old.")
  expect(tooOld.text).toContain('value="A&#60;da"')
  expect((await visit("/login")).text).not.toContain("too old")

  const guessed = await visit("/login", form({ _token, name: "Ada", password: "guess" }))
  expect(seen(guessed)).toEqual([303, "/login"])
  const again = await visit("/login")
  expect(again.text).toContain("Wrong name or password.")
  expect(again.text).toContain('value="Ada"')

  expect(seen(await visit("/login", form({ _token, name: "Ada", password: "secret" })))).toEqual([
    303,
    "/account"
  ])
  const account = await visit("/account")
  expect(account.text).toContain("Welcome, Ada.")
  expect(account.text).toContain("user-Ada")
  expect((await visit("/account")).text).not.toContain("Welcome")

  const phone = server.newVisitor()
  const token = tokenIn(await phone("/login"))
  await phone("/login", form({ _token: token, name: "Ada", password: "secret" }))

  const foreign = {
    ...form({ _token: tokenIn(account) }),
    headers: { origin: "https://evil.example" }
  }
  expect((await visit("/logout", foreign)).status).toBe(403)
  expect(seen(await visit("/logout", form({ _token: tokenIn(account) })))).toEqual([303, "/login"])
  expect((await visit("/login")).text).toContain("You are logged out.")
  expect(seen(await visit("/account"))).toEqual([303, "/login"])
  expect((await phone("/account")).text).toContain("user-Ada")
}

/** A login by JSON. */
const throughJson: Journey = async (visit) => {
  const post = (path: string, token: string, body: object | undefined) =>
    visit(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  const ada = { name: "Ada", password: "secret" }
  const refused = await visit("/account")
  expect([refused.status, refused.text]).toEqual([401, '{"_tag":"SessionUnauthenticated"}'])
  const { csrfToken } = JSON.parse((await visit("/visit")).text)

  expect((await post("/login", "none", ada)).text).toBe('{"_tag":"CsrfRejected"}')
  expect((await post("/login", csrfToken, { ...ada, password: "guess" })).text).toBe(
    '{"_tag":"WrongPassword"}'
  )
  expect((await post("/login", csrfToken, ada)).status).toBe(204)
  const welcomed = JSON.parse((await visit("/visit")).text)
  expect(welcomed.message).toBe("Welcome, Ada.")
  expect(JSON.parse((await visit("/visit")).text).message).toBeNull()
  expect((await visit("/account")).text).toBe('{"userId":"user-Ada"}')

  expect((await post("/logout", welcomed.csrfToken, undefined)).status).toBe(204)
  expect((await visit("/account")).status).toBe(401)
  expect((await visit("/docs")).status).toBe(200)
}

/** A login through a web handler. */
const throughHandler = async (visit: Visit) => {
  const stateOf = async (answer: Promise<Answer>) => JSON.parse((await answer).text)
  const post = (path: string, token: string, body: object) =>
    visit(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": token },
      body: JSON.stringify(body)
    })
  const guest = await stateOf(visit("/"))
  expect(guest).toMatchObject({ visits: 1, userId: null })
  expect((await post("/login", "none", { name: "ada" })).status).toBe(403)
  const user = await stateOf(post("/login", guest.csrfToken, { name: "ada" }))
  expect(user).toMatchObject({ visits: 2, userId: "ada" })
  expect(await stateOf(post("/logout", user.csrfToken, {}))).toMatchObject({ userId: null })
}

/** On SIGTERM it ends as if nothing were wrong. */
const stopped: Journey = async (_visit, { ended, process }) => {
  process.disconnect() // else the channel to this test keeps it alive
  process.kill("SIGTERM")
  expect(await ended).toBe(0)
}

// A busy machine takes a while to start the servers.
describe("the example runs", { timeout: 120_000 }, () => {
  const tried = (name: string, journey: Journey) => served(journey)(`examples/${name}/main.ts`)

  it("http-router", () => tried("http-router", throughPages))

  it("http-layer-router", () => tried("http-layer-router", throughPages))

  it("http-api", () => tried("http-api", throughJson))

  it("web-handler", () => tried("web-handler", throughHandler))

  it.each(["http-router", "http-layer-router", "http-api", "web-handler"])(
    "%s ends with 0 on SIGTERM",
    (name) => tried(name, stopped)
  )

  afterAll(dispose)

  it("web-handler, without a server", () =>
    throughHandler(visitor((path, init) => handler(new Request(`http://localhost${path}`, init)))))
})
