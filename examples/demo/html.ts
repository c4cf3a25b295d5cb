/** HTML as a value: what a template is given is escaped, unless it is HTML already. */

/** A piece of HTML that is safe to send. */
export class Html {
  constructor(readonly text: string) {}
}

/** What a template may be given. */
export type Part = string | number | Html | ReadonlyArray<Html>

/** Trusts a text as HTML: for markup that a library made, such as `Csrf.field`. */
export const trusted = (text: string): Html => new Html(text)

/** Nothing, where a template may leave a part out. */
export const nothing: Html = trusted("")

/** Makes HTML from a template; every text in it is escaped, for elements and quoted attributes alike. */
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
