/** The demo as a process, and Chromium to look at it with. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { endProcess, freePort } from "../support/process.js"
import { isRequired } from "../support/required.js"

const executablePath = "/usr/bin/chromium"

export const lacksBrowser = !existsSync(executablePath) && !isRequired("chromium")

/** A title that says so where the tests are skipped. */
export const titled = (title: string): string =>
  lacksBrowser ? `${title} (skipped: there is no browser at ${executablePath})` : title

const root = fileURLToPath(new URL("../..", import.meta.url))

export const password = "correct horse battery"

/** Starts the demo; `directory` is where its sessions are. */
export const launch = (port: number, directory: string): Promise<ChildProcess> =>
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

export interface Demo {
  readonly url: string
  /** Where its sessions are. */
  readonly sessions: string
  /** Runs the demo where another one runs already; resolves with what it says and its exit code. */
  readonly startAgain: () => Promise<string>
  readonly restart: () => Promise<void>
  /** Opens a browser of its own, with no cookies. */
  readonly open: (options?: BrowserContextOptions) => Promise<Page>
  readonly close: () => Promise<void>
}

export const startDemo = async (): Promise<Demo> => {
  const directory = await mkdtemp(join(tmpdir(), "effect-session-demo-"))
  const sessions = join(directory, "sessions")
  const port = await freePort()
  let child = await launch(port, sessions)
  const browser = await startBrowser()
  const url = `http://localhost:${port}`
  return {
    url,
    sessions,
    startAgain: () =>
      launch(port, join(directory, "others")).then(
        async (second) => {
          await endProcess(second, "SIGTERM")
          return "It started."
        },
        (error: Error) => error.message
      ),
    restart: async () => {
      await endProcess(child, "SIGTERM")
      child = await launch(port, sessions)
    },
    open: async (options) => {
      const context = await browser.newContext({ baseURL: url, ...options })
      return context.newPage()
    },
    close: async () => {
      await browser.close()
      await endProcess(child, "SIGTERM")
      await rm(directory, { recursive: true, force: true })
    }
  }
}

const startBrowser = (): Promise<Browser> =>
  chromium.launch({
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

/** Presses a button and waits for the page after the redirect. */
export const press = async (page: Page, button: string): Promise<void> => {
  await Promise.all([
    page.waitForResponse((response) => response.request().method() === "GET"),
    page.getByRole("button", { name: button }).first().click()
  ])
  await page.waitForLoadState()
}

export const fill = async (page: Page, path: string, user: string, secret: string) => {
  await page.goto(path)
  await page.getByLabel("Name").fill(user)
  await page.getByLabel("Password").fill(secret)
}

export const register = async (page: Page, user: string): Promise<void> => {
  await fill(page, "/register", user, password)
  await press(page, "Create account")
}

export const login = async (page: Page, user: string): Promise<void> => {
  await fill(page, "/login", user, password)
  await press(page, "Log in")
}

export const flashes = (page: Page) => page.locator(".flash").allTextContents()
