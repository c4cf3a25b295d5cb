/** The routes of the demo. Each reads or changes the session and answers with a page or a redirect. */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Csrf, Session, SessionAdmin, SessionMiddleware } from "../../src/index.js"
import { type Html, trusted } from "./html.js"
import * as Pages from "./pages.js"
import { productOf } from "./products.js"
import { Users } from "./users.js"

const Items = Schema.Record({ key: Schema.String, value: Schema.Int.pipe(Schema.between(1, 99)) })

const typed = Session.schema({
  cart: Schema.Struct({ items: Items }),
  notice: Schema.Struct({ kind: Schema.Literal("good", "bad"), text: Schema.String })
})

const cartItems = typed.getOrElse("cart.items", () => ({}) as Pages.Items)

const currentUser = Effect.gen(function* () {
  const users = yield* Users
  return Option.flatMap(yield* Session.userId, users.find)
})

const page = (title: string, main: Html, status = 200) =>
  Effect.gen(function* () {
    const user = Option.getOrUndefined(yield* currentUser)?.name
    const items = yield* cartItems
    const frame: Pages.Frame = {
      title,
      user,
      count: Object.values(items).reduce((sum, quantity) => sum + quantity, 0),
      notice: Option.getOrUndefined(yield* typed.get("notice")),
      // Only the frame of a logged-in user has a form. Asking for a token would begin a session for a guest.
      field: user === undefined ? trusted("") : trusted(yield* Csrf.field)
    }
    return HttpServerResponse.text(Pages.layout(frame, main), { status, headers })
  })

const headers = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff"
}

const redirect = (location: string) => HttpServerResponse.redirect(location, { status: 303 })

/** Answers a POST: sends the browser to another page, which shows the message once. */
const goTo = (location: string, kind: Pages.Notice["kind"], text: string) =>
  Effect.as(typed.flash("notice", { kind, text }), redirect(location))

const form = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
  Effect.map(
    request.urlParamsBody,
    (params) => (name: string) => Option.getOrElse(UrlParams.getFirst(params, name), () => "")
  )
)

const field = Effect.map(Csrf.field, trusted)

const oldName = Effect.map(Session.old("name"), (name) =>
  Option.getOrElse(Option.filter(name, Schema.is(Schema.String)), () => "")
)

const showShop = Effect.flatMap(field, (input) => page("Shop", Pages.shop(input)))

const showCart = Effect.gen(function* () {
  return yield* page("Cart", Pages.cart(yield* cartItems, yield* field))
})

const setQuantity = (id: string, change: (current: number) => number) =>
  typed.modify("cart.items", (current) => {
    const items = Option.getOrElse(current, (): Pages.Items => ({}))
    const { [id]: quantity = 0, ...others } = items
    const next = Math.min(99, change(quantity))
    if (next <= 0) return others
    // A product that is in the cart keeps its place.
    return { ...items, [id]: next }
  })

const addToCart = Effect.gen(function* () {
  const product = productOf((yield* form)("product"))
  if (product === undefined) return yield* goTo("/", "bad", "We do not sell that product.")
  yield* setQuantity(product.id, (current) => current + 1)
  return yield* goTo("/", "good", `${product.name} is in your cart.`)
})

const changeQuantity = Effect.gen(function* () {
  const read = yield* form
  const product = productOf(read("product"))
  const quantity = read("quantity")
  if (product === undefined || !/^\d{1,2}$/.test(quantity)) {
    return yield* goTo("/cart", "bad", "Enter a whole number from 0 to 99 as the quantity.")
  }
  yield* setQuantity(product.id, () => Number(quantity))
  return yield* goTo("/cart", "good", "Your cart was updated.")
})

const emptyCart = Effect.zipRight(
  typed.forget("cart"),
  goTo("/cart", "good", "Your cart was emptied.")
)

const showForm = (title: string, body: (name: string, field: Html) => Html) =>
  Effect.gen(function* () {
    if (Option.isSome(yield* currentUser)) return redirect("/")
    return yield* page(title, body(yield* oldName, yield* field))
  })

