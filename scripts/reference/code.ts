/** Shows the files of code that pages link to, because a browser would download them instead. */
import { readFileSync } from "node:fs"
import { basename } from "node:path"
import { isRelative, pageOf, targetOf } from "../../docs/.vitepress/addresses.js"
import { linksOf, pages } from "../../docs/.vitepress/repository.js"

/** The generated file of each page, and its text. */
export const codePages = (root: string): ReadonlyArray<readonly [file: string, text: string]> => {
  const targets = pages.flatMap((page) =>
    linksOf(page)
      .filter(isRelative)
      .map((link) => targetOf(page, link)[0])
  )
  return [...new Set(targets)]
    .filter((target) => pageOf(target).startsWith("reference/code/"))
    .map((target) => [pageOf(target).replace("reference/", "apidocs/"), textOf(root, target)])
}

const textOf = (root: string, file: string): string => {
  const code = readFileSync(`${root}/${file}`, "utf8")
  // The search finds pages, not code.
  return `---\nsearch: false\n---\n\n# ${basename(file)}\n\nThe file \`${file}\` of the repository.\n\n\`\`\`\`ts\n${code}\`\`\`\`\n`
}
