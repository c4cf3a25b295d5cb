/** The examples that are made for Effect 4 run, each as a person would start it. */
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { form, type Journey, seen, served, tokenIn } from "../out/test/docs/guides/harness.js"

// They import the library by its name.
process.env.TSX_TSCONFIG_PATH = fileURLToPath(new URL("../tsconfig.out.json", import.meta.url))

const options = { timeout: 120_000 }

const throughPages: Journey = async (visit) => {
  expect(seen(await visit("/account"))).toEqual([303, "/login"])
  const asked = await visit("/login")
  expect(asked.text).toContain("Please log in.")
  const _token = tokenIn(asked)

  const guessed = await visit("/login", form({ _token, name: "Ada", password: "guess" }))
  expect(seen(guessed)).toEqual([303, "/login"])
  expect((await visit("/login")).text).toContain('value="Ada"')
  const right = await visit("/login", form({ _token, name: "Ada", password: "secret" }))
  expect(seen(right)).toEqual([303, "/account"])
  const account = await visit("/account")
  expect(account.text).toContain("Welcome, Ada.")
  expect((await visit("/account")).text).not.toContain("Welcome")

  const foreign = {
    ...form({ _token: tokenIn(account) }),
    headers: { origin: "https://evil.example" }
  }
  expect((await visit("/logout", foreign)).status).toBe(403)
  const left = await visit("/logout", form({ _token: tokenIn(account) }))
  expect(seen(left)).toEqual([303, "/login"])
  expect(seen(await visit("/account"))).toEqual([303, "/login"])
}

const throughHandler: Journey = async (visit) => {
  const stateOf = async (path: string, init?: RequestInit) =>
    JSON.parse((await visit(path, init)).text)
  const post = (token: string, body: object) => ({
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": token },
    body: JSON.stringify(body)
  })
  const guest = await stateOf("/")
  expect(guest).toMatchObject({ visits: 1, userId: null })
  expect((await visit("/login", post("none", { name: "ada" }))).status).toBe(403)
  const user = await stateOf("/login", post(guest.csrfToken, { name: "ada" }))
  expect(user).toMatchObject({ visits: 2, userId: "ada" })
  expect(await stateOf("/logout", post(user.csrfToken, {}))).toMatchObject({ userId: null })
}

const journeys = { "http-layer-router": throughPages, "web-handler": throughHandler }

it.each(Object.entries(journeys))("%s", options, (name, journey) =>
  served(journey)(fileURLToPath(new URL(`../out/examples/${name}/main.ts`, import.meta.url)))
)
