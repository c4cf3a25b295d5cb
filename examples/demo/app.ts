/** The routes of the demo. Every POST changes something, flashes a message and redirects. */
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { DateTime, Effect, Option, Schema } from "effect"
import { Csrf, Session, SessionAdmin, SessionMiddleware } from "../../src/index.js"
import { action, escape, page } from "./html.js"
import type { Users } from "./users.js"

const products = new Map([
  ["apple", "Apples, a kilo"],
  ["bread", "Rye bread"],
  ["cheese", "Mountain cheese"],
  ["honey", "Forest honey"]
])

const Shop = Session.schema({
  cart: Schema.Record({ key: Schema.String, value: Schema.Int })
})

const render = (title: string, body: string, status = 200) =>
  Effect.gen(function* () {
    const cart = yield* Shop.getOrElse("cart", () => ({}))
    const html = page({
      title,
      body,
      items: Object.values(cart).reduce((sum, count) => sum + count, 0),
      user: Option.getOrUndefined(yield* Session.userId),
      message: Option.getOrUndefined(
        Option.map(yield* Session.get("message"), (message) => String(message))
      ),
      token: yield* Csrf.field
    })
    return HttpServerResponse.setStatus(yield* HttpServerResponse.html(html), status)
  })

const back = (path: string, message?: string) =>
  Effect.gen(function* () {
    if (message !== undefined) yield* Session.flash("message", message)
    return HttpServerResponse.redirect(path, { status: 303 })
  })

const form = Effect.map(
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => request.urlParamsBody),
  (params) => Object.fromEntries(params) as Readonly<Record<string, string | undefined>>
)

const shop = Effect.gen(function* () {
  const token = yield* Csrf.field
  const cards = [...products].map(
    ([id, name]) =>
      `<div class="card"><h3>${escape(name)}</h3>${action(`/cart/add/${id}`, token, "Add to cart")}</div>`
  )
  return yield* render("Shop", `<div class="grid">${cards.join("")}</div>`)
})

const add = Effect.gen(function* () {
  const { id = "" } = yield* HttpRouter.params
  const name = products.get(id)
  if (name === undefined) return yield* render("Not found", "", 404)
  // `modify` runs again on the newest cart when two tabs add at once.
  yield* Shop.modify("cart", (cart) => {
    const now = Option.getOrElse(cart, () => ({}) as Readonly<Record<string, number>>)
    return { ...now, [id]: (now[id] ?? 0) + 1 }
  })
  return yield* back("/cart", `${name}: in your cart.`)
})

const cart = Effect.gen(function* () {
  const token = yield* Csrf.field
  const items = Object.entries(yield* Shop.getOrElse("cart", () => ({})))
  if (items.length === 0) return yield* render("Cart", "<p>Your cart is empty.</p>")
  const rows = items.map(
    ([id, count]) => `<tr><td>${escape(products.get(id) ?? id)}</td><td>${count}</td></tr>`
  )
  return yield* render(
    "Cart",
    `<div class="card"><table>${rows.join("")}</table><p>${action("/cart/empty", token, "Empty the cart", "plain")}</p></div>`
  )
})

const empty = Effect.zipRight(Shop.forget("cart"), back("/cart", "Your cart is empty."))

const accountForm = (title: string, path: string, extra: string) =>
  Effect.gen(function* () {
    const name = Option.getOrElse(yield* Session.old("name"), () => "")
    return yield* render(
      title,
      `<form class="card" method="post" action="${path}" style="display:block">${yield* Csrf.field}
<label>Name <input type="text" name="name" required maxlength="40" value="${escape(String(name))}"></label>
<label>Password <input type="password" name="password" required minlength="8" maxlength="200"></label>${extra}
<button>${title}</button></form>`
    )
  })

const remember =
  '<label><input type="checkbox" name="remember" value="yes"> Remember me for 30 days</label>'

