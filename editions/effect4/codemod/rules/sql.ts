import ts from "typescript"
import {
  argumentsOf,
  type CallRule,
  given,
  keysOf,
  type NameRule,
  type NodeRule,
  type Rules
} from "./rule.js"

/** An error of SQL has a reason in Effect 4; what the driver said stands there. */
const sqlError: NodeRule = (node, p) => {
  if (!ts.isNewExpression(node)) return undefined
  if (p.origin.exported(node.expression) !== "@effect/sql/SqlError.SqlError") return undefined
  const [options] = node.arguments ?? []
  const message = given(options, "message")
  if (options === undefined || message === undefined || keysOf(options).length !== 2) {
    return p.refuse(node, "SqlError is only known with a message and a cause.")
  }
  const unknown = p.useNamed("effect/sql/SqlError", "UnknownError")
  return `new ${p.print(node.expression)}({ reason: new ${unknown}(${p.print(options)}) })`
}

/** `({ cause }: SqlError)`: the driver's error. */
const cause: NodeRule = (node, p) =>
  ts.isBindingElement(node) &&
  ts.isIdentifier(node.name) &&
  ts.isObjectBindingPattern(node.parent) &&
  node.name.text === "cause" &&
  p.checker.getTypeAtLocation(node.parent).symbol?.name === "SqlError"
    ? "reason: { cause }"
    : undefined

/** Every client has a tag of its own for its open transaction. */
const transaction: NameRule = (name, p) => {
  const isThere = (local: string) =>
    p.checker.resolveName(local, name, ts.SymbolFlags.Value, false) !== undefined
  if (isThere("client")) return "client.transactionService"
  return isThere("database")
    ? "database.client.transactionService"
    : p.refuse(name, "The transaction is that of a client, and there is none here.")
}

export const nodes: ReadonlyArray<NodeRule> = [sqlError, cause]

/** What looks at every statement. */
const setTransformer: CallRule = (call, p) => {
  const reference = `${p.use("effect/sql/Statement")}.CurrentTransformer`
  return `${p.use("effect/Layer")}.succeed(${reference}, ${argumentsOf(call, [1], p)})`
}

export const calls: Rules<CallRule> = {
  "@effect/sql/Statement.setTransformer": setTransformer
}

export const names: Rules<NameRule> = {
  "@effect/sql/SqlClient.TransactionConnection": transaction
}
