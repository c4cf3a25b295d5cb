/** The routes of the demo. Each reads or changes the session and answers with a page or a redirect. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Csrf, Session, SessionAdmin, SessionMiddleware } from "effect-session"
import { adminRoutes } from "./adminRoutes.js"
import { count, type Html } from "./html.js"
import {
  cartItems,
  currentUser,
  data,
  field,
  fieldOfSession,
  form,
  goTo,
  old,
  page,
  redirect
} from "./page.js"
import * as Pages from "./pages.js"
import { productOf } from "./products.js"
import { Users } from "./users.js"

const showShop = Effect.flatMap(fieldOfSession, (input) => page("Shop", Pages.shop(input)))

const showCart = Effect.gen(function* () {
  const typed = { product: yield* old("product"), quantity: yield* old("quantity") }
  return yield* page("Cart", Pages.cart(yield* cartItems, typed, yield* fieldOfSession))
})

const setQuantity = (id: string, change: (current: number) => number) =>
  data.modify("cart.items", (current) => {
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
    yield* Session.flashInput({ product: read("product"), quantity })
    return yield* goTo("/cart", "bad", "Enter a whole number from 0 to 99 as the quantity.")
  }
  yield* setQuantity(product.id, () => Number(quantity))
  const text = quantity === "0" ? `${product.name} was removed.` : "Your cart was updated."
  return yield* goTo("/cart", "good", text)
})

const emptyCart = Effect.zipRight(
  data.forget("cart"),
  goTo("/cart", "good", "Your cart was emptied.")
)

/** A form for guests. Its token begins a session, since it also keeps other sites from logging a visitor in. */
const showForm = (title: string, body: (name: string, field: Html) => Html) =>
  Effect.gen(function* () {
    if (Option.isSome(yield* currentUser)) return redirect("/")
    return yield* page(title, body(yield* old("name"), yield* field))
  })

const showRegister = Effect.flatMap(Users, (users) =>
  showForm("Register", (name, input) => Pages.register(name, users.isEmpty(), input))
)

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

const showDevices = Effect.gen(function* () {
  const user = yield* currentUser
  if (Option.isNone(user)) return yield* goTo("/login", "bad", "Please log in to see your devices.")
  const list = yield* SessionAdmin.ofUser(user.value.id)
  const now = yield* DateTime.now
  return yield* page("My devices", Pages.devices(list, yield* Session.id, now, yield* field))
})

const logOutDevice = Effect.gen(function* () {
  const user = yield* currentUser
  if (Option.isNone(user)) return redirect("/login")
  const id = (yield* form)("id")
  const list = yield* SessionAdmin.ofUser(user.value.id)
  // The id comes from the browser, so check that the session belongs to this user.
  const ended = list.some((session) => session.id === id) && (yield* SessionAdmin.revoke(id))
  return ended
    ? yield* goTo("/devices", "good", "That device was logged out.")
    : yield* goTo("/devices", "bad", "That device had already been logged out.")
})

const logOutOthers = Effect.gen(function* () {
  if (Option.isNone(yield* currentUser)) return redirect("/login")
  const others = yield* SessionAdmin.revokeOthers
  return others === 0
    ? yield* goTo("/devices", "good", "You are not logged in on any other device.")
    : yield* goTo("/devices", "good", `You logged out ${count(others, "other device")}.`)
})

const notFound = page("Not found", Pages.message("Page not found", "There is no such page."), 404)

// ---------------------------------------------------------------------------------------------------------------------
// the CSRF check
// ---------------------------------------------------------------------------------------------------------------------

/** The page with the form that is sent to a path. */
const pageOf = (path: string): string => {
  const [, first = ""] = path.split("/")
  return ["cart", "login", "register", "devices", "admin"].includes(first) && path !== "/cart/add"
    ? `/${first}`
    : "/"
}

/**
 * A form was open for too long: its session has ended since. The page with the form shows again, with what was typed and a new
 * token. A request from another site gets nothing of the kind.
 */
const checked = Csrf.middlewareWith({
  onRejected: ({ fields, reason }) =>
    Effect.gen(function* () {
      if (reason !== "token") {
        const sentence = "This form was sent from another site, so nothing was done."
        return yield* page("Not allowed", Pages.message("Not allowed", sentence), 403)
      }
      const { url } = yield* HttpServerRequest.HttpServerRequest
      yield* Session.flashInput(yield* fields)
      const sentence = "This page was open for too long, so nothing was changed. Please try again."
      return yield* goTo(pageOf(url), "bad", sentence)
    })
})

/**
 * Whether a request puts a product into the cart of a guest who has no session. Its form has no token, because making one would
 * begin a session for everybody who only looks at the shop. Nobody's session can be misused by it. It still has to come from
 * this site, or another site could replace the cookie of a visitor by that of a new session.
 */
const isFirstProduct = Effect.gen(function* () {
  const { headers, method, url } = yield* HttpServerRequest.HttpServerRequest
  return method === "POST" && url === "/cart/add" && isFromHere(headers) && (yield* Session.isNew)
})

const isFromHere = (headers: Readonly<Record<string, string>>): boolean =>
  headers["sec-fetch-site"] === undefined
    ? headers.origin?.split("//")[1] === headers.host
    : headers["sec-fetch-site"] === "same-origin"

const guard = HttpLayerRouter.middleware((app) =>
  Effect.flatMap(isFirstProduct, (isFirst) => (isFirst ? app : checked(app)))
)

// ---------------------------------------------------------------------------------------------------------------------
// all together
// ---------------------------------------------------------------------------------------------------------------------

// A browser may send other requests between a POST and the next page, so only page loads age flash messages.
const sessions = SessionMiddleware.make({ agesFlash: "navigation" })

/** The routes of the demo: the session is outermost, then comes the CSRF check, then the route. */
export const routes = Layer.mergeAll(
  HttpLayerRouter.add("GET", "/", showShop),
  HttpLayerRouter.add("GET", "/cart", showCart),
  HttpLayerRouter.add("POST", "/cart/add", addToCart),
  HttpLayerRouter.add("POST", "/cart/quantity", changeQuantity),
  HttpLayerRouter.add("POST", "/cart/empty", emptyCart),
  HttpLayerRouter.add("GET", "/login", showForm("Log in", Pages.login)),
  HttpLayerRouter.add("POST", "/login", login),
  HttpLayerRouter.add("GET", "/register", showRegister),
  HttpLayerRouter.add("POST", "/register", register),
  HttpLayerRouter.add("POST", "/logout", logout),
  HttpLayerRouter.add("GET", "/devices", showDevices),
  HttpLayerRouter.add("POST", "/devices/log-out", logOutDevice),
  HttpLayerRouter.add("POST", "/devices/log-out-others", logOutOthers),
  adminRoutes,
  HttpLayerRouter.add("GET", "*", notFound),
  HttpLayerRouter.add("POST", "*", notFound)
).pipe(Layer.provide(SessionMiddleware.inside(guard)), Layer.provide(sessions.layer))
