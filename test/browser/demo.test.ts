/** The demo in a real browser: several browsers, and a server process that is replaced while they use it. */
import { readdirSync } from "node:fs"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  type Demo,
  fill,
  flashes,
  lacksBrowser,
  login,
  password,
  press,
  register,
  startDemo,
  titled
} from "./harness.js"

describe.skipIf(lacksBrowser)(titled("the demo in Chromium"), { timeout: 90_000 }, () => {
  let demo: Demo

  beforeAll(async () => {
    demo = await startDemo()
  })

  afterAll(() => demo?.close())

  // The demo works without scripts.
  const openBrowser = () => demo.open({ javaScriptEnabled: false })

  const cartCount = (page: Page) => page.locator("#count").textContent()
  const userName = async (page: Page) => (await page.locator("#user").allTextContents())[0]

  it("shows a flash on the page after the redirect and not after a reload", async () => {
    const page = await openBrowser()
    await page.goto("/")

    await press(page, "Add to cart Enamel mug")
    const first = await flashes(page)
    await page.reload()
    const second = await flashes(page)

    expect({ first, second }).toEqual({ first: ["Enamel mug is in your cart."], second: [] })
  })

  it("keeps a guest's cart when the guest registers", async () => {
    const page = await openBrowser()
    await page.goto("/")
    await press(page, "Add to cart Paper kite")

    await register(page, "Grace")

    expect([await userName(page), await cartCount(page)]).toEqual(["Grace", "1"])
  })

  it("changes a quantity and empties the cart", async () => {
    const page = await openBrowser()
    await page.goto("/")
    await press(page, "Add to cart Brass lamp")
    await page.goto("/cart")

    await page.getByLabel("Quantity of Brass lamp").fill("3")
    await press(page, "Update")
    const total = await page.locator("#total").textContent()
    await press(page, "Empty the cart")

    expect([total, await cartCount(page)]).toEqual(["€ 207.00", "0"])
  })

  it("fills in the name again after a wrong password, and says the same as for an unknown user", async () => {
    const page = await openBrowser()
    await register(page, "Edsger")
    await press(page, "Log out")

    const tried = async (user: string) => {
      await fill(page, "/login", user, "not the password")
      await press(page, "Log in")
      return { flashes: await flashes(page), name: await page.getByLabel("Name").inputValue() }
    }
    const wrong = await tried("Edsger")
    const unknown = await tried("Nobody")

    expect(wrong.name).toBe("Edsger")
    expect(wrong.flashes).toHaveLength(1)
    expect(unknown).toEqual({ ...wrong, name: "Nobody" })
  })

  it("keeps the login and the cart when the server process is replaced", async () => {
    const page = await openBrowser()
    await register(page, "Barbara")
    await press(page, "Log out")
    await login(page, "Barbara")
    await press(page, "Add to cart Field notebook")
    await press(page, "Add to cart Field notebook")

    await demo.restart()
    await page.goto("/")

    expect([await userName(page), await cartCount(page)]).toEqual(["Barbara", "2"])
  })

  it("keeps the accounts when the server process is replaced", async () => {
    const page = await openBrowser()
    await register(page, "Leslie")
    await press(page, "Log out")

    await demo.restart()
    await login(page, "Leslie")

    expect(await userName(page)).toBe("Leslie")
  })

  it("remembers a login for 30 days when asked to", async () => {
    const page = await openBrowser()
    await register(page, "Alan")
    await press(page, "Log out")

    await fill(page, "/login", "Alan", password)
    await page.getByLabel("Remember me").check()
    await press(page, "Log in")

    const [cookie] = await page.context().cookies()
    const days = ((cookie?.expires ?? 0) - Date.now() / 1000) / 86_400
    expect(Math.round(days)).toBe(30)
  })

  it("Log out my other devices ends the other session and keeps this one", async () => {
    const here = await openBrowser()
    const there = await openBrowser()
    await register(here, "Ada")
    await login(there, "Ada")
    await here.goto("/devices")
    const before = await here.locator("tbody tr").count()

    await press(here, "Log out my other devices")
    await there.goto("/")

    expect(before).toBe(2)
    expect(await here.locator("tbody tr").count()).toBe(1)
    expect([await userName(here), await userName(there)]).toEqual(["Ada", undefined])
  })

  it("ends one session chosen from the list", async () => {
    const here = await openBrowser()
    const there = await openBrowser()
    await register(here, "Donald")
    await login(there, "Donald")
    await here.goto("/devices")

    await press(here, "Log out device 2")
    await there.goto("/devices")

    expect(await userName(here)).toBe("Donald")
    expect(new URL(there.url()).pathname).toBe("/login")
  })

  it("lists the own device first, with times as people say them", async () => {
    const there = await openBrowser()
    const here = await openBrowser()
    await register(there, "Frances")
    await login(here, "Frances")

    await there.goto("/devices")
    await here.goto("/devices")

    const active = here.locator("tbody tr").first().locator("[data-name='Last active'] time")
    expect(await active.textContent()).toMatch(/^(just now|\d+ minutes? ago)$/)
    expect(await active.getAttribute("title")).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/)
    const first = (page: Page) => page.locator("tbody tr").first().textContent()
    expect(await first(there)).toContain("This device")
    expect(await first(here)).toContain("This device")
  })

  it("makes the old cookie useless on logout", async () => {
    const page = await openBrowser()
    await register(page, "Margaret")
    const cookies = await page.context().cookies()

    await press(page, "Log out")
    const after = await userName(page)
    const thief = await openBrowser()
    await thief.context().addCookies(cookies)
    await thief.goto("/")

    expect(after).toBeUndefined()
    expect(await userName(thief)).toBeUndefined()
  })

  it("answers an unknown address with 404 in the layout of the shop", async () => {
    const page = await openBrowser()

    const response = await page.goto("/nowhere")

    expect(response?.status()).toBe(404)
    expect(await page.locator(".brand").textContent()).toBe("Corner Shop")
  })

  it("a visitor who only looks gets no cookie and leaves no session", async () => {
    const page = await openBrowser()
    const before = sessionFiles(demo)

    for (const path of ["/", "/cart", "/nowhere"]) await page.goto(path)

    expect(await page.context().cookies()).toEqual([])
    expect(sessionFiles(demo)).toEqual(before)
  })

  it.each([
    ["another site", { "sec-fetch-site": "cross-site", origin: "https://elsewhere.example" }],
    ["another origin", { origin: "https://elsewhere.example" }],
    ["nobody knows where", {}]
  ])("a first product that comes from %s begins no session", async (_from, headers) => {
    const answer = await fetch(`${demo.url}/cart/add`, {
      method: "POST",
      redirect: "manual",
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body: "product=mug"
    })

    const cart = await fetch(`${demo.url}/cart`, { headers: { cookie: cookieOf(answer) } })
    expect(await cart.text()).toContain("Your cart is empty.")
  })

  it("a form whose session has ended shows again, with what was typed", async () => {
    const page = await openBrowser()
    await fill(page, "/login", "Katherine", password)
    await page.context().clearCookies()

    await press(page, "Log in")

    expect(new URL(page.url()).pathname).toBe("/login")
    expect(await page.getByRole("alert").textContent()).toContain("open for too long")
    expect(await page.getByLabel("Name").inputValue()).toBe("Katherine")
    expect(await page.getByLabel("Password").inputValue()).toBe("")
  })

  it("a quantity stays typed when the form is older than the login", async () => {
    const page = await openBrowser()
    await register(page, "Radia")
    await press(page, "Log out")
    await press(page, "Add to cart Brass lamp")
    await page.goto("/cart")
    const other = await page.context().newPage()
    await login(other, "Radia")

    await page.getByLabel("Quantity of Brass lamp").fill("7")
    await press(page, "Update")

    expect(await page.getByRole("alert").textContent()).toContain("open for too long")
    expect(await page.getByLabel("Quantity of Brass lamp").inputValue()).toBe("7")
    expect(await page.locator("#total").textContent()).toBe("€ 69.00")
  })

  it("removes a product from the cart", async () => {
    const page = await openBrowser()
    await page.goto("/")
    await press(page, "Add to cart Brass lamp")
    await press(page, "Add to cart Paper kite")
    await page.goto("/cart")

    await press(page, "Remove Brass lamp")

    expect(await page.locator("#total").textContent()).toBe("€ 19.00")
  })

  it("says in one sentence that its port is in use", async () => {
    const said = await demo.startAgain()

    expect(said).toMatch(
      /ended with 1: Port \d+ is in use\. Choose another one: PORT=\d+ npm run demo\n$/
    )
  })
})

