/** HTML as a value. Templates escape every text, and leave HTML as it is. */

/** A piece of HTML that is safe to send. */
export class Html {
  constructor(readonly text: string) {}
}

/** A value that a template accepts. */
export type Part = string | number | Html | ReadonlyArray<Html>

/** Takes a text as HTML. Only for markup that the library made, such as `Csrf.field`. */
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

/** A text that somebody else wrote. Its direction of writing does not reach the text around it. */
export const foreign = (text: string): Html => html`<bdi>${text}</bdi>`
