/** The whole examples of docs/guides run as they stand there: `<!-- run: ... -->` above a block names what is tried with it. */
import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { get, request } from "node:http"
import { basename, join, resolve } from "node:path"
import type { Duplex } from "node:stream"
import { pathToFileURL } from "node:url"
import { build } from "esbuild"
import { afterAll, describe, expect, it } from "vitest"
import { endProcess } from "../support/process.js"

const root = resolve(import.meta.dirname, "../..")
const guides = join(root, "docs/guides")

// Inside the project, so that the examples find their packages.
mkdirSync(join(root, ".data"), { recursive: true })
const directory = mkdtempSync(join(root, ".data/guides-"))
afterAll(() => rmSync(directory, { recursive: true }))

const examples = readdirSync(guides).flatMap((page) =>
  Array.from(
    readFileSync(join(guides, page), "utf8").matchAll(
      /<!-- run: (\w+) -->\n```ts\n([\s\S]*?)^```$/gm
    ),
    ([, kind = "", code = ""]) => ({ page, kind, code })
  )
)

/** Compiles an example against the source, and gives the file. */
const compiled = async (page: string, code: string): Promise<string> => {
  const outfile = join(directory, page.replace(/\.md$/, ".mjs"))
  await build({
    stdin: { contents: code, loader: "ts", resolveDir: root },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "silent",
    plugins: [
      {
        name: "effect-session",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^effect-session/ }, ({ path }) => ({
            path: join(root, "src", `${path.split("/")[1] ?? "index"}.ts`)
          }))
      }
    ]
  })
  return outfile
}

interface Answer {
  readonly status: number
  readonly location: string | null
  readonly headers: Headers
  readonly text: string
  readonly cookies: ReadonlyArray<string>
}

type Visit = (path: string, init?: RequestInit) => Promise<Answer>

/** Visits with a cookie of its own. */
const visitor = (ask: (path: string, init: RequestInit) => Promise<Response>): Visit => {
  let cookie = ""
  return async (path, init = {}) => {
    const headers = new Headers(init.headers)
    headers.set("cookie", cookie)
    const response = await ask(path, { redirect: "manual", ...init, headers })
    const cookies = response.headers.getSetCookie()
    for (const line of cookies) {
      cookie = /max-age=0/i.test(line) ? "" : (line.split(";", 1)[0] ?? "")
    }
    const { headers: answered, status } = response
    const location = answered.get("location")
    return { status, location, headers: answered, text: await response.text(), cookies }
  }
}

/**
 * The server of an example: `newVisitor` has no cookie yet, `later` moves the server's clock on, and `ended` gives the exit
 * code.
 */
interface Served {
  readonly process: ChildProcess
  readonly origin: string
  readonly newVisitor: () => Visit
  readonly later: (millis: number) => Promise<void>
  readonly printed: () => string
  readonly ended: Promise<number | null>
}

/** What is tried with several servers of an example: `start` starts one with variables of its own. */
type Tour = (start: (env?: Record<string, string>) => Promise<Served>) => Promise<void>

/** What is tried with a server: by one visitor, and by others where the test makes some. */
type Journey = (visit: Visit, served: Served) => Promise<void>

const hour = 3_600_000

/** Loaded before an example, so that a message moves its clock on. */
const movableClock = `data:text/javascript,${encodeURIComponent(`
  const now = Date.now
  let ahead = 0
  Date.now = () => now() + ahead
  process.on("message", (millis) => {
    ahead += millis
    process.send("moved")
  })
`)}`

/** Starts a server of an example. */
const serverOf = async (server: ChildProcess): Promise<Served> => {
  let printed = ""
  const ended = once(server, "exit").then(([code]): number | null => code)
  const port = await new Promise<string>((resolve, reject) => {
    server.once("exit", () => reject(new Error(`The example ended: ${printed}`)))
    server.stdout?.on("data", (text) => {
      printed += text
      const listening = /Listening on http:\/\/[^:]+:(\d+)/.exec(printed)
      if (listening?.[1] !== undefined) resolve(listening[1])
    })
  })
  const origin = `http://127.0.0.1:${port}`
  return {
    process: server,
    origin,
    newVisitor: () => visitor((path, init) => fetch(`${origin}${path}`, init)),
    later: async (millis) => {
      server.send(millis)
      await once(server, "message")
    },
    printed: () => printed,
    ended
  }
}

