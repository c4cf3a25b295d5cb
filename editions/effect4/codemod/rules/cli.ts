import ts from "typescript"
import type { Printer } from "../printer.js"
import {
  argumentsOf,
  type CallRule,
  given,
  moduleOf,
  type NameRule,
  type NodeRule,
  type Rules
} from "./rule.js"

/** An argument takes its name as it is. */
const text: CallRule = (call, p) => {
  const name = given(call.arguments[0], "name")
  return name === undefined
    ? p.refuse(call, "Args.text is only known with a name.")
    : `${p.use("effect/cli/Argument")}.String(${p.print(name)})`
}

/** Without a default Effect 4 refuses a command line that lacks the flag. */
const boolean: CallRule = (call, p) => {
  const flag = p.use("effect/cli/Flag")
  return `${flag}.Boolean(${argumentsOf(call, [1], p)}).pipe(${flag}.withDefault(false))`
}

/** A failure of the parser. */
const isParsersOwn: CallRule = (call, p) =>
  `${p.useNamed("effect/cli/CliError", "isCliError")}(${argumentsOf(call, [1], p)})`

/** Effect 4 has no logger that needs to be switched off. */
const runMain: CallRule = (call, p) => {
  const given = call.arguments.map((one) =>
    ts.isObjectLiteralExpression(one) ? mainOptions(one, p) : p.print(one)
  )
  return `${moduleOf(call, p)}.runMain(${given.join(", ")})`
}

const mainOptions = ({ properties }: ts.ObjectLiteralExpression, p: Printer): string =>
  `{ ${properties
    .filter(({ name }) => name?.getText() !== "disablePrettyLogger")
    .map(p.print)
    .join(", ")} }`

/** What was a package of its own is a module of `effect`, where the name of a package is told. */
const packageName: NodeRule = (node, p) => {
  if (ts.isArrayLiteralExpression(node)) {
    const kept = node.elements.filter((one) => !(ts.isStringLiteral(one) && gone.test(one.text)))
    return kept.length === node.elements.length ? undefined : `[${kept.map(p.print).join(", ")}]`
  }
  return ts.isStringLiteral(node) &&
    node.text === "@effect/sql" &&
    ts.isCallExpression(node.parent) &&
    p.source(node.parent.expression) === "load"
    ? '"effect"'
    : undefined
}

/** The versions of the packages, by what they are called in Effect 3. */
const packages: ReadonlyMap<string, string> = new Map([
  ["@effect/platform-node", '"@effect/platform-node": "4.1"'],
  ["@effect/sql", 'effect: "4.1"'],
  ["@effect/sql-pg", '"@effect/sql-pg": "4"']
])

/** `{ "@effect/sql-pg": "0.53" }`: a package that Effect 4 does not have is left out. */
const packageVersions: NodeRule = (node, p) => {
  if (!ts.isObjectLiteralExpression(node)) return undefined
  const names = node.properties.map(({ name }) =>
    name && ts.isStringLiteral(name) ? name.text : ""
  )
  if (!names.includes("@effect/platform-node")) return undefined
  const printed = node.properties.flatMap((property, at) => {
    const name = names[at] ?? ""
    return name.startsWith("@effect/") ? (packages.get(name) ?? []) : p.print(property)
  })
  return `{ ${printed.join(", ")} }`
}

const gone = /^@effect\/(?:cli|printer|printer-ansi)$/

export const nodes: ReadonlyArray<NodeRule> = [packageName, packageVersions]

export const names: Rules<NameRule> = {
  "@effect/platform-node/NodeRuntime.runMain": (name, p) =>
    ts.isPropertyAccessExpression(name)
      ? `${p.print(name.expression)}.runMain`
      : p.refuse(name, "Only known as a member of its module.")
}

/** What is said of a value that is refused is made from it. */
const filterMap: CallRule = (call, p) => {
  const [self, read, refusal] = argumentsOf(call, [3], p)
  return `${moduleOf(call, p)}.filterMap(${self}, ${read}, () => ${refusal})`
}

export const calls: Rules<CallRule> = {
  "@effect/cli/Options.filterMap": filterMap,
  "@effect/cli/ValidationError.isValidationError": isParsersOwn,
  "@effect/platform-node/NodeRuntime.runMain": runMain,
  "@effect/cli/Args.text": text,
  "@effect/cli/Options.boolean": boolean
}
