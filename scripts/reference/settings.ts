/** Makes docs/reference/settings.md: the settings with their defaults, and the variables of the environment. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Duration from "effect/Duration"
import ts from "typescript"
import { defaults, durationFields } from "../../src/internal/config/model.js"

interface Setting {
  readonly name: string
  readonly type: string
  readonly default: string
  readonly docs: string
}

const parse = (root: string, name: string): ts.SourceFile =>
  ts.createSourceFile(name, readFileSync(join(root, name), "utf8"), ts.ScriptTarget.Latest, true)

const docsOf = (node: ts.Node): string => {
  const comment = ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc)
  return ts.getTextOfJSDocComment(comment?.comment) ?? ""
}

/** A text in a cell of a table: one line, and without a default that the table has in a column of its own. */
const cell = (text: string): string => {
  const line = text.replace(/\s+/g, " ").replaceAll("|", "\\|").trim()
  return line.replace(/(.) Default:? [^.,;:]+\.$/, "$1")
}

const sentence = (text: string): string =>
  cell(text).replace(/^[a-z]/, (letter) => letter.toUpperCase())

const shown = (value: unknown): string => {
  if (Duration.isDuration(value)) return durationText(value)
  if (value === undefined) return "none"
  return `\`${JSON.stringify(value)}\``
}

const units = [
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000]
] as const

const durationText = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  const [unit, size] = units.find(([, size]) => millis % size === 0) ?? ["millisecond", 1]
  const count = millis / size
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}

/** Every setting, those of the cookie as `cookie.name`. */
export const settingsOf = (root: string): ReadonlyArray<Setting> => {
  const model = parse(root, "src/internal/config/model.ts")
  const settings = model.statements
    .filter(ts.isInterfaceDeclaration)
    .find(({ name }) => name.text === "Settings")
  return settingsIn(settings?.members ?? [], defaults, "")
}

const settingsIn = (
  members: Iterable<ts.TypeElement>,
  values: object,
  prefix: string
): ReadonlyArray<Setting> =>
  [...members].filter(ts.isPropertySignature).flatMap((member) => {
    const key = member.name.getText()
    const value = Object.entries(values).find(([name]) => name === key)?.[1]
    if (member.type !== undefined && ts.isTypeLiteralNode(member.type)) {
      return settingsIn(member.type.members, value, `${prefix}${key}.`)
    }
    const isDuration = durationFields.some((field) => field === key)
    const type = (member.type?.getText() ?? "").replace(" | undefined", "")
    const name = prefix + key
    return [
      {
        name,
        type: isDuration ? "duration" : `\`${type}\``,
        default: shown(value),
        docs: docsOf(member)
      }
    ]
  })

interface Variable {
  readonly names: ReadonlyArray<string>
  readonly docs: string
}

/** The list of variables in the docs of a layer. */
export const variablesOf = (
  root: string,
  module: string,
  layer: string
): ReadonlyArray<Variable> => {
  const statement = parse(root, `src/${module}.ts`)
    .statements.filter(ts.isVariableStatement)
    .find(({ declarationList }) => declarationList.declarations[0]?.name.getText() === layer)
  const list = statement === undefined ? "" : docsOf(statement)
  return Array.from(
    list.matchAll(/^- ((?:`[A-Z_]+`(?:, (?:or else )?)?)+): ((?:.|\n {2})+)/gm),
    (item) => ({
      names: Array.from((item[1] ?? "").matchAll(/`([A-Z_]+)`/g), ([, name = ""]) => name),
      docs: item[2] ?? ""
    })
  )
}

const variableRows = (variables: ReadonlyArray<Variable>): string =>
  variables
    .map(
      ({ docs, names }) =>
        `| ${names.map((name) => `\`${name}\``).join(", ")} | ${sentence(docs)} |`
    )
    .join("\n")

export const settingsPage = (root: string): string => `# Settings

<!-- npm run docs:build writes this page. Its sentences are the docs of the source. -->

\`SessionConfig.layer({ ... })\` takes any of these settings, and \`SessionConfig.layerEnv\` reads some of them from the environment. Where no
layer provides settings, the defaults are in force. Durations are Effect's: \`"2 hours"\`, \`Duration.minutes(5)\`.

| setting | type | default | meaning |
|---|---|---|---|
${settingsOf(root)
  .map(
    ({ name, type, default: value, docs }) =>
      `| \`${name}\` | ${cell(type)} | ${value} | ${cell(docs)} |`
  )
  .join("\n")}

## Variables of SessionConfig

\`SessionConfig.layerEnv\` reads them. A variable that is empty or says \`null\` counts as not set.

| variable | meaning |
|---|---|
${variableRows(variablesOf(root, "SessionConfig", "layerEnv"))}

## Variables of EnvSessionStore

\`EnvSessionStore.layer\` reads them, and so does the [command line](../command-line.md).

| variable | meaning |
|---|---|
${variableRows(variablesOf(root, "EnvSessionStore", "layer"))}
`
