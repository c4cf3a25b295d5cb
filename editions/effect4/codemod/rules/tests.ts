/** Tests that are left out by name are printed without their body, as skipped. */
import ts from "typescript"
import { leftOutTests } from "../selection.js"
import type { NodeRule } from "./rule.js"

const skipped: NodeRule = (node, p) => {
  if (
    !ts.isCallExpression(node) ||
    !/^(?:it(?:\.\w+)?(?:\([\s\S]*\))?|test|describe|claim)$/.test(p.source(node.expression))
  )
    return undefined
  const [name] = node.arguments
  if (name === undefined || !ts.isStringLiteral(name)) return undefined
  const file = node.getSourceFile().fileName
  const isLeftOut = leftOutTests.some(([path, test]) => file.endsWith(path) && test === name.text)
  const it = p.source(node.expression) === "test" ? "test" : "it"
  return isLeftOut ? `${it}.skip(${p.source(name)}, () => {})` : undefined
}

export const nodes: ReadonlyArray<NodeRule> = [skipped]
