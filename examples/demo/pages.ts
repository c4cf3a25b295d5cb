/** The pages of the shop, as pure functions from data to HTML. */
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type { SessionAdmin } from "effect-session"
import { browserName, count, type Html, hidden, html, nothing, time } from "./html.js"
import { money, type Product, productOf, products } from "./products.js"

/** The quantity of each product, by its id. */
export type Items = Readonly<Record<string, number>>

/** The shop. `field` is the hidden CSRF input, if the visitor has a session. */
export const shop = (field: Html): Html => html`<h1>A few good things</h1>
<p class="lead">Fill your cart first and log in later. Your cart stays as it is.</p>
<ul class="grid">${products.map((product) => card(product, field))}</ul>`

const card = (product: Product, field: Html): Html => html`<li class="card">
<div class="art" style="background:${product.color}"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="${product.drawing}"/></svg></div>
<div class="body"><h2>${product.name}</h2><p>${product.about}</p>
<form method="post" action="/cart/add" class="row">${field}
<span class="price">${money(product.cents)}</span>
<button name="product" value="${product.id}">Add to cart${hidden(` ${product.name}`)}</button>
</form></div></li>`

/** What was typed into the cart when its form was refused. */
export interface Typed {
  readonly product: string
  readonly quantity: string
}

/** The cart. */
export const cart = (items: Items, typed: Typed, field: Html): Html => {
  const lines = Object.entries(items).flatMap(([id, quantity]) => {
    const product = productOf(id)
    return product === undefined ? [] : [{ product, quantity }]
  })
  if (lines.length === 0) {
    return html`<h1>Your cart</h1><p class="lead">Your cart is empty. <a href="/">Back to the shop</a></p>`
  }
  const total = lines.reduce((sum, { product, quantity }) => sum + product.cents * quantity, 0)
  return html`<h1>Your cart</h1>
<table class="stacks"><thead><tr><th scope="col">Product</th><th scope="col" class="figure">Price</th><th scope="col">Quantity</th>
<th scope="col" class="figure">Sum</th><th scope="col">${hidden("Actions")}</th></tr></thead>
<tbody>${lines.map(({ product, quantity }) => cartLine(product, typed.product === product.id ? typed.quantity : quantity, quantity, field))}</tbody>
<tfoot><tr><th scope="row" colspan="3">Total</th><td class="figure" id="total">${money(total)}</td><td></td></tr></tfoot></table>
<div class="row end"><a href="/">Back to the shop</a>
<form method="post" action="/cart/empty">${field}<button class="danger">Empty the cart</button></form></div>`
}

const cartLine = (product: Product, shown: number | string, quantity: number, field: Html): Html =>
  html`<tr><th scope="row">${product.name}</th><td class="figure" data-name="Price">${money(product.cents)}</td>
<td><form method="post" action="/cart/quantity" class="inline">${field}
<input type="hidden" name="product" value="${product.id}">
<input type="number" name="quantity" value="${shown}" min="0" max="99" required aria-label="Quantity of ${product.name}">
<button class="quiet">Update${hidden(` ${product.name}`)}</button></form></td>
<td class="figure" data-name="Sum">${money(product.cents * quantity)}</td>
<td class="action"><form method="post" action="/cart/quantity">${field}<input type="hidden" name="quantity" value="0">
<button class="quiet danger" name="product" value="${product.id}">Remove${hidden(` ${product.name}`)}</button></form></td></tr>`

/** The login form. After an error, `name` is the name that was typed. */
export const login = (name: string, field: Html): Html => html`<div class="narrow"><h1>Log in</h1>
<form method="post" action="/login" class="panel stack">${field}
<label>Name<input name="name" value="${name}" autocomplete="username" required maxlength="30"></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<label class="check"><input type="checkbox" name="remember" value="yes">Remember me for 30 days</label>
<button>Log in</button></form>
<p class="soft">No account yet? <a href="/register">Register</a></p></div>`

/** The registration form. After an error, `name` is the name that was typed. */
export const register = (
  name: string,
  isFirst: boolean,
  field: Html
): Html => html`<div class="narrow"><h1>Register</h1>
<form method="post" action="/register" class="panel stack">${field}
<label>Name<input name="name" value="${name}" autocomplete="username" required maxlength="30"></label>
<label>Password<input name="password" type="password" autocomplete="new-password" required minlength="8" maxlength="200" aria-describedby="length"></label>
<p class="hint" id="length">At least 8 characters.</p>
<button>Create account</button></form>
<p class="soft">${isFirst ? "The first account becomes the administrator of this shop. " : ""}Already registered? <a href="/login">Log in</a></p></div>`

type Summary = SessionAdmin.SessionSummary

/** The sessions of a user; `own` is the id of the session of this request. */
export const devices = (
  list: ReadonlyArray<Summary>,
  own: string,
  now: DateTime.Utc,
  field: Html
): Html => {
  const ownFirst = [...list].sort((a, b) => Number(b.id === own) - Number(a.id === own))
  return html`<h1>My devices</h1>
<p class="lead">These browsers are logged in to your account.</p>
<table class="stacks"><thead><tr><th scope="col">Browser</th><th scope="col">Address</th><th scope="col">Logged in</th><th scope="col">Last active</th>
<th scope="col">${hidden("Actions")}</th></tr></thead>
<tbody>${ownFirst.map((session, index) => deviceLine(session, index + 1, session.id === own, now, field))}</tbody></table>
${list.length < 2 ? nothing : othersOut(list.length - 1, field)}`
}

const othersOut = (others: number, field: Html): Html =>
  html`<form method="post" action="/devices/log-out-others" class="row end"><span class="soft">You are logged in on ${count(others, "other device")}.</span>
${field}<button class="danger">Log out my other devices</button></form>`

const deviceLine = (
  session: Summary,
  number: number,
  isOwn: boolean,
  now: DateTime.Utc,
  field: Html
): Html => {
  const agent = Option.getOrElse(session.userAgent, () => "")
  const name = browserName(agent)
  return html`<tr><th scope="row" title="${agent}">${name}${isOwn ? html` <span class="badge">This device</span>` : nothing}</th>
<td data-name="Address">${Option.getOrElse(session.ipAddress, () => "Unknown")}</td>
<td data-name="Logged in">${time(session.createdAt, now)}</td>
<td data-name="Last active">${time(session.lastActivity, now)}</td>
<td class="action">${
    isOwn
      ? nothing
      : html`<form method="post" action="/devices/log-out">${field}
<button class="quiet danger" name="id" value="${session.id}">Log out${hidden(` device ${number}, ${name}`)}</button></form>`
  }</td></tr>`
}

/** A page that has nothing but a sentence. */
export const message = (title: string, sentence: string): Html => html`<h1>${title}</h1>
<p class="lead">${sentence} <a href="/">Back to the shop</a></p>`
