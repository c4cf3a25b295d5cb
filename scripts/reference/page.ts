/** Writes a module as a page of Markdown. */
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import type { Export, Module } from "./exports.js"

const first = ["constructors", "layers", "tags", "accessors"]
const last = ["testing", "models", "errors"]

/** Where a category stands on a page: what is not listed comes between the first and the last. */
const rank = (category: string): number =>
  first.includes(category) ? first.indexOf(category) - first.length : last.indexOf(category) + 1

/** The page of a module. Names of errors, each with the anchor of its section, become links. */
export const pageOf = (root: string, module: Module, errors: ReadonlySet<string>): string => {
  const signatures = formatted(root, module)
  const categories = [...new Set(module.exports.map(({ category }) => category))].sort(
    (one, other) => rank(one) - rank(other)
  )
  const sections = categories.map((category) => {
    const exports = module.exports.filter((exported) => exported.category === category)
    const texts = exports.map((exported) =>
      sectionOf(exported, signatures.get(exported.name) ?? "", errors)
    )
    return `## ${titleOf(category)}\n\n${texts.join("\n\n")}`
  })
  const from = `import * as ${module.name} from "effect-session/${module.name}"`
  const code = `\`\`\`ts\n${from}\n\`\`\``
  const page = [`# ${module.name}`, module.docs, code, ...module.examples, ...sections].join("\n\n")
  // The source is one folder nearer to the root than the page.
  return `${page.replaceAll("](../docs/", "](../../docs/")}\n`
}

const titleOf = (category: string): string =>
  `${category.slice(0, 1).toUpperCase()}${category.slice(1)}`

const sectionOf = (exported: Export, signature: string, errors: ReadonlySet<string>): string => {
  const { category, docs, examples, name, since } = exported
  const failures = [...errors].filter(
    (error) => category !== "errors" && new RegExp(`\\b${error}\\b`).test(signature)
  )
  const links = failures.map(
    (error) => `[\`${error}\`](../../docs/reference/errors.md#${error.toLowerCase()})`
  )
  return [
    `### ${name}`,
    docs,
    `\`\`\`ts\n${signature}\n\`\`\``,
    ...examples,
    ...(links.length === 0 ? [] : [`Errors: ${links.join(", ")}.`]),
    `Since ${since}.`
  ].join("\n\n")
}

const marker = "// ---- "

/** The signatures of a module by name, formatted as the code of the repository in narrower lines. */
const formatted = (root: string, module: Module): ReadonlyMap<string, string> => {
  const input = module.exports
    .map(({ name, signature }) => `${marker}${name}\n${signature}`)
    .join("\n")
  const output = execFileSync(
    join(root, "node_modules/.bin/biome"),
    ["format", `--stdin-file-path=${module.name}.d.ts`, "--line-width=80"],
    { cwd: root, input, encoding: "utf8" }
  )
  return new Map(
    output
      .split(marker)
      .slice(1)
      .map((part) => {
        const [name = "", ...lines] = part.split("\n")
        const code = lines.join("\n").trim()
        return [name, wrapped(code.replaceAll(/^(?:export |declare )+/gm, ""))] as const
      })
  )
}

/** The same code with comments that are no wider than it. */
const wrapped = (code: string): string =>
  code.replace(/^( *)\/\*\*([\s\S]*?)\*\//gm, (_, indent: string, comment: string) => {
    const text = comment.replace(/^ *\* ?/gm, "").trim()
    const lines = text.split("\n\n").flatMap((part) => [...folded(part, 76 - indent.length), ""])
    return lines.length === 2 && text.length < 72 - indent.length
      ? `${indent}/** ${text} */`
      : [`${indent}/**`, ...lines.slice(0, -1).map((line) => `${indent} * ${line}`), `${indent} */`]
          .map((line) => line.trimEnd())
          .join("\n")
  })

/** The lines of a paragraph; each item of a list begins a line. */
const folded = (paragraph: string, width: number): ReadonlyArray<string> =>
  paragraph
    .split(/\n(?=- )/)
    .flatMap(
      (item) => item.replace(/\s+/g, " ").match(new RegExp(`.{1,${width}}(?: |$)|\\S+`, "g")) ?? []
    )
    .map((line) => line.trimEnd())
