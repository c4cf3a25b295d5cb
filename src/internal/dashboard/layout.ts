/** The frame around every page, and the answer that a page becomes. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { foreign, type Html, html, nothing } from "./html.js"
import type { Links } from "./links.js"
import type { Options } from "./options.js"
import { styleVersion } from "./style.js"

/** What the frame shows beside the page. */
export interface Frame {
  readonly links: Links
  readonly home: Options["home"]
  readonly operator: string
}

/** A page without its frame. */
export interface Page {
  readonly title: string
  readonly main: Html
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

const headers = {
  "cache-control": "private, no-store",
  "content-security-policy":
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "content-type": "text/html; charset=utf-8",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff"
}

/** The answer to a request for a page. */
export const answer = (frame: Frame, page: Page): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(documentOf(frame, page), {
    status: page.status ?? 200,
    headers: { ...headers, ...page.headers }
  })

const documentOf = ({ home, links, operator }: Frame, { main, title }: Page): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} - Sessions</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${links.style}?v=${styleVersion}">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><div class="bar">
<nav aria-label="Main"><a class="brand" href="${links.home}">Sessions</a>${home === undefined ? nothing : html`<a href="${home.href}">${home.title}</a>`}</nav>
<p class="operator"><span class="soft">Operator</span> <b>${foreign(operator)}</b></p>
</div></header>
<main id="main" tabindex="-1">
${main}
</main>
<footer><p>All times are UTC.</p></footer>
</body>
</html>
`.text

const signs = {
  good: "M20 6L9 17l-5-5",
  bad: "M12 8v5M12 16.500v.01M12 3l10 18H2z"
}

/** A message above a page. A failure interrupts a screen reader; a success waits for its turn. */
export const notice = (kind: keyof typeof signs, text: string): Html =>
  html`<p class="notice ${kind}" role="${kind === "bad" ? "alert" : "status"}"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="${signs[kind]}"/></svg><span>${text}</span></p>`

/** The way from a page to the overview. */
export const wayBack = ({ home }: Links): Html =>
  html`<p class="back"><a href="${home}">All sessions</a></p>`

/** A page that has nothing but a sentence. */
export const message = (links: Links, title: string, sentence: string, status: number): Page => ({
  title,
  status,
  main: html`${wayBack(links)}<h1>${title}</h1><p class="lead">${sentence}</p>`
})
