/** What is tried with the pages about what visitors do. */
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { get } from "node:http"
import type { Duplex } from "node:stream"
import { expect } from "vitest"
import { type Answer, form, hour, type Journey, seen, tokenIn, type Visit } from "./harness.js"

/** A guest wants a page, and sees it after the login. */
export const toTheIntendedPage: Journey = async (visit, { newVisitor }) => {
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
  expect(await logIn(visit)).toEqual([303, "/orders"])

  const straight = newVisitor()
  await straight("/orders?token=secret")
  expect(await logIn(straight)).toEqual([303, "/orders"])
}

/** A form that is wrong, too old, sent by another site, and right. */
export const throughForm: Journey = async (visit) => {
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
export const throughTime: Journey = async (visit, { later, newVisitor }) => {
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
export const overDevices: Journey = async (visit, { newVisitor, origin }) => {
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
export const withCart: Journey = async (visit, { newVisitor }) => {
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

/** An administrator acts as a user and comes back. */
export const asSomebodyElse: Journey = async (visit, { later, newVisitor, printed }) => {
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
