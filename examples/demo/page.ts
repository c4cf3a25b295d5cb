/** What the routes have in common: who asks, what was sent, and how a page or a redirect is made. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Csrf, Session } from "effect-session"
import { type Html, nothing, trusted } from "./html.js"
import * as Layout from "./layout.js"
import { Users } from "./users.js"

const Items = Schema.Record({ key: Schema.String, value: Schema.Int.pipe(Schema.between(1, 99)) })

/** What the demo keeps in a session. */
export const data = Session.schema({
  cart: Schema.Struct({ items: Items }),
  notice: Schema.Struct({ kind: Schema.Literal("good", "bad"), text: Schema.String })
})

/** The cart of the session. */
export const cartItems = data.getOrElse("cart.items", (): typeof Items.Type => ({}))

/** The account that is logged in. */
export const currentUser = Effect.gen(function* () {
  const users = yield* Users
  return Option.flatMap(yield* Session.userId, users.find)
})

/** The hidden input for a form. A token begins a session, so a page that anybody may look at uses `fieldOfSession`. */
export const field = Effect.map(Csrf.field, trusted)

/** The hidden input for a form of a visitor who has a session, else nothing. */
export const fieldOfSession = Effect.flatMap(Session.isNew, (isNew) =>
  isNew ? Effect.succeed(nothing) : field
)

/** A page in the frame of the shop. */
export const page = (title: string, main: Html, status = 200) =>
  Effect.gen(function* () {
    const users = yield* Users
    const { url } = yield* HttpServerRequest.HttpServerRequest
    const user = Option.getOrUndefined(yield* currentUser)
    const items = yield* cartItems
    const frame: Layout.Frame = {
      title,
      path: url.split("?", 1)[0] ?? "",
      user: user && { name: user.name, isAdmin: users.isAdmin(user) },
      count: Object.values(items).reduce((sum, quantity) => sum + quantity, 0),
      notice: Option.getOrUndefined(yield* data.get("notice")),
      field: user === undefined ? nothing : yield* field
    }
    return HttpServerResponse.text(Layout.layout(frame, main), { status, headers })
  })

const headers = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff"
}

/** Sends the browser to another page. */
export const redirect = (location: string) => HttpServerResponse.redirect(location, { status: 303 })

/** Answers a POST: sends the browser to another page, which shows the message once. */
export const goTo = (location: string, kind: Layout.Notice["kind"], text: string) =>
  Effect.as(data.flash("notice", { kind, text }), redirect(location))

/** Reads the fields of the form that was sent. A field that was not sent is empty. */
export const form = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
  Effect.map(
    request.urlParamsBody,
    (params) => (name: string) => Option.getOrElse(UrlParams.getFirst(params, name), () => "")
  )
)

/** What was typed into a form that was refused; empty where none was. */
export const old = (name: string) =>
  Effect.map(Session.old(name), (value) =>
    Option.getOrElse(Option.filter(value, Schema.is(Schema.String)), () => "")
  )
