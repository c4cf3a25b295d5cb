/** The pages of the example: log in, fill a cart, see who is here, end a session. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Csrf, Session, SessionAdmin } from "effect-session"
import { type Html, html, trusted } from "../demo/html.js"

const Shop = Session.schema({ cart: Schema.Array(Schema.String) })

const home = HttpServerResponse.redirect("/", { status: 303 })

/** The routes of a server. Each page says which server made it. */
export const routes = (server: string) =>
  Layer.mergeAll(
    HttpLayerRouter.add("GET", "/", shop(server)),
    HttpLayerRouter.add("POST", "/login", login),
    HttpLayerRouter.add("POST", "/cart", add),
    HttpLayerRouter.add("POST", "/logout", Effect.zipRight(Session.logout, home)),
    HttpLayerRouter.add("GET", "/admin", admin(server)),
    HttpLayerRouter.add("POST", "/admin/revoke", revoke)
  )

const shop = (server: string) =>
  Effect.gen(function* () {
    const user = yield* Session.userId
    const cart = yield* Shop.getOrElse("cart", () => [])
    const field = trusted(yield* Csrf.field)
    const form = Option.match(user, {
      onNone: () => html`<form method="post" action="/login">${field}
<input name="user" aria-label="user" required><button>Log in</button></form>`,
      onSome: (name) => html`<p>Hello <b id="user">${name}</b>.</p>
<form method="post" action="/cart">${field}<input name="item" aria-label="item" required>
<button>Add</button></form>
<form method="post" action="/logout">${field}<button>Log out</button></form>`
    })
    return page(
      server,
      html`${form}<ul id="cart">${cart.map((item) => html`<li>${item}</li>`)}</ul>`
    )
  })

const login = Effect.gen(function* () {
  const { user } = yield* HttpServerRequest.schemaBodyUrlParams(
    Schema.Struct({ user: Schema.NonEmptyString })
  )
  // The example has no passwords: it believes any name.
  yield* Session.login(user)
  return yield* home
})

const add = Effect.gen(function* () {
  const { item } = yield* HttpServerRequest.schemaBodyUrlParams(
    Schema.Struct({ item: Schema.NonEmptyString })
  )
  yield* Shop.push("cart", item)
  return yield* home
})

const admin = (server: string) =>
  Effect.gen(function* () {
    const sessions = yield* SessionAdmin.active({ within: "1 hour" })
    const field = trusted(yield* Csrf.field)
    const rows = sessions.map(
      ({ id, ipAddress, userId }) => html`<tr><td>${Option.getOrElse(userId, () => "a guest")}</td>
<td>${Option.getOrElse(ipAddress, () => "")}</td><td><form method="post" action="/admin/revoke">${field}
<button name="id" value="${id}">End</button></form></td></tr>`
    )
    return page(server, html`<table id="sessions">${rows}</table>`)
  })

const revoke = Effect.gen(function* () {
  const { id } = yield* HttpServerRequest.schemaBodyUrlParams(Schema.Struct({ id: Schema.String }))
  yield* SessionAdmin.revoke(id)
  return yield* HttpServerResponse.redirect("/admin", { status: 303 })
})

const page = (server: string, body: Html): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(
    html`<!doctype html><html lang="en"><meta charset="utf-8"><title>Many servers</title>
<p>Answered by <b id="server">${server}</b>. <a href="/">Shop</a> <a href="/admin">Sessions</a></p>
${body}</html>`.text,
    { contentType: "text/html; charset=utf-8", headers: { "x-server": server } }
  )
