/** The pages of the demo: functions from what is known to HTML. They read nothing and change nothing. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type { SessionSummary } from "../../src/SessionAdmin.js"
import { type Html, html, nothing, trusted } from "./html.js"
import { type Product, productOf, products } from "./products.js"
import { style } from "./style.js"

/** A message that is shown once. */
export interface Notice {
  readonly kind: "good" | "bad"
  readonly text: string
}

/** What surrounds every page. */
export interface Frame {
  readonly title: string
  readonly user: string | undefined
  readonly count: number
  readonly notice: Notice | undefined
  /** The hidden CSRF input of a form. */
  readonly field: Html
}

/** How many of each product; the key is the product's id. */
export type Items = Readonly<Record<string, number>>

/** The whole document around the main part of a page. */
export const layout = (frame: Frame, main: Html): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${frame.title} - Corner Shop</title>
<link rel="icon" href="data:,">
<style>${trusted(style)}</style>
</head>
<body>
<header><div class="bar">
<a class="brand" href="/">Corner Shop</a>
<nav aria-label="Main">
<a href="/cart">Cart <span class="count" id="count">${frame.count}</span></a>
${frame.user === undefined ? guestLinks : userLinks(frame.user, frame.field)}
</nav>
</div></header>
<main>
${frame.notice === undefined ? nothing : noticeOf(frame.notice)}
${main}
</main>
<footer>A demo of effect-session. Stop the server and start it again: who was logged in still is, and no cart is empty that was full.</footer>
</body>
</html>
`.text

const guestLinks = html`<a href="/login">Log in</a><a href="/register">Register</a>`

const userLinks = (name: string, field: Html): Html =>
  html`<a href="/sessions">My devices</a><span class="soft"><b id="user">${name}</b></span>
<form method="post" action="/logout">${field}<button class="link">Log out</button></form>`

const noticeOf = ({ kind, text }: Notice): Html =>
  html`<p class="flash ${kind}" role="status">${text}</p>`

const money = (cents: number): string => `€ ${(cents / 100).toFixed(2)}`

/** The shop. */
export const shop = (field: Html): Html => html`<h1>Good things, few of them</h1>
<p class="lead">Fill a cart before you log in: it stays yours afterwards.</p>
<ul class="grid">${products.map((product) => card(product, field))}</ul>`

const card = (product: Product, field: Html): Html => html`<li class="card">
<div class="art" style="background:${product.color}"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="${product.drawing}"/></svg></div>
<div class="body"><h2>${product.name}</h2><p>${product.about}</p>
<form method="post" action="/cart/add" class="row">${field}
<span class="price">${money(product.cents)}</span>
<button name="product" value="${product.id}" aria-label="Add ${product.name} to the cart">Add to cart</button>
</form></div></li>`

/** The cart. */
export const cart = (items: Items, field: Html): Html => {
  const lines = Object.entries(items).flatMap(([id, quantity]) => {
    const product = productOf(id)
    return product === undefined ? [] : [{ product, quantity }]
  })
  if (lines.length === 0) {
    return html`<h1>Your cart</h1><p class="lead">It is empty. <a href="/">Back to the shop</a></p>`
  }
  const total = lines.reduce((sum, { product, quantity }) => sum + product.cents * quantity, 0)
  return html`<h1>Your cart</h1><p class="lead">Set a quantity to 0 to take something out.</p>
<table><thead><tr><th>Product</th><th>Price</th><th>Quantity</th><th>Sum</th></tr></thead>
<tbody>${lines.map(({ product, quantity }) => cartLine(product, quantity, field))}</tbody></table>
<div class="row end"><strong>Total <span id="total">${money(total)}</span></strong>
<form method="post" action="/cart/empty">${field}<button class="danger">Empty the cart</button></form></div>`
}

const cartLine = (product: Product, quantity: number, field: Html): Html =>
  html`<tr><td><b>${product.name}</b></td><td data-name="Price">${money(product.cents)}</td>
