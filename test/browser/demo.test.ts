import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const executablePath = "/usr/bin/chromium"
const required = (process.env.EFFECT_SESSION_REQUIRE ?? "").includes("chromium")
const missing = !existsSync(executablePath) && !required

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })

const startDemo = async (port: number, directory: string): Promise<ChildProcess> => {
  const child = spawn(process.execPath, ["--import", "tsx", "examples/demo/main.ts"], {
    env: { ...process.env, PORT: String(port), DEMO_DIRECTORY: directory },
    stdio: "ignore"
  })
  for (let tries = 0; tries < 200; tries++) {
    const up = await fetch(`http://localhost:${port}/`).then(
      () => true,
      () => false
    )
    if (up) return child
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  child.kill("SIGKILL")
  throw new Error("the demo did not start")
}

const stop = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once("exit", () => resolve())
    child.kill("SIGKILL")
  })

const title = missing ? "the demo (skipped: chromium is not installed)" : "the demo"

describe.skipIf(missing)(title, () => {
  const directory = mkdtempSync(join(tmpdir(), "effect-session-demo-"))
  let port = 0
  let demo: ChildProcess
  let browser: Browser

  const newPage = async (): Promise<Page> =>
    (await browser.newContext({ baseURL: `http://localhost:${port}` })).newPage()

  const enter = async (page: Page, path: "/login" | "/register"): Promise<void> => {
    await page.goto(path)
    await page.fill("input[name=name]", "ada")
    await page.fill("input[name=password]", "correct horse")
    await page.click("main form button")
    await page.waitForURL("**/")
  }

  beforeAll(async () => {
    port = await freePort()
    demo = await startDemo(port, directory)
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
    await browser?.close()
    if (demo !== undefined) await stop(demo)
    rmSync(directory, { recursive: true, force: true })
  })

  it("keeps cart and login over a restart, shows a flash once, and logs other devices out", async () => {
    const page = await newPage()
    await enter(page, "/register")
    await page.click("text=Add to cart")
    expect(await page.textContent(".flash")).toContain("in your cart")
    await page.reload()
    expect(await page.locator(".flash").count()).toBe(0)

    await stop(demo)
    demo = await startDemo(port, directory)
    await page.reload()
    expect(await page.textContent("#cart")).toBe("Cart (1)")

    const other = await newPage()
    await enter(other, "/login")
    await page.goto("/sessions")
    expect(await page.locator("#sessions tr").count()).toBe(3)
    await page.click("text=Log out my other devices")
    expect(await page.textContent(".flash")).toContain("1 other session ended")
    await other.goto("/")
    expect(await other.locator("text=Log in").count()).toBe(1)

    await page.click("text=Log out >> nth=0")
    expect(await page.textContent(".flash")).toContain("Good-bye")
    await page.goto("/sessions")
    expect(page.url()).toContain("/login")
  })
})
