import ts from "typescript"
import type { NodeRule } from "./rule.js"

const tags: ReadonlyMap<string, string> = new Map([
  ["Left", "Failure"],
  ["Right", "Success"]
])

/** `result._tag === "Right"`. */
const tag: NodeRule = (node, p) => {
  if (!ts.isBinaryExpression(node) || !ts.isStringLiteral(node.right)) return undefined
  const name = tags.get(node.right.text)
  return name !== undefined &&
    ts.isPropertyAccessExpression(node.left) &&
    /^effect\/Either#\w+\._tag$/.test(p.origin.read(node.left) ?? "")
    ? `${p.print(node.left)} ${node.operatorToken.getText()} "${name}"`
    : undefined
}

export const nodes: ReadonlyArray<NodeRule> = [tag]
