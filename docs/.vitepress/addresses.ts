/** Where a file of the repository is on the site, and how a heading is named in an address. */
import { posix } from "node:path"

/** Pages beside the folder `docs`. */
const outside: Readonly<Record<string, string>> = {
  "README.md": "overview.md",
  "CHANGELOG.md": "changelog.md",
  "CONTRIBUTING.md": "contributing.md",
  "SECURITY.md": "security-policy.md"
}

/**
 * The page of a file, as a path of Markdown on the site.
 *
 * A public module is the page of its reference. Any other file of code is a page that shows it.
 */
export const pageOf = (file: string): string => {
  const known = outside[file]
  if (known !== undefined) return known
  if (file.startsWith("docs/")) return file.slice("docs/".length).replace(/README\.md$/, "index.md")
  if (file.startsWith("apidocs/")) return file.replace("apidocs/", "reference/")
  const module = /^src\/(\w+)\.ts$/.exec(file)?.[1]
  return module === undefined
    ? `reference/code/${file.replaceAll(".", "-")}.md`
    : `reference/api/${module}.md`
}

/** What a relative link in a file leads to, as a file of the repository and an anchor with its `#`. */
export const targetOf = (file: string, link: string): readonly [file: string, anchor: string] => {
  const [path = "", anchor] = link.split("#", 2)
  const target = path === "" ? file : posix.join(posix.dirname(file), decodeURI(path))
  return [target, anchor === undefined ? "" : `#${anchor}`]
}

/** Tells whether a link leads to a file of the repository. */
export const isRelative = (link: string): boolean => !/^(?:[a-z][a-z+.-]*:|\/|#)/i.test(link)

/** The anchor of a heading by the rules of GitHub, which the site shares, so that a link is right in both places. */
export const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-")