<td><form method="post" action="/cart/quantity" class="inline">${field}
<input type="hidden" name="product" value="${product.id}">
<input type="number" name="quantity" value="${quantity}" min="0" max="99" required aria-label="Quantity of ${product.name}">
<button class="quiet">Change</button></form></td>
<td data-name="Sum">${money(product.cents * quantity)}</td></tr>`

/** The login form; `name` is what was typed before an error. */
export const login = (name: string, field: Html): Html => html`<h1>Log in</h1>
<p class="lead">No account yet? <a href="/register">Register</a></p>
<form method="post" action="/login" class="panel narrow stack">${field}
<label>Name<input name="name" value="${name}" autocomplete="username" required maxlength="30"></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<label class="check"><input type="checkbox" name="remember" value="yes">Remember me for 30 days</label>
<button>Log in</button></form>`

/** The registration form; `name` is what was typed before an error. */
export const register = (name: string, field: Html): Html => html`<h1>Register</h1>
<p class="lead">A name and a password are enough. <a href="/login">Log in instead</a></p>
<form method="post" action="/register" class="panel narrow stack">${field}
<label>Name<input name="name" value="${name}" autocomplete="username" required maxlength="30"></label>
<label>Password<input name="password" type="password" autocomplete="new-password" required minlength="8" maxlength="200"></label>
<button>Create account</button></form>`

/** The sessions of a user; `own` is the id of the session that asks. */
export const sessions = (
  list: ReadonlyArray<SessionSummary>,
  own: string,
  activeUsers: number,
  field: Html
): Html => html`<h1>My devices</h1>
<p class="lead">Every browser that is logged in as you. Active users now: <b id="active">${activeUsers}</b></p>
<table><thead><tr><th>Browser</th><th>Address</th><th>Since</th><th>Last activity</th><th></th></tr></thead>
<tbody>${list.map((session) => sessionLine(session, session.id === own, field))}</tbody></table>
<div class="row end"><span class="soft">A browser that is ended here has to log in again.</span>
<form method="post" action="/sessions/revoke-others">${field}<button class="danger">Log out my other devices</button></form></div>`

const sessionLine = (session: SessionSummary, isOwn: boolean, field: Html): Html =>
  html`<tr>${browserCell(Option.getOrElse(session.userAgent, () => ""))}
<td data-name="Address">${Option.getOrElse(session.ipAddress, () => "Unknown")}</td>
<td data-name="Since">${time(session.createdAt)}</td>
<td data-name="Last activity">${time(session.lastActivity)}</td>
<td>${isOwn ? html`<span class="badge">This device</span>` : revokeForm(session.id, field)}</td></tr>`

const browserCell = (agent: string): Html =>
  html`<td data-name="Browser" title="${agent}">${browserName(agent)}</td>`

// In this order, because agents name several: that of Edge names Chrome and Safari as well.
const browsers: ReadonlyArray<readonly [mark: string, name: string]> = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["FxiOS/", "Firefox"],
  ["CriOS/", "Chrome"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"]
]
const systems: typeof browsers = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["Windows", "Windows"],
  ["Mac OS", "Mac"],
  ["Linux", "Linux"]
]

/** What people call a browser: "Firefox on Linux". */
const browserName = (agent: string): string => {
  const named = (marks: typeof browsers) => marks.find(([mark]) => agent.includes(mark))?.[1]
  const system = named(systems)
  const browser = named(browsers) ?? "Unknown"
  return system === undefined ? browser : `${browser} on ${system}`
}

const revokeForm = (id: string, field: Html): Html =>
  html`<form method="post" action="/sessions/revoke">${field}<button class="quiet" name="id" value="${id}">End</button></form>`

const time = (instant: DateTime.Utc): Html => {
  const text = DateTime.formatIso(instant)
  return html`<time datetime="${text}">${text.slice(0, 10)} ${text.slice(11, 16)} UTC</time>`
}

/** The page for an address that leads nowhere. */
export const notFound: Html = html`<h1>There is nothing here</h1>
<p class="lead">The page you asked for does not exist. <a href="/">Back to the shop</a></p>`
