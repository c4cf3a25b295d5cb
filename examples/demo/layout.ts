/** The frame around every page: the header with its navigation, the message of the last action, the footer. */
import { type Html, hidden, html, nothing, trusted } from "./html.js"
import { style } from "./style.js"

/** A message that the next page shows once. */
export interface Notice {
  readonly kind: "good" | "bad"
  readonly text: string
}

/** The data of the frame. */
export interface Frame {
  readonly title: string
  /** The path of the page, which its link in the navigation is marked with. */
  readonly path: string
  readonly user: { readonly name: string; readonly isAdmin: boolean } | undefined
  /** How many things are in the cart. */
  readonly count: number
  readonly notice: Notice | undefined
  /** The hidden CSRF input of the button that logs out. */
  readonly field: Html
}

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
<a class="skip" href="#main">Skip to the content</a>
<header><div class="bar">
<a class="brand" href="/">Corner Shop</a>
<nav aria-label="Main">${linksOf(frame)}</nav>
<div class="account">${account(frame)}</div>
</div></header>
<main id="main" tabindex="-1">
${frame.notice === undefined ? nothing : noticeOf(frame.notice)}
${main}
</main>
<footer><p>A demo of effect-session. Restart the server: you stay logged in, and your cart stays full.</p></footer>
</body>
</html>
`.text

/** A link of the navigation. */
const link = ({ path }: Frame, to: string, text: Html | string): Html =>
  html`<a href="${to}"${path === to ? trusted(' aria-current="page"') : nothing}>${text}</a>`

const linksOf = (frame: Frame): ReadonlyArray<Html> => {
  const { count, user } = frame
  const cart = html`Cart <span class="count"><span id="count">${count}</span>${hidden(count === 1 ? " item" : " items")}</span>`
  return [
    link(frame, "/", "Shop"),
    link(frame, "/cart", cart),
    ...(user === undefined ? [] : [link(frame, "/devices", "My devices")]),
    ...(user?.isAdmin === true ? [link(frame, "/admin", "Admin")] : [])
  ]
}

const account = (frame: Frame): Html =>
  frame.user === undefined
    ? html`${link(frame, "/login", "Log in")}${link(frame, "/register", "Register")}`
    : html`<b id="user">${frame.user.name}</b><form method="post" action="/logout">${frame.field}<button class="link">Log out</button></form>`

const icons = {
  good: "M20 6L9 17l-5-5",
  bad: "M12 8v5M12 16.500v.01M12 3l10 18H2z"
}

/** An error interrupts a screen reader; a success waits for its turn. */
const noticeOf = ({ kind, text }: Notice): Html =>
  html`<p class="flash ${kind}" role="${kind === "bad" ? "alert" : "status"}"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="${icons[kind]}"/></svg><span>${text}</span></p>`
