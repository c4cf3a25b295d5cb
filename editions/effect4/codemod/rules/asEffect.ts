/** Options and Eithers are effects in Effect 3. In Effect 4 they have to be made one. */
import ts from "typescript"
import type { Printer } from "../printer.js"
import type { NodeRule } from "./rule.js"

const made: Readonly<Record<string, string>> = { Option: "fromOption", Either: "fromResult" }

/** How a value becomes an effect, where it is an Option or an Either. */
const makerOf = (node: ts.Expression, { checker, origin }: Printer): string | undefined => {
  const type = checker.getTypeAtLocation(node)
  const name = type.aliasSymbol?.name ?? ""
  return Object.hasOwn(made, name) && origin.isEffects(type.aliasSymbol) ? made[name] : undefined
}

const wrapped = (node: ts.Expression, p: Printer): string => {
  const maker = makerOf(node, p)
  return maker === undefined
    ? p.print(node)
    : `${p.use("effect/Effect")}.${maker}(${p.print(node)})`
}

/** `yield* option`. */
const yielded: NodeRule = (node, p) =>
  ts.isYieldExpression(node) && node.expression !== undefined && makerOf(node.expression, p)
    ? `yield* ${wrapped(node.expression, p)}`
    : undefined

/** What takes an effect first takes an Option too; where it takes values they stay what they are. */
const takesEffect = new Set(
  [
    "catchAll",
    "catchTag",
    "catchTags",
    "flatMap",
    "map",
    "mapError",
    "match",
    "matchEffect",
    "orDie",
    "orElseSucceed",
    "zipRight"
  ].map((name) => `effect/Effect.${name}`)
)

/** `Effect.map(option, f)`. */
const given: NodeRule = (node, p) => {
  if (!ts.isCallExpression(node) || !takesEffect.has(p.origin.exported(node.expression) ?? "")) {
    return undefined
  }
  const [first] = node.arguments
  const maker = first && makerOf(first, p)
  if (first === undefined || maker === undefined) return undefined
  const others = node.arguments.slice(1).map(p.print)
  return `${p.print(node.expression)}(${[wrapped(first, p), ...others].join(", ")})`
}

export const nodes: ReadonlyArray<NodeRule> = [yielded, given]