/** Lets a test start servers of an example, in a directory of its own, and ends them. */
const touring = async (file: string, tour: Tour): Promise<void> => {
  const cwd = mkdtempSync(`${file}-`)
  const started: Array<ChildProcess> = []
  try {
    await tour((env = {}) => {
      const server = spawn(process.execPath, ["--import", movableClock, file], {
        cwd,
        env: { ...process.env, PORT: "0", ...env },
        stdio: ["ignore", "pipe", "inherit", "ipc"]
      })
      started.push(server)
      return serverOf(server)
    })
  } finally {
    await Promise.all(started.map((server) => endProcess(server, "SIGKILL")))
  }
}

/** Runs one server of an example, and hands a visitor to the test. */
const served = (file: string, journey: Journey): Promise<void> =>
  touring(file, async (start) => {
    const server = await start()
    await journey(server.newVisitor(), server)
  })

/** Runs an example that is a file of tests, and gives what was printed. */
const testsOf = async (file: string): Promise<string> => {
  const named = file.replace(/\.mjs$/, ".test.mjs")
  renameSync(file, named)
  // Else the settings of this project would be found.
  writeFileSync(join(directory, "vitest.config.mjs"), "export default {}")
  const vitest = join(root, "node_modules/vitest/vitest.mjs")
  const child = spawn(process.execPath, [vitest, "run", "--root", directory, basename(named)], {
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let printed = ""
  child.stdout.on("data", (text) => (printed += text))
  child.stderr.on("data", (text) => (printed += text))
  await once(child, "close")
  return printed
}

const tokenIn = ({ text }: Answer): string => /name="_token" value="([^"]+)"/.exec(text)?.[1] ?? ""

const form = (fields: Record<string, string>): RequestInit => ({
  method: "POST",
  body: new URLSearchParams(fields)
})

const seen = ({ location, status }: Answer) => [status, location]