/** The first account of a demo of its own is the administrator. */
describe.skipIf(lacksBrowser)(
  titled("the page of the administrator in Chromium"),
  { timeout: 90_000 },
  () => {
    let demo: Demo
    let admin: Page

    beforeAll(async () => {
      demo = await startDemo()
      admin = await demo.open({ javaScriptEnabled: false })
      await register(admin, "Root")
    })

    afterAll(() => demo?.close())

    const openBrowser = () => demo.open({ javaScriptEnabled: false })

    it("sends a guest to the login, and lets no other user in", async () => {
      const page = await openBrowser()

      await page.goto("/admin")
      const guestAt = new URL(page.url()).pathname
      await register(page, "Mallory")
      const answer = await page.goto("/admin")

      expect(guestAt).toBe("/login")
      expect(answer?.status()).toBe(403)
      expect(await page.getByRole("link", { name: "Admin" }).count()).toBe(0)
      expect(await page.locator("table").count()).toBe(0)
    })

    it("lets nobody else send its forms", async () => {
      const page = await openBrowser()
      await register(page, "Trudy")
      await page.goto("/devices")
      const token = await page.locator("input[name=_token]").first().inputValue()

      const answer = await page.request.post("/admin/end?user=anybody", {
        form: { _token: token },
        headers: { origin: demo.url }
      })

      expect(answer.status()).toBe(403)
    })

    it("shows who is here, and ends one session", async () => {
      const page = await openBrowser()
      await register(page, "Ivan")

      await admin.goto("/admin")
      const line = admin.locator("#sessions tr", { hasText: "Ivan" })
      await line.getByRole("link", { name: /^End session/ }).click()
      await press(admin, "End the session")
      await page.goto("/devices")

      expect(await admin.getByRole("status").allTextContents()).toEqual(["1 session was ended."])
      expect(new URL(page.url()).pathname).toBe("/login")
    })

    it("logs a user out everywhere", async () => {
      const pages = [await openBrowser(), await openBrowser()]
      for (const [index, page] of pages.entries()) {
        await (index === 0 ? register : login)(page, "Judy")
      }
      await admin.goto("/admin")

      await admin.locator("#sessions").getByRole("link", { name: "Judy" }).first().click()
      await admin.getByRole("link", { name: "End all" }).click()
      await press(admin, "End 2 sessions")

      expect(await admin.getByRole("status").allTextContents()).toEqual(["2 sessions were ended."])
      for (const page of pages) {
        await page.goto("/devices")
        expect(new URL(page.url()).pathname).toBe("/login")
      }
    })
  }
)

const sessionFiles = ({ sessions }: Demo): ReadonlyArray<string> =>
  readdirSync(sessions, { recursive: true, encoding: "utf8" }).filter((file) => /sess_/.test(file))

const cookieOf = (answer: Response): string => answer.headers.get("set-cookie")?.split(";")[0] ?? ""
