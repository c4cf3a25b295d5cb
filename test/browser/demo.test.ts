/** The demo in a real browser: two browsers, and a server process that is replaced while they use it. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import { isRequired } from "../support/required.js"

const executablePath = "/usr/bin/chromium"
const required = isRequired("chromium")
const isMissing = !existsSync(executablePath) && !required

const root = fileURLToPath(new URL("../..", import.meta.url))
const password = "correct horse battery"

interface Running {
  readonly url: string
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })

const launch = (port: number, directory: string): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", "examples/demo/main.ts"], {
      cwd: root,
      env: { ...process.env, PORT: String(port), DEMO_DIRECTORY: directory },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes("The demo is at")) resolve(child)
    }
    child.stdout.on("data", read)
    child.stderr.on("data", read)
    child.once("exit", (code) => reject(new Error(`The demo ended with ${code}: ${output}`)))
  })

const end = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once("exit", () => resolve())
    child.kill("SIGTERM")
  })

const startDemo = async (directory: string): Promise<Running> => {
  const port = await freePort()
  let child = await launch(port, directory)
  return {
    url: `http://localhost:${port}`,
    restart: async () => {
      await end(child)
      child = await launch(port, directory)
    },
    stop: () => end(child)
  }
}

const name = isMissing
  ? `the demo in Chromium (skipped: there is no browser at ${executablePath})`
  : "the demo in Chromium"

describe.skipIf(isMissing)(name, () => {
  let browser: Browser
  let directory: string
  let demo: Running
  const contexts: Array<BrowserContext> = []

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "effect-session-demo-"))
    demo = await startDemo(join(directory, "sessions"))
    browser = await chromium.launch({
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync"
      ]
    })
  })

  afterAll(async () => {
    for (const context of contexts) await context.close()
    await browser?.close()
    await demo?.stop()
    if (directory !== undefined) await rm(directory, { recursive: true, force: true })
  })

  const openBrowser = async (): Promise<Page> => {
    // The demo works without scripts.
    const context = await browser.newContext({ baseURL: demo.url, javaScriptEnabled: false })
    contexts.push(context)
    return context.newPage()
  }

  /** Presses a button and waits for the page after the redirect. */
  const press = async (page: Page, button: string): Promise<void> => {
    await Promise.all([
      page.waitForResponse((response) => response.request().method() === "GET"),
      page.getByRole("button", { name: button }).click()
    ])
    await page.waitForLoadState()
  }

  const fill = async (page: Page, path: string, user: string, secret: string): Promise<void> => {
    await page.goto(path)
    await page.getByLabel("Name").fill(user)
    await page.getByLabel("Password").fill(secret)
  }

  const register = async (page: Page, user: string): Promise<void> => {
    await fill(page, "/register", user, password)
    await press(page, "Create account")
  }

  const login = async (page: Page, user: string): Promise<void> => {
    await fill(page, "/login", user, password)
    await press(page, "Log in")
  }

  const flashes = (page: Page) => page.locator(".flash").allTextContents()
  const cartCount = (page: Page) => page.locator("#count").textContent()
  const userName = async (page: Page) => (await page.locator("#user").allTextContents())[0]

  it("shows a flash on the page after the redirect and not after a reload", async () => {
    const page = await openBrowser()
    await page.goto("/")

    await press(page, "Add to cart: Enamel mug")
    const first = await flashes(page)
    await page.reload()
    const second = await flashes(page)

    expect({ first, second }).toEqual({ first: ["Enamel mug is in your cart."], second: [] })
  })

  it("keeps a guest's cart when the guest registers", async () => {
    const page = await openBrowser()
    await page.goto("/")
    await press(page, "Add to cart: Paper kite")

    await register(page, "Grace")

    expect([await userName(page), await cartCount(page)]).toEqual(["Grace", "1"])
  })

  it("changes a quantity and empties the cart", async () => {
    const page = await openBrowser()
    await page.goto("/")
    await press(page, "Add to cart: Brass lamp")
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
    await press(page, "Add to cart: Field notebook")
    await press(page, "Add to cart: Field notebook")

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
    await here.goto("/sessions")
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
    await here.goto("/sessions")

    await press(here, "End session")
    await there.goto("/sessions")

    expect(await userName(here)).toBe("Donald")
    expect(new URL(there.url()).pathname).toBe("/login")
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
})
