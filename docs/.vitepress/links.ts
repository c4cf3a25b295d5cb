/**
 * Relative links of the Markdown files, which lead to files of the repository, lead to the pages of these files on the site.
 * Pictures are addressed by their place in the repository.
 */
import { posix, relative } from "node:path"
import type { MarkdownRenderer } from "vitepress"
import { isRelative, pageOf, targetOf } from "./addresses.js"
import { repository } from "./repository.js"

export const links = (markdown: MarkdownRenderer): void => {
  markdown.core.ruler.push("addresses", ({ env, tokens }) => {
    const file = relative(repository, env.realPath ?? env.path)
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const name = token.type === "image" ? "src" : "href"
      const link = token.attrGet(name)
      if (link === null || !isRelative(link)) continue
      token.attrSet(name, name === "src" ? pictureOf(file, link) : addressOf(file, link))
    }
  })
}

const addressOf = (file: string, link: string): string => {
  const [target, anchor] = targetOf(file, link)
  return `/${pageOf(target)}${anchor}`
}

const pictureOf = (file: string, link: string): string =>
  `/${posix.join(posix.dirname(file), link)}`
