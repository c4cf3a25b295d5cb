/** The repository around the site. */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export const repository = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "")

const manifest: { readonly exports: Readonly<Record<string, unknown>> } = JSON.parse(
  readFileSync(`${repository}/package.json`, "utf8")
)

/** The public modules, as `package.json` exports them. */
export const modules: ReadonlyArray<string> = Object.keys(manifest.exports).flatMap(
  (path) => /^\.\/(\w+)$/.exec(path)?.[1] ?? []
)

/** The Markdown files that are pages of the site and stand in the repository. */
export const pages: ReadonlyArray<string> = [
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "README.md",
  "SECURITY.md",
  ...readdirSync(`${repository}/docs`, { encoding: "utf8", recursive: true })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
]

/** The addresses of the links and pictures of a page. Code is not looked at. */
export const linksOf = (page: string): ReadonlyArray<string> =>
  Array.from(
    withoutCode(readFileSync(`${repository}/${page}`, "utf8")).matchAll(/\]\(([^)\s]+)\)/g),
    ([, link = ""]) => link
  )

/** A text without its blocks and spans of code. */
export const withoutCode = (text: string): string =>
  text.replace(/^(`{3,})[\s\S]*?^\1$/gm, "").replace(/`[^`\n]+`/g, "")