/** A login by a form, with all that can go wrong. */
const throughPages = async (visit: Visit): Promise<void> => {
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
const throughJson = async (visit: Visit): Promise<void> => {
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

const throughHandler = async (visit: Visit): Promise<void> => {
  expect((await visit("/")).text).toBe('{"visits":1}')
  expect((await visit("/")).text).toBe('{"visits":2}')
  expect((await visit("/active")).text).toBe('{"sessions":1}')
}

/** A guest wants a page, and sees it after the login. */
const toTheIntendedPage: Journey = async (visit, { newVisitor }) => {
  const logIn = async (guest: Visit) => {
    const _token = tokenIn(await guest("/login"))
    return seen(await guest("/login", form({ _token, name: "Ada", password: "secret" })))
  }
  expect((await visit("/api/orders")).status).toBe(401)
  expect(seen(await visit("/orders?page=2"))).toEqual([303, "/login"])
  const _token = tokenIn(await visit("/login"))
  expect(seen(await visit("/orders", form({ _token })))).toEqual([303, "/login"])
  expect(seen(await visit("/login", form({ _token, name: "Ada", password: "guess" })))).toEqual([
    303,
    "/login"
  ])

  expect(await logIn(visit)).toEqual([303, "/orders?page=2"])
  expect((await visit("/orders?page=2")).text).toBe('{"user":"user-Ada","page":2}')
  expect((await visit("/api/orders")).status).toBe(200)

  const straight = newVisitor()
  await straight("/orders?token=secret")
  expect(await logIn(straight)).toEqual([303, "/orders"])
}

/** A form that is wrong, too old, sent by another site, and right. */
const throughForm: Journey = async (visit) => {
  const right = { name: "A<da", email: "ada@example.com", message: "Good morning to you." }
  const _token = tokenIn(await visit("/contact"))
  const send = (fields: Record<string, string>) => visit("/contact", form({ _token, ...fields }))

  expect(seen(await send({ ...right, name: " ", email: "nobody" }))).toEqual([303, "/contact"])
  const wrong = await visit("/contact")
  expect(wrong.text).toContain("Please look at the fields again.")
  expect(wrong.text).toContain("Tell us your name.")
  expect(wrong.text).toContain("This is no address.")
  expect(wrong.text).not.toContain("Write a little more.")
  expect(wrong.text).toContain('value="nobody"')
  expect(wrong.text).toContain(">Good morning to you.</textarea>")
  expect((await visit("/contact")).text).not.toMatch(/again|Tell us|nobody|Good morning/)

  expect(seen(await send({ ...right, _token: "old" }))).toEqual([303, "/contact"])
  const tooOld = await visit("/contact")
  expect(tooOld.text).toContain("The form was too old.")
  expect(tooOld.text).toContain('value="A&#60;da"')

  const foreign = { ...form({ _token, ...right }), headers: { origin: "https://evil.example" } }
  expect((await visit("/contact", foreign)).status).toBe(403)
  expect((await visit("/contact", { method: "POST", body: "{}" })).status).toBe(303)

  expect(seen(await send(right))).toEqual([303, "/contact"])
  const done = await visit("/contact")
  expect(done.text).toContain("Thank you, A&#60;da.")
  expect(done.text).not.toContain("ada@example.com")
  expect((await visit("/contact")).text).not.toContain("Thank you")
}

/** A login that is remembered and one that is not, and an action that asks for the password again. */
const throughTime: Journey = async (visit, { later, newVisitor }) => {
  const send = async (guest: Visit, path: string, fields: Record<string, string>) =>
    guest(path, form({ _token: tokenIn(await guest(path)), ...fields }))
  const ada = { name: "ada", password: "secret" }
  expect(seen(await visit("/payout"))).toEqual([303, "/login"])
  const forgotten = newVisitor()
  expect((await send(forgotten, "/login", ada)).cookies.join()).not.toMatch(/max-age/i)
  const remembered = await send(visit, "/login", { ...ada, remember: "on" })
  expect(remembered.cookies.join()).toContain("Max-Age=2592000;")
  expect((await send(visit, "/payout", {})).text).toBe("Paid out.")

  await later(3 * hour)
  expect(seen(await forgotten("/"))).toEqual([303, "/login"])
  expect((await visit("/")).text).toContain("Hello, ada.")
  expect(seen(await visit("/payout"))).toEqual([303, "/confirm"])
  expect(seen(await send(visit, "/confirm", { password: "guess" }))).toEqual([303, "/confirm"])
  expect(seen(await visit("/payout"))).toEqual([303, "/confirm"])

  const confirmed = await send(visit, "/confirm", { password: "secret" })
  expect(seen(confirmed)).toEqual([303, "/payout"])
  expect(confirmed.cookies.join()).toContain("Max-Age=2592000;")
  expect((await send(visit, "/payout", {})).text).toBe("Paid out.")

  await later(29 * 24 * hour)
  expect((await visit("/")).status).toBe(200)
  await later(2 * 24 * hour)
  expect(seen(await visit("/"))).toEqual([303, "/login"])
}

/** Three devices of a user, one of somebody else, and a websocket. */
const overDevices: Journey = async (visit, { newVisitor, origin }) => {
  const logIn = async (device: Visit, name: string, agent: string) => {
    const headers = { "user-agent": agent }
    const _token = tokenIn(await device("/login"))
    const sent = form({ _token, name, password: "secret" })
    return device("/login", { ...sent, headers })
  }
  const [phone, tablet, other] = [newVisitor(), newVisitor(), newVisitor()]
  await logIn(phone, "ada", "Phone <1>")
  await logIn(tablet, "ada", "Tablet")
  await logIn(other, "ben", "Other")
  const login = await logIn(visit, "ada", "Laptop")

  const page = await visit("/devices")
  expect(page.text).toContain("Laptop (this one)")
  expect(page.text).toContain("Phone &#60;1&#62;")
  expect(page.text).not.toContain("Other")
  const _token = tokenIn(page)
  const idOf = ({ text }: Answer, agent: string) =>
    new RegExp(`${agent}[^]*?name="id" value="(\\w+)"`).exec(text)?.[1] ?? ""

  const foreign = idOf(await other("/devices"), "Other")
  expect(foreign).not.toBe("")
  expect((await visit("/devices/one", form({ _token, id: foreign }))).status).toBe(404)
  expect((await other("/devices")).status).toBe(200)

  await visit("/devices/one", form({ _token, id: idOf(page, "Tablet") }))
  expect((await tablet("/devices")).status).toBe(401)
  expect((await phone("/devices")).status).toBe(200)

  await visit("/devices/others", form({ _token }))
  expect((await phone("/devices")).status).toBe(401)
  expect((await visit("/devices")).text).not.toContain("Phone")

  const socket = await upgraded(`${origin}/news`, login.cookies[0]?.split(";", 1)[0] ?? "")
  const frame = once(socket, "data")
  expect(seen(await visit("/devices/all", form({ _token })))).toEqual([303, "/login"])
  expect((await visit("/devices")).status).toBe(401)
  expect((await frame)[0][0]).toBe(closing)
  socket.destroy()
  expect((await other("/devices")).status).toBe(200)
}

/** The first byte of the frame that closes a websocket. */
const closing = 0x88

/** Opens a websocket. */
const upgraded = async (url: string, cookie: string): Promise<Duplex> => {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": randomBytes(16).toString("base64"),
    cookie
  }
  const [, socket] = await once(get(url, { headers }), "upgrade")
  return socket
}

/** A guest's cart, a login, and a second device of the same user. */
const withCart: Journey = async (visit, { newVisitor }) => {
  const send = async (guest: Visit, path: string, fields: Record<string, string> = {}) =>
    guest(path, form({ _token: tokenIn(await guest("/cart")), ...fields }))
  const cartOf = async (guest: Visit) =>
    Array.from((await guest("/cart")).text.matchAll(/<li>(.*?)\n/g), ([, line]) => line)

  await send(visit, "/cart", { product: "tea" })
  await Promise.all([1, 2].map(() => send(visit, "/cart", { product: "cake" })))
  expect(await cartOf(visit)).toEqual(["1 x tea", "2 x cake"])
  expect((await send(visit, "/cart", { product: "__proto__" })).status).toBe(400)
  expect(seen(await send(visit, "/login", { name: "ada" }))).toEqual([303, "/cart"])
  expect(await cartOf(visit)).toEqual(["1 x tea", "2 x cake"])

  const phone = newVisitor()
  expect(await cartOf(phone)).toEqual([])
  for (const product of ["tea", "tea", "jam"]) await send(phone, "/cart", { product })
  await send(phone, "/login", { name: "ada" })
  expect(await cartOf(phone)).toEqual(["2 x tea", "2 x cake", "1 x jam"])
  await send(phone, "/cart", { product: "jam" })
  expect(await cartOf(visit)).toEqual(["2 x tea", "2 x cake", "2 x jam"])

  await send(visit, "/logout")
  expect(await cartOf(visit)).toEqual([])
  expect(await cartOf(phone)).toEqual(["2 x tea", "2 x cake", "2 x jam"])
}

/** A page of another origin calls the API, and a page of a third one tries to. */
const acrossOrigins: Journey = async (visit) => {
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

/** An administrator acts as a user and comes back. */
const asSomebodyElse: Journey = async (visit, { later, newVisitor, printed }) => {
  const send = async (guest: Visit, path: string, fields: Record<string, string> = {}) =>
    guest(path, form({ _token: tokenIn(await guest("/")), ...fields }))
  const ben = newVisitor()
  await send(ben, "/login", { name: "ben" })
  expect((await send(ben, "/act-as", { user: "ada" })).status).toBe(403)

  await send(visit, "/login", { name: "root" })
  expect((await send(visit, "/act-as", { user: "admin" })).status).toBe(403)
  expect(seen(await send(visit, "/act-as", { user: "ben" }))).toEqual([303, "/"])
  expect((await visit("/")).text).toContain("You are ben, and root in truth.")
  expect((await send(visit, "/password")).status).toBe(403)
  expect((await send(visit, "/act-as", { user: "ada" })).status).toBe(403)
  await expect.poll(printed).toMatch(/acting as a user.*ben/s)

  await send(visit, "/come-back")
  expect((await visit("/")).text).toContain("You are root.")
  expect((await send(visit, "/password")).status).toBe(200)
  await expect.poll(printed).toMatch(/"session\.regenerated".*"user\.id":"root"/)

  await send(visit, "/act-as", { user: "ben" })
  await later(hour)
  expect((await visit("/")).text).toContain("You are root.")
  expect((await ben("/")).text).toContain("You are ben.")
}

/** A change of the key over servers that have it and servers that do not yet. */
const changingTheKey: Tour = async (start) => {
  const [old, young] = ["old", "new"].map((id) => `${id}:${randomBytes(32).toString("base64")}`)
  const serverWith = (...keys: ReadonlyArray<string | undefined>) =>
    start({ SESSION_ENCRYPT: "true", SESSION_KEYS: keys.join(), SESSION_FILES: "sessions" })
  const before = await serverWith(old)
  const reading = await serverWith(old, young)
  const writing = await serverWith(young, old)
  const after = await serverWith(young)
  const visit = visitor(fetch)
  const visitsAt = async ({ origin }: Served) => JSON.parse((await visit(`${origin}/`)).text).visits

  expect(await visitsAt(before)).toBe(1)
  expect(await visitsAt(reading)).toBe(2)
  expect(await visitsAt(before)).toBe(3)
  expect(await visitsAt(writing)).toBe(4)
  // Too early: this server lacks the new key, and leaves alone what it cannot read.
  expect(await visitsAt(before)).toBe(1)
  expect(await visitsAt(reading)).toBe(5)
  // Too early: the session was last written with the old key.
  expect(await visitsAt(after)).toBe(1)
  expect(await visitsAt(writing)).toBe(6)
  expect(await visitsAt(after)).toBe(7)
}

/** A stop while a request is on its way, behind a proxy. */
const stopping: Tour = async (start) => {
  const env = { SESSION_DRIVER: "file", SESSION_FILES: "sessions" }
  const [first, second] = [await start(env), await start(env)]
  const visit = visitor(fetch)
  const proxied = { headers: { "x-forwarded-for": "203.0.113.9" } }
  expect((await visit(`${first.origin}/health`)).text).toBe("ok")
  const begun = await visit(`${first.origin}/`, proxied)
  expect(begun.text).toBe('{"visits":1}')
  await expect.poll(first.printed).toMatch(/"session\.created".*"client\.address":"203\.0\.113\.9"/)

  const cookie = begun.cookies[0]?.split(";", 1)[0] ?? ""
  const headers = { cookie, "content-length": "4", "content-type": "text/plain" }
  const upload = request(`${first.origin}/upload`, { method: "POST", headers, agent: false })
  const answer = once(upload, "response")
  upload.write("ab")
  await expect.poll(first.printed).toContain("an upload began")
  first.process.kill("SIGTERM")
  await expect
    .poll(() =>
      visit(`${first.origin}/`).then(
        () => "up",
        () => "down"
      )
    )
    .toBe("down")
  upload.end("cd")
  const [response] = await answer
  expect([response.statusCode, response.headers.connection]).toEqual([200, "close"])
  expect(await first.ended).toBe(0)

  expect((await visit(`${second.origin}/`)).text).toBe('{"visits":3}')
}

/** From files to a database, with visitors who come and one who does not. */
const betweenStores: Tour = async (start) => {
  const stepped = async (STEP: string, test: (origin: string) => Promise<void>) => {
    const server = await start({ STEP })
    await test(server.origin)
    server.process.kill("SIGTERM")
    await server.ended
  }
  const [visit, absent] = [visitor(fetch), visitor(fetch)]
  const visits = async (who: Visit, origin: string) => JSON.parse((await who(`${origin}/`)).text)
  await stepped("files", async (origin) => {
    expect(await visits(visit, origin)).toEqual({ visits: 1 })
    expect(await visits(absent, origin)).toEqual({ visits: 1 })
  })
  await stepped("both", async (origin) => {
    expect(await visits(visit, origin)).toEqual({ visits: 2 })
    await expect.poll(async () => JSON.parse((await visit(`${origin}/progress`)).text).left).toBe(0)
  })
  await stepped("database", async (origin) => {
    expect(await visits(visit, origin)).toEqual({ visits: 3 })
    expect(await visits(absent, origin)).toEqual({ visits: 2 })
  })
}

const tours: Record<string, Tour> = {
  keys: changingTheKey,
  stopping,
  moving: betweenStores
}

const journeys: Record<string, Journey> = {
  pages: throughPages,
  acting: asSomebodyElse,
  api: throughJson,
  cart: withCart,
  devices: overDevices,
  form: throughForm,
  intended: toTheIntendedPage,
  remember: throughTime,
  spa: acrossOrigins
}

describe("the example runs", () => {
  it("of every page", () => {
    const pages = readdirSync(guides).filter((page) => page !== "README.md")

    expect(examples.map(({ page }) => page).sort()).toEqual(pages.sort())
  })

  for (const { code, kind, page } of examples) {
    it(page, async () => {
      const file = await compiled(page, code)
      if (kind === "tests") return expect(await testsOf(file)).toMatch(/Tests +5 passed \(5\)/)
      const journey = journeys[kind]
      if (journey !== undefined) return served(file, journey)
      const tour = tours[kind]
      if (tour !== undefined) return touring(file, tour)
      const { default: app, dispose } = await import(pathToFileURL(file).href)
      await throughHandler(
        visitor((path, init) => app.fetch(new Request(`http://localhost${path}`, init)))
      )
      await dispose()
    })
  }
})