const login = Effect.gen(function* () {
  const users = yield* Users
  const read = yield* form
  const name = read("name").trim()
  const user = yield* users.verify(name, read("password"))
  if (Option.isNone(user)) {
    yield* Session.flashInput({ name })
    return yield* goTo("/login", "bad", "Wrong name or password.")
  }
  yield* Session.login(user.value.id, {
    remember: read("remember") === "yes" ? "30 days" : undefined
  })
  return yield* goTo("/", "good", `Welcome back, ${user.value.name}.`)
})

const register = Effect.gen(function* () {
  const users = yield* Users
  const read = yield* form
  const name = read("name").trim()
  const made = yield* Effect.either(users.register(name, read("password")))
  if (made._tag === "Left") {
    yield* Session.flashInput({ name })
    return yield* goTo("/register", "bad", made.left.reason)
  }
  yield* Session.login(made.right.id)
  return yield* goTo("/", "good", `Your account is ready, ${made.right.name}.`)
})

// The flash message begins a new session for the guest, so the cookie is replaced and not deleted.
const logout = Effect.zipRight(Session.logout, goTo("/", "good", "You are logged out."))

const showSessions = Effect.gen(function* () {
  const user = yield* currentUser
  if (Option.isNone(user)) return yield* goTo("/login", "bad", "Please log in to see your devices.")
  const list = yield* SessionAdmin.ofUser(user.value.id)
  const activeUsers = yield* SessionAdmin.countActiveUsers({ within: "5 minutes" })
  const main = Pages.sessions(list, yield* Session.id, activeUsers, yield* field)
  return yield* page("My devices", main)
})

const revoke = Effect.gen(function* () {
  const user = yield* currentUser
  if (Option.isNone(user)) return redirect("/login")
  const id = (yield* form)("id")
  const list = yield* SessionAdmin.ofUser(user.value.id)
  // The id comes from the browser, so check that the session belongs to this user.
  const ended = list.some((session) => session.id === id) && (yield* SessionAdmin.revoke(id))
  return ended
    ? yield* goTo("/sessions", "good", "That device was logged out.")
    : yield* goTo("/sessions", "bad", "That device was already logged out.")
})

const revokeOthers = Effect.gen(function* () {
  if (Option.isNone(yield* currentUser)) return redirect("/login")
  const count = yield* SessionAdmin.revokeOthers
  return yield* goTo("/sessions", "good", loggedOut(count))
})

const loggedOut = (count: number): string => {
  if (count === 0) return "You are not logged in on any other device."
  return count === 1 ? "1 other device was logged out." : `${count} other devices were logged out.`
}

const router = HttpRouter.empty.pipe(
  HttpRouter.get("/", showShop),
  HttpRouter.get("/cart", showCart),
  HttpRouter.post("/cart/add", addToCart),
  HttpRouter.post("/cart/quantity", changeQuantity),
  HttpRouter.post("/cart/empty", emptyCart),
  HttpRouter.get("/login", showForm("Log in", Pages.login)),
  HttpRouter.post("/login", login),
  HttpRouter.get("/register", showForm("Register", Pages.register)),
  HttpRouter.post("/register", register),
  HttpRouter.post("/logout", logout),
  HttpRouter.get("/sessions", showSessions),
  HttpRouter.post("/sessions/revoke", revoke),
  HttpRouter.post("/sessions/revoke-others", revokeOthers)
)

// A browser may send other requests between a POST and the next page, so only page loads age flash messages.
const sessions = SessionMiddleware.make({ agesFlash: "navigation" })

/** The whole demo as an `HttpApp`: the session is outermost, then comes the CSRF check, then the routes. */
export const app = router.pipe(
  Effect.catchTag("RouteNotFound", () => page("Not found", Pages.notFound, 404)),
  Csrf.middleware,
  sessions.middleware
)
