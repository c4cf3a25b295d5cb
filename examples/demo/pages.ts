/** The pages of the demo, as pure functions from data to HTML. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type { SessionSummary } from "../../src/SessionAdmin.js"
import { type Html, html, nothing, trusted } from "./html.js"
import { type Product, productOf, products } from "./products.js"
import { style } from "./style.js"

/** A message that the next page shows once. */
export interface Notice {
  readonly kind: "good" | "bad"
  readonly text: string
}

/** The data of the frame around every page. */
export interface Frame {
  readonly title: string
  readonly user: string | undefined
  readonly count: number
  readonly notice: Notice | undefined
  /** The hidden CSRF input of a form. */
  readonly field: Html
}

/** The quantity of each product, by its id. */
export type Items = Readonly<Record<string, number>>

/** The whole document, with `main` inside the frame. */
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
<footer>A demo of effect-session. Stop the server and start it again: you are still logged in, and your cart is still full.</footer>
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
export const shop = (field: Html): Html => html`<h1>A few good things</h1>
<p class="lead">You can fill your cart before you log in. It is still there afterwards.</p>
<ul class="grid">${products.map((product) => card(product, field))}</ul>`

const card = (product: Product, field: Html): Html => html`<li class="card">
<div class="art" style="background:${product.color}"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="${product.drawing}"/></svg></div>
<div class="body"><h2>${product.name}</h2><p>${product.about}</p>
<form method="post" action="/cart/add" class="row">${field}
<span class="price">${money(product.cents)}</span>
<button name="product" value="${product.id}" aria-label="Add to cart: ${product.name}">Add to cart</button>
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
  return html`<h1>Your cart</h1><p class="lead">To remove a product, set its quantity to 0.</p>
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
<button class="quiet">Update</button></form></td>
<td data-name="Sum">${money(product.cents * quantity)}</td></tr>`

/** The login form. After an error, `name` is the name that was typed. */
export const login = (name: string, field: Html): Html => html`<h1>Log in</h1>
<p class="lead">No account yet? <a href="/register">Register</a></p>
<form method="post" action="/login" class="panel narrow stack">${field}
<label>Name<input name="name" value="${name}" autocomplete="username" required maxlength="30"></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<label class="check"><input type="checkbox" name="remember" value="yes">Remember me for 30 days</label>
<button>Log in</button></form>`

/** The registration form. After an error, `name` is the name that was typed. */
export const register = (name: string, field: Html): Html => html`<h1>Register</h1>
<p class="lead">All you need is a name and a password. Already registered? <a href="/login">Log in</a></p>
<form method="post" action="/register" class="panel narrow stack">${field}
<label>Name<input name="name" value="${name}" autocomplete="username" required maxlength="30"></label>
<label>Password<input name="password" type="password" autocomplete="new-password" required minlength="8" maxlength="200"></label>
<button>Create account</button></form>`

/** The sessions of a user; `own` is the id of the session of this request. */
export const sessions = (
  list: ReadonlyArray<SessionSummary>,
  own: string,
  activeUsers: number,
  field: Html
): Html => html`<h1>My devices</h1>
<p class="lead">These browsers are logged in to your account. Users active in the last 5 minutes: <b id="active">${activeUsers}</b></p>
<table><thead><tr><th>Browser</th><th>Address</th><th>Since</th><th>Last activity</th><th>Action</th></tr></thead>
<tbody>${list.map((session) => sessionLine(session, session.id === own, field))}</tbody></table>
<div class="row end"><span class="soft">When you end a session, that browser has to log in again.</span>
<form method="post" action="/sessions/revoke-others">${field}<button class="danger">Log out my other devices</button></form></div>`

const sessionLine = (session: SessionSummary, isOwn: boolean, field: Html): Html =>
  html`<tr>${browserCell(Option.getOrElse(session.userAgent, () => ""))}
<td data-name="Address">${Option.getOrElse(session.ipAddress, () => "Unknown")}</td>
<td data-name="Since">${time(session.createdAt)}</td>
<td data-name="Last activity">${time(session.lastActivity)}</td>
<td>${isOwn ? html`<span class="badge">This device</span>` : revokeForm(session.id, field)}</td></tr>`

const browserCell = (agent: string): Html =>
  html`<td data-name="Browser" title="${agent}">${browserName(agent)}</td>`

// The order matters: the agent of Edge also names Chrome and Safari.
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

/** The name of a browser as people know it: "Firefox on Linux". */
const browserName = (agent: string): string => {
  const named = (marks: typeof browsers) => marks.find(([mark]) => agent.includes(mark))?.[1]
  const system = named(systems)
  const browser = named(browsers) ?? "Unknown"
  return system === undefined ? browser : `${browser} on ${system}`
}

const revokeForm = (id: string, field: Html): Html =>
  html`<form method="post" action="/sessions/revoke">${field}<button class="quiet" name="id" value="${id}">End session</button></form>`

const time = (instant: DateTime.Utc): Html => {
  const text = DateTime.formatIso(instant)
  return html`<time datetime="${text}">${text.slice(0, 10)} ${text.slice(11, 16)} UTC</time>`
}

/** The page for an unknown address. */
export const notFound: Html = html`<h1>Page not found</h1>
<p class="lead">The page you asked for does not exist. <a href="/">Back to the shop</a></p>`
