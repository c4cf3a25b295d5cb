/**
 * The comments of a file. A block of code in one is a whole module, so it is printed like a file: `modulesIn` finds the blocks
 * of the source, `apart` takes those of a printed file out of it, and `putBack` sets them in again once they are formatted.
 */

/** The blocks, which stand behind the stars of a comment. */
const block = /^([ \t]*\*) ```ts\n([\s\S]*?)^[ \t]*\* ```$/gm

const codeOf = (lines: string): string => lines.replace(/^[ \t]*\* ?/gm, "")

/** Where the block of a file stands as a module; `at` counts from 1. */
const moduleAt = (path: string, at: number): string =>
  `comments/${path.replace(/\.ts$/, `.${at}.ts`)}`

/** The blocks of a file as modules, by their paths. */
export const modulesIn = (path: string, text: string): ReadonlyArray<readonly [string, string]> =>
  [...text.matchAll(block)].map(([, , lines = ""], index) => [
    moduleAt(path, index + 1),
    codeOf(lines)
  ])

/** Names a module in the place of each block, and gives the module with the block's code to `write`. */
export const apart = (
  path: string,
  text: string,
  write: (module: string, code: string) => void
): string => {
  let count = 0
  return text.replace(block, (_block, star: string, lines: string) => {
    count += 1
    const module = moduleAt(path, count)
    write(module, codeOf(lines))
    return `${star} ${module}`
  })
}

/** The reverse of `apart`. */
export const putBack = (text: string, read: (module: string) => string): string =>
  text.replace(/^([ \t]*\*) (comments\/\S+\.ts)$/gm, (_line, star: string, module: string) =>
    ["```ts", ...read(module).trimEnd().split("\n"), "```"]
      .map((line) => `${star} ${line}`.trimEnd())
      .join("\n")
  )

/** What comments call otherwise on Effect 4. */
const words: ReadonlyArray<readonly [RegExp, string]> = [
  [/`HttpApp` and `HttpRouter`/g, "any app"],
  [/`HttpApp\.toWebHandlerRuntime`/g, "`HttpEffect.toWebHandlerWith`"],
  [/\bHttpLayerRouter\b/g, "HttpRouter"],
  [/`@effect\/sql` and /g, ""],
  [/`@effect\/sql`/g, "`effect/sql`"]
]

/** What is gone, and has no word above. */
const gone = /`@effect\/(?:cli|platform|printer|sql)`|\b(?:FiberRef|HttpApp|NodeContext)\b/

/** The text of a file with the words of Effect 4 in its comments. What is left of Effect 3 is given to `refuse`. */
export const inWordsOf4 = (text: string, refuse: (line: string) => void): string =>
  text.replace(/^[ \t]*(?:\/\*\*|\*|\/\/) .*$/gm, (line) => {
    const now = words.reduce((before, [word, other]) => before.replace(word, other), line)
    if (gone.test(now)) refuse(now.trim())
    return now
  })
