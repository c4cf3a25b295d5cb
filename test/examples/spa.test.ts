/** The example of a single-page app: its API as pages of several origins see it, and the page itself in a browser. */
import { chromium } from "playwright-core"
import { describe, expect, it } from "vitest"
import { lacksBrowser, titled } from "../browser/harness.js"
import { touring, type Visit } from "../docs/guides/harness.js"
import { freePort } from "../support/process.js"

/** A page of another origin calls the API, and a page of a third one tries to. */
const acrossOrigins = async (visit: Visit) => {
  const page = { origin: "https://app.shop.example", "sec-fetch-site": "same-site" }
  const evil = { origin: "https://evil.example", "sec-fetch-site": "cross-site" }
  const post = (path: string, token: string, from: Record<string, string>, body: object = {}) =>
    visit(path, {
      method: "POST",
      headers: { ...from, "content-type": "application/json", "x-csrf-token": token },
      body: JSON.stringify(body)
    })
  const asked = {
    ...page,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-csrf-token"
  }
  const preflight = await visit("/login", { method: "OPTIONS", headers: asked })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get("access-control-allow-headers")).toBe("content-type,x-csrf-token")
  expect(preflight.cookies).toEqual([])

  const first = await visit("/session", { headers: page })
  expect(first.headers.get("access-control-allow-origin")).toBe(page.origin)
  expect(first.headers.get("access-control-allow-credentials")).toBe("true")
  expect(first.headers.get("vary")).toBe("Origin, Cookie")
  const guest = JSON.parse(first.text)
  expect(guest.userId).toBeNull()

  const ada = { name: "ada", password: "secret" }
  expect((await post("/login", guest.csrfToken, evil, ada)).status).toBe(403)
  const wrong = await post("/login", "none", page, ada)
  expect([wrong.status, wrong.headers.get("access-control-allow-origin")]).toEqual([
    403,
    page.origin
  ])
  expect((await post("/login", guest.csrfToken, page, { ...ada, password: "x" })).status).toBe(401)
  const user = JSON.parse((await post("/login", guest.csrfToken, page, ada)).text)
  expect(user.userId).toBe("ada")

  expect((await post("/orders", guest.csrfToken, page)).status).toBe(403)
  expect((await post("/orders", user.csrfToken, page)).text).toBe('{"orders":1}')
  expect(
    (await visit("/orders", { headers: evil })).headers.get("access-control-allow-origin")
  ).toBe(page.origin)
  const left = JSON.parse((await post("/logout", user.csrfToken, page)).text)
  expect(left.userId).toBeNull()
  expect((await post("/orders", left.csrfToken, page)).status).toBe(401)
}

/** A visitor logs in, orders and logs out on the page. */
const onThePage = async (origin: string) => {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox"]
  })
  try {
    const page = await browser.newPage()
    const says = (text: string) => page.getByRole("status").getByText(text).waitFor()
    const press = (button: string) => page.getByRole("button", { name: button }).click()
    await page.goto(origin)
    await says("Please log in.")
    await page.getByLabel("Name").fill("ada")
    await press("Log in")
    await says("The answer was 401.")
    await page.getByLabel("Password").fill("secret")
    await press("Log in")
    await says("Hello, ada.")
    await press("Order")
    await says("Your orders: 1.")
    await page.reload()
    await says("Hello, ada.")
    await press("Log out")
    await says("Please log in.")
  } finally {
    await browser.close()
  }
}

// A busy machine takes a while to start the servers and the browser.
describe("examples/spa", { timeout: 120_000 }, () => {
  it("answers its page, and no page of another site", () =>
    touring(async (start) => {
      const { newVisitor } = await start({ PAGE: "https://app.shop.example" })
      await acrossOrigins(newVisitor())
    })("examples/spa/main.ts"))

  it.skipIf(lacksBrowser)(titled("logs in from its page"), () =>
    touring((startApi) =>
      touring(async (startPage) => {
        const port = String(await freePort())
        const { origin } = await startApi({ PAGE: `http://localhost:${port}` })
        await startPage({ PORT: port, API: origin.replace("127.0.0.1", "localhost") })
        await onThePage(`http://localhost:${port}`)
      })("examples/spa/page.ts")
    )("examples/spa/main.ts")
  )
})
