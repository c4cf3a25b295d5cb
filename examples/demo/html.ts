/** HTML as a value, and the small pieces that several pages use. Templates escape every text, and leave HTML as it is. */
import * as DateTime from "effect/DateTime"

/** A piece of HTML that is safe to send. */
export class Html {
  constructor(readonly text: string) {}
}

/** A value that a template accepts. */
export type Part = string | number | Html | ReadonlyArray<Html>

/** Takes a text as HTML. Use it only for markup that a library made, such as `Csrf.field`. */
export const trusted = (text: string): Html => new Html(text)

/** Empty HTML, for an optional part of a template. */
export const nothing: Html = trusted("")

/** Makes HTML from a template. Texts are escaped for elements and for quoted attributes. */
export const html = (texts: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Html =>
  new Html(texts.map((text, index) => text + render(parts[index] ?? "")).join(""))

const render = (part: Part): string => {
  if (part instanceof Html) return part.text
  return typeof part === "object" ? part.map(({ text }) => text).join("") : escape(String(part))
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => entities[character] ?? "")

/** Text for screen readers alone: it tells apart what looks the same. */
export const hidden = (text: string): Html => html`<span class="hidden">${text}</span>`

/** "1 device", "2 devices". */
export const count = (number: number, thing: string): string =>
  `${number} ${thing}${number === 1 ? "" : "s"}`

/** An instant as people say it. The exact time shows on hovering. */
export const time = (instant: DateTime.Utc, now: DateTime.Utc): Html => {
  const text = DateTime.formatIso(instant)
  return html`<time datetime="${text}" title="${text.slice(0, 10)} ${text.slice(11, 16)} UTC">${ago(now.epochMillis - instant.epochMillis)}</time>`
}

const ago = (millis: number): string => {
  const minutes = Math.floor(millis / 60_000)
  if (minutes < 1) return "just now"
  if (minutes < 60) return `${count(minutes, "minute")} ago`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${count(hours, "hour")} ago` : `${count(Math.floor(hours / 24), "day")} ago`
}

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
export const browserName = (agent: string): string => {
  const named = (marks: typeof browsers) => marks.find(([mark]) => agent.includes(mark))?.[1]
  const system = named(systems)
  const browser = named(browsers) ?? "Unknown browser"
  return system === undefined ? browser : `${browser} on ${system}`
}
