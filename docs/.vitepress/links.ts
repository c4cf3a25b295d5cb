/**
 * Relative links of the Markdown files, which lead to files of the repository, lead to the pages of these files on the site.
 * Pictures are addressed by their place in the repository.
 */
import { posix, relative } from "node:path"
import type { MarkdownRenderer } from "vitepress"
import { isRelative, pageOf, targetOf } from "./addresses.js"
import { repository } from "./repository.js"

type Token = ReturnType<MarkdownRenderer["parse"]>[number]

/** What stands in place of the address of a link or a picture, `undefined` where it stays. */
const addressOf = (file: string, { attrGet, type }: Pick<Token, "attrGet" | "type">) => {
  const href = type === "link_open" ? attrGet("href") : null
  const source = type === "image" ? attrGet("src") : null
  if (href !== null && isRelative(href)) {
    const [target, anchor] = targetOf(file, href)
    return ["href", `/${pageOf(target)}${anchor}`] as const
  }
  return source !== null && isRelative(source)
    ? (["src", `/${posix.join(posix.dirname(file), source)}`] as const)
    : undefined
}

export const links = (markdown: MarkdownRenderer): void => {
  markdown.core.ruler.push("addresses", ({ env, tokens }) => {
    const file = relative(repository, env.realPath ?? env.path)
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const address = addressOf(file, {
        type: token.type,
        attrGet: (name) => token.attrGet(name)
      })
      if (address !== undefined) token.attrSet(...address)
    }
  })
}
