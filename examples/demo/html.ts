/** HTML as a value. Templates escape every text they are given, and leave HTML as it is. */

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
