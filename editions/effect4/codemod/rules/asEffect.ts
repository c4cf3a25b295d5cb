/** Options, Eithers and responses are effects in Effect 3. In Effect 4 they have to be made one. */
import ts from "typescript"
import type { Member } from "../origin.js"
import type { Printer } from "../printer.js"
import type { NodeRule } from "./rule.js"

const made: ReadonlyMap<Member, string> = new Map([
  ["effect/Option#.Option", "fromOption"],
  ["effect/Either#.Either", "fromResult"],
  ["@effect/platform/HttpServerResponse#.HttpServerResponse", "succeed"]
])

/** How a value becomes an effect, where it is one of them. */
const makerOf = (node: ts.Expression, { checker, origin }: Printer): string | undefined => {
  const type = checker.getTypeAtLocation(node)
  const member = origin.typed(type)
  return member === undefined ? undefined : made.get(member)
}

const wrapped = (node: ts.Expression, p: Printer): string => {
  const maker = makerOf(node, p)
  return maker === undefined
    ? p.print(node)
    : `${p.use("effect/Effect")}.${maker}(${p.print(node)})`
}

/** `yield* option`; a response is a value, which nothing has to be waited for. */
const yielded: NodeRule = (node, p) => {
  if (!ts.isYieldExpression(node) || node.expression === undefined) return undefined
  const maker = makerOf(node.expression, p)
  if (maker === undefined) return undefined
  inside.add(node.expression)
  return maker === "succeed" ? p.print(node.expression) : `yield* ${wrapped(node.expression, p)}`
}

/** Nodes that are wrapped already. */
const inside = new WeakSet<ts.Node>()

/** Where an effect is wanted. */
const wanted: NodeRule = (node, p) => {
  if (!(ts.isCallExpression(node) || ts.isIdentifier(node)) || inside.has(node)) return undefined
  if (ts.isIdentifier(node) && !isRead(node)) return undefined
  const context = p.checker.getContextualType(node)
  if (context === undefined || p.origin.typed(context) !== "effect/Effect#.Effect") return undefined
  if (makerOf(node, p) === undefined) return undefined
  inside.add(node)
  return wrapped(node, p)
}

/** Whether a name is an expression by itself. */
const isRead = ({ parent }: ts.Identifier): boolean =>
  ts.isCallExpression(parent) ||
  ts.isConditionalExpression(parent) ||
  ts.isArrowFunction(parent) ||
  ts.isReturnStatement(parent)

export const nodes: ReadonlyArray<NodeRule> = [yielded, wanted]
