/** What is tried with the pages on the mounts. */
import { pathToFileURL } from "node:url"
import { expect } from "vitest"
import { form, type Journey, seen, tokenIn, visitor } from "./harness.js"

/** A login by a form, with all that can go wrong. */
export const throughPages: Journey = async (visit) => {
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

  const foreign = {
    ...form({ _token: tokenIn(account) }),
    headers: { origin: "https://evil.example" }
  }
  expect((await visit("/logout", foreign)).status).toBe(403)
  expect(seen(await visit("/logout", form({ _token: tokenIn(account) })))).toEqual([303, "/login"])
  expect((await visit("/login")).text).toContain("You are logged out.")
  expect(seen(await visit("/account"))).toEqual([303, "/login"])
}

/** A login by JSON. */
export const throughJson: Journey = async (visit) => {
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

/** Three requests to a web handler, in this process. */
export const throughHandler = async (file: string): Promise<void> => {
  const { default: app, dispose } = await import(pathToFileURL(file).href)
  const visit = visitor((path, init) => app.fetch(new Request(`http://localhost${path}`, init)))
  expect((await visit("/")).text).toBe('{"visits":1}')
  expect((await visit("/")).text).toBe('{"visits":2}')
  expect((await visit("/active")).text).toBe('{"sessions":1}')
  await dispose()
}
