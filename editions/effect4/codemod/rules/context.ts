import ts from "typescript"
import {
  calledIn,
  extended,
  given,
  keysOf,
  type NameRule,
  type NodeRule,
  type Rules
} from "./rule.js"

/** `class X extends Context.Tag(id)<X, Shape>() {}`: id and types have changed places. */
const service: NodeRule = (node, p) => {
  if (!ts.isCallExpression(node) || !ts.isCallExpression(node.expression)) return undefined
  const inner = node.expression
  if (p.origin.exported(inner.expression) !== "effect/Context.Tag") return undefined
  const types = node.typeArguments?.map(p.print).join(", ") ?? ""
  const [id] = inner.arguments
  if (types === "" || id === undefined || node.arguments.length > 0) {
    return p.refuse(node, "Context.Tag is only known as Context.Tag(id)<Self, Shape>().")
  }
  return `${p.use("effect/Context")}.Service<${types}>()(${p.print(id)})`
}

/** `class X extends Context.Reference<X>()(id, { defaultValue }) {}`: a reference is a value in Effect 4. */
const reference: NodeRule = (node, p) => {
  if (!ts.isClassDeclaration(node)) return undefined
  const base = extended(node)
  const called = base && calledIn(base.expression, p)
  if (called?.member !== "effect/Context.Reference") return undefined
  const [id, options] = called.calls.at(-1)?.arguments ?? []
  const make = given(options, "defaultValue")
  if (
    id === undefined ||
    make === undefined ||
    !ts.isArrowFunction(make) ||
    keysOf(options).length > 1 ||
    node.members.length > 0
  ) {
    return p.refuse(node, "Context.Reference is only known as a class without members.")
  }
  const context = p.use("effect/Context")
  const modifiers = node.modifiers?.map(p.source).join(" ") ?? ""
  const type = make.type === undefined ? typeOf(make, p.checker) : p.print(make.type)
  return `${modifiers} const ${node.name?.text}: ${context}.Reference<${type}> = ${context}.Reference<${type}>(
    ${p.print(id)}, { defaultValue: () => ${p.print(make.body)} })`
}

const typeOf = (make: ts.ArrowFunction, checker: ts.TypeChecker): string => {
  const [signature] = checker.getTypeAtLocation(make).getCallSignatures()
  return signature === undefined
    ? "never"
    : checker.typeToString(checker.getReturnTypeOfSignature(signature))
}

/** The type of a reference's shape stands second in Effect 3; in Effect 4 a reference needs no identifier. */
const referenceType: NodeRule = (node, p) => {
  if (!ts.isTypeReferenceNode(node) || node.typeArguments?.length !== 2) return undefined
  if (p.origin.exported(node.typeName) !== "effect/Context.Reference") return undefined
  return `${p.use("effect/Context", false)}.Reference<${p.print(node.typeArguments[1] as ts.Node)}>`
}

export const nodes: ReadonlyArray<NodeRule> = [service, reference, referenceType]

export const names: Rules<NameRule> = {
  // The type of the class is what yields the service.
  "effect/Context.Tag": (name, p) =>
    ts.isTypeReferenceNode(name.parent)
      ? `${p.use("effect/Context", false)}.Key`
      : p.refuse(
          name,
          "Context.Tag is only known as a type, and as Context.Tag(id)<Self, Shape>()."
        ),
  "effect/Context.Tag.Service": (_name, p) => `${p.use("effect/Context", false)}.Service.Shape`
}
