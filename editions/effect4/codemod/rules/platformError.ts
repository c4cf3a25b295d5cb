import ts from "typescript"
import { given, type NodeRule } from "./rule.js"

/** `new SystemError({ reason, ... })`: the reason is a tag, and the error has it as its reason. */
const systemError: NodeRule = (node, p) => {
  if (!ts.isNewExpression(node)) return undefined
  if (p.origin.exported(node.expression) !== "@effect/platform/Error.SystemError") return undefined
  const [options] = node.arguments ?? []
  const reason = given(options, "reason")
  if (options === undefined || reason === undefined || !ts.isObjectLiteralExpression(options)) {
    return p.refuse(node, "SystemError is only known with a reason.")
  }
  const others = options.properties.filter(({ name }) => name?.getText() !== "reason").map(p.print)
  const make = p.useNamed("effect/PlatformError", "systemError")
  return `${make}({ ${[`_tag: ${p.print(reason)}`, ...others].join(", ")} })`
}

export const nodes: ReadonlyArray<NodeRule> = [systemError]