const login = (users: Users) =>
  Effect.gen(function* () {
    const { name = "", password = "", remember } = yield* form
    if (!(yield* users.check(name, password))) {
      yield* Session.flashInput({ name })
      return yield* back("/login", "Name and password do not belong together.")
    }
    yield* Session.login(name, remember === "yes" ? { remember: "30 days" } : {})
    return yield* back("/", `Welcome, ${name}.`)
  })

const register = (users: Users) =>
  Effect.gen(function* () {
    const { name = "", password = "" } = yield* form
    const valid = /^[\w.@-]{1,40}$/.test(name) && password.length >= 8 && password.length <= 200
    if (!valid || !(yield* users.register(name, password))) {
      yield* Session.flashInput({ name })
      const why = valid
        ? "That name is taken."
        : "A name of letters and a password of 8 characters."
      return yield* back("/register", why)
    }
    yield* Session.login(name)
    return yield* back("/", `Welcome, ${name}.`)
  })

const logout = Effect.zipRight(Session.logout, back("/", "You are logged out. Good-bye!"))

const when = (instant: DateTime.Utc): string =>
  DateTime.formatIso(instant).slice(0, 19).replace("T", " ")

const sessions = Effect.gen(function* () {
  const user = yield* Session.userId
  if (Option.isNone(user)) return yield* back("/login", "Please log in first.")
  const token = yield* Csrf.field
  const current = yield* Session.id
  const mine = yield* SessionAdmin.ofUser(user.value)
  const users = yield* SessionAdmin.countActiveUsers({ within: "15 minutes" })
  const rows = mine.map(
    (session) =>
      `<tr><td>${
        session.id === current
          ? "<strong>this device</strong>"
          : action(`/sessions/revoke/${session.id}`, token, "End", "plain")
      }</td><td>${escape(Option.getOrElse(session.ipAddress, () => "-"))}</td><td class="soft">${escape(
        Option.getOrElse(session.userAgent, () => "-")
      )}</td><td>${when(session.createdAt)}</td><td>${when(session.lastActivity)}</td></tr>`
  )
  return yield* render(
    "Active sessions",
    `<p>${users} active user${users === 1 ? "" : "s"} in the last 15 minutes.</p><div class="card wide"><table id="sessions"><tr><th></th><th>Address</th><th>Browser</th><th>Since (UTC)</th><th>Last seen (UTC)</th></tr>${rows.join("")}</table></div>${action("/sessions/others", token, "Log out my other devices")}`
  )
})

const revoke = Effect.gen(function* () {
  const { id = "" } = yield* HttpRouter.params
  const user = yield* Session.userId
  const session = yield* SessionAdmin.get(id)
  // A user ends sessions of their own, nobody else's.
  const own = Option.exists(
    session,
    ({ userId }) => Option.isSome(user) && Option.contains(userId, user.value)
  )
  if (own) yield* SessionAdmin.revoke(id)
  return yield* back("/sessions", own ? "The session was ended." : "There is no such session.")
})

const others = Effect.gen(function* () {
  const count = yield* SessionAdmin.revokeOthers
  return yield* back("/sessions", `${count} other session${count === 1 ? "" : "s"} ended.`)
})

/** The demo's app. */
export const makeApp = (users: Users) =>
  HttpRouter.empty.pipe(
    HttpRouter.get("/", shop),
    HttpRouter.get("/cart", cart),
    HttpRouter.post("/cart/add/:id", add),
    HttpRouter.post("/cart/empty", empty),
    HttpRouter.get("/login", accountForm("Log in", "/login", remember)),
    HttpRouter.post("/login", login(users)),
    HttpRouter.get("/register", accountForm("Register", "/register", "")),
    HttpRouter.post("/register", register(users)),
    HttpRouter.post("/logout", logout),
    HttpRouter.get("/sessions", sessions),
    HttpRouter.post("/sessions/revoke/:id", revoke),
    HttpRouter.post("/sessions/others", others),
    HttpRouter.all(
      "*",
      render("Not found", '<p>This page does not exist. <a href="/">To the shop</a></p>', 404)
    ),
    Csrf.middleware(),
    SessionMiddleware.middleware
  )
