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

/** `HttpApp.Default<E, R>` has no name in Effect 4. */
const app: NodeRule = (node, p) => {
  if (!ts.isTypeReferenceNode(node)) return undefined
  if (p.origin.exported(node.typeName) !== "@effect/platform/HttpApp.Default") return undefined
  const [error = "never", services = "never"] = node.typeArguments?.map(p.print) ?? []
  const request = `${p.use("effect/http/HttpServerRequest", false)}.HttpServerRequest`
  const response = `${p.use("effect/http/HttpServerResponse", false)}.HttpServerResponse`
  return `${p.use("effect/Effect", false)}.Effect<${response}, ${error}, ${services} | ${request}>`
}

/** `HttpApiMiddleware.Tag<X>()(id, { provides, failure })`: what it provides is a type in Effect 4. */
const apiMiddleware: NodeRule = (node, p) => {
  if (!ts.isExpressionWithTypeArguments(node)) return undefined
  const called = calledIn(node.expression, p)
  if (called?.member !== "@effect/platform/HttpApiMiddleware.Tag") return undefined
  const [first, second] = called.calls
  const [id, options] = second?.arguments ?? []
  const provides = given(options, "provides")
  const failure = given(options, "failure")
  const isKnown = keysOf(options).every((key) => key === "provides" || key === "failure")
  const self = first?.typeArguments?.[0]
  if (id === undefined || self === undefined || !isKnown) {
    return p.refuse(
      node,
      "HttpApiMiddleware.Tag is only known with what it provides and its failure."
    )
  }
  const services = provides === undefined ? "" : `, { provides: ${p.print(provides)} }`
  const error = failure === undefined ? "" : `, { error: ${p.print(failure)} }`
  const service = `${p.use("effect/http-api/HttpApiMiddleware")}.Service`
  return `${service}<${p.print(self)}${services}>()(${p.print(id)}${error})`
}

export const nodes: ReadonlyArray<NodeRule> = [app, apiMiddleware]

export const names: Rules<NameRule> = {
  // The router of Effect 3 is gone; what it gave to a route is what the new one gives.
  "@effect/platform/HttpRouter.HttpRouter.Provided": (_name, p) =>
    `${p.use("effect/http/HttpRouter", false)}.Provided`
}
void extended
