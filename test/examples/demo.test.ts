/** The demo by its forms, without a browser: what a visitor, a user and the administrator see. */
import type { ChildProcess } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { launch, password } from "../browser/harness.js"
import { type Answer, form, seen, tokenIn, type Visit, visitor } from "../docs/guides/harness.js"
import { endProcess, freePort } from "../support/process.js"

describe("examples/demo", { timeout: 120_000 }, () => {
  let directory: string
  let port: number
  let server: ChildProcess

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "effect-session-demo-"))
    port = await freePort()
    server = await launch(port, join(directory, "sessions"))
  }, 120_000)

  afterAll(async () => {
    await endProcess(server, "SIGTERM")
    await rm(directory, { recursive: true, force: true })
  })

  const newVisitor = (): Visit =>
    visitor((path, init) => fetch(`http://127.0.0.1:${port}${path}`, init))

  /** Sends the form of a page, and gives the page after it. */
  const send = async (visit: Visit, page: string, path: string, fields = {}): Promise<Answer> => {
    const _token = tokenIn(await visit(page))
    const { location } = await visit(path, form({ _token, ...fields }))
    return visit(location ?? "")
  }

  const register = (visit: Visit, name: string) =>
    send(visit, "/register", "/register", { name, password })

  it("carts, accounts, devices and the administrator", async () => {
    const admin = newVisitor()
    const here = newVisitor()
    const there = newVisitor()
    await register(admin, "Root")

    expect((await here("/")).cookies).toEqual([])
    const first = form({ product: "mug" })
    const fromHere = { "sec-fetch-site": "same-origin" }
    expect(seen(await here("/cart/add", { ...first, headers: fromHere }))).toEqual([303, "/"])
    expect((await here("/")).text).toContain("Enamel mug is in your cart.")

    const registered = await register(here, "Ada")
    expect(registered.text).toContain("Your account is ready, Ada.")
    expect((await here("/cart")).text).toContain('id="total">€ 14.00')
    expect(seen(await here("/cart/empty", form({ _token: "guessed" })))).toEqual([303, "/cart"])
    expect((await here("/cart")).text).toContain("This page was open for too long")
    const emptied = await send(here, "/cart", "/cart/empty")
    expect(emptied.text).toContain("Your cart is empty.")

    const refused = await send(there, "/login", "/login", { name: "Ada", password: "guess" })
    expect(refused.text).toContain("Wrong name or password.")
    expect(refused.text).toContain('value="Ada"')
    await send(there, "/login", "/login", { name: "Ada", password })
    const alone = await send(here, "/devices", "/devices/log-out-others")
    expect(alone.text).toContain("You logged out 1 other device.")
    expect(seen(await there("/devices"))).toEqual([303, "/login"])

    expect((await here("/admin")).status).toBe(403)
    const lines = (await admin("/admin")).text.split("<tr>")
    const hers = lines.find((line) => line.includes("Ada") && line.includes("/admin/end?session="))
    const [ending = ""] = /\/admin\/end\?session=[^"]+/.exec(hers ?? "") ?? []
    expect((await send(admin, ending, ending)).text).toContain("1 session was ended.")
    expect(seen(await here("/devices"))).toEqual([303, "/login"])
    expect((await here("/nowhere")).status).toBe(404)
  })

  it("keeps who is logged in when its process is replaced", async () => {
    const visit = newVisitor()
    await register(visit, "Grace")

    await endProcess(server, "SIGTERM")
    server = await launch(port, join(directory, "sessions"))

    expect((await visit("/")).text).toContain('id="user">Grace')
  })
})
