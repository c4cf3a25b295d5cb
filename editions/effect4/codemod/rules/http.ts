import ts from "typescript"
import type { Printer } from "../printer.js"
import {
  argumentsOf,
  type CallRule,
  calledIn,
  extended,
  given,
  keysOf,
  moduleOf,
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

/**
 * `HttpApiMiddleware.Tag<X>()(id, { provides, failure, security })`: what it provides is a type in Effect 4, and so is the session
 * that one with the scheme of the session's cookie needs.
 */
const apiMiddleware: NodeRule = (node, p) => {
  if (!ts.isExpressionWithTypeArguments(node)) return undefined
  const called = calledIn(node.expression, p)
  if (called?.member !== "@effect/platform/HttpApiMiddleware.Tag") return undefined
  const [first, second] = called.calls
  const [id, options] = second?.arguments ?? []
  const provides = given(options, "provides")
  const self = first?.typeArguments?.[0]
  const known = ["failure", "provides", "security"]
  if (
    id === undefined ||
    self === undefined ||
    !keysOf(options).every((key) => known.includes(key))
  ) {
    return p.refuse(node, `HttpApiMiddleware.Tag is only known with ${known.join(", ")}.`)
  }
  const failure = given(options, "failure")
  const security = given(options, "security")
  const list = [
    ...(failure === undefined ? [] : [`error: ${errorsIn(failure, p)}`]),
    ...(security === undefined ? [] : [`security: ${p.print(security)}`])
  ]
  const isOfSession =
    security !== undefined && p.source(security).includes("SessionHttpApi.security")
  const types = [
    ...(provides === undefined ? [] : [`provides: ${p.print(provides)}`]),
    ...(isOfSession ? [`requires: ${p.use("effect-session/Session", false)}.Session`] : [])
  ]
  const services = types.length === 0 ? "" : `, { ${types.join(", ")} }`
  const service = `${p.use("effect/http-api/HttpApiMiddleware")}.Service`
  return `${service}<${p.print(self)}${services}>()(${p.print(id)}, { ${list.join(", ")} })`
}

/** Each error has its own status, so those of a union stand in a list. */
const errorsIn = (node: ts.Expression, p: Printer): string =>
  ts.isCallExpression(node) && p.origin.exported(node.expression) === "effect/Schema.Union"
    ? `[${node.arguments.map(p.print).join(", ")}]`
    : p.print(node)

/**
 * `Layer.effect(Tag, Effect.map(SessionHttpApi.withSession(find), (found) => ({ scheme: () => found })))`: a middleware of Effect 4
 * runs its endpoint itself, and has the session at hand.
 */
const middlewareWithSession: NodeRule = (node, p) => {
  if (!ts.isCallExpression(node) || p.origin.exported(node.expression) !== "effect/Layer.effect") {
    return undefined
  }
  const [tag, made] = node.arguments
  if (tag === undefined || made === undefined || !ts.isCallExpression(made)) return undefined
  const [found, use] = made.arguments
  if (found === undefined || !ts.isCallExpression(found)) return undefined
  if (!/\bwithSession$/.test(p.source(found.expression))) return undefined
  const [find] = found.arguments
  const schemes = use !== undefined && ts.isArrowFunction(use) ? keysOf(bodyOf(use)) : []
  const provides = provided(tag, p)
  if (find === undefined || provides === undefined || schemes.length !== 1) {
    return p.refuse(node, "withSession is only known in a middleware that provides, with a scheme.")
  }
  const provide = `${p.use("effect/Effect")}.provideServiceEffect`
  const run = `(endpoint) => ${provide}(endpoint, ${provides.getText()}, ${p.print(find)})`
  return `${p.use("effect/Layer")}.succeed(${p.print(tag)}, { ${schemes[0]}: ${run} })`
}

/** What an arrow function gives, without its parentheses. */
const bodyOf = ({ body }: ts.ArrowFunction): ts.Node =>
  ts.isParenthesizedExpression(body) ? body.expression : body

/** What a middleware provides, by its class. */
const provided = (tag: ts.Expression, p: Printer): ts.Expression | undefined => {
  const symbol = p.checker.getSymbolAtLocation(tag)
  const own =
    symbol && symbol.flags & ts.SymbolFlags.Alias ? p.checker.getAliasedSymbol(symbol) : symbol
  const declared = own?.declarations?.find(ts.isClassDeclaration)
  const base = declared && extended(declared)
  const called = base && calledIn(base.expression, p)
  return given(called?.calls.at(-1)?.arguments[1], "provides")
}

/**
 * Effect 3 stops at once. The library's own server waits itself, and a test for nothing; one that is about the platform's server
 * names its options, and takes that as it is.
 */
const nodeServer: CallRule = (call, p) => {
  const [make, options] = call.arguments
  if (make === undefined || options === undefined) {
    return p.refuse(call, "NodeHttpServer.layer is only known with a server and options.")
  }
  const isOfLibrary = call.getSourceFile().fileName.includes("/src/")
  if (!isOfLibrary && !ts.isObjectLiteralExpression(options)) return p.plain(call)
  const own = ts.isObjectLiteralExpression(options)
    ? options.properties.map(p.print)
    : [`...${p.print(options)}`]
  const given = [...own, "disablePreemptiveShutdown: true"].join(", ")
  return `${moduleOf(call, p)}.layer(${p.print(make)}, { ${given} })`
}

/** Effect 3 believes whoever sends the headers. */
const xForwarded: NameRule = (_name, p) =>
  `${p.use("effect/http/HttpMiddleware")}.xForwardedHeaders({ trustedProxies: () => true })`

/** The methods that described an endpoint, and the option that says the same. */
const described = new Map([
  ["addError", "error"],
  ["addSuccess", "success"],
  ["setHeaders", "headers"],
  ["setPath", "params"],
  ["setPayload", "payload"],
  ["setUrlParams", "query"]
])

/** `HttpApiEndpoint.get(name, path).addSuccess(schema)`: an endpoint is described by options. */
const endpoint: NodeRule = (node, p) => {
  if (!ts.isCallExpression(node)) return undefined
  const { calls, root } = chainOf(node)
  const made = calls[0]
  if (made === undefined || calls.length < 2) return undefined
  const member = p.origin.exported(root)
  if (member === undefined || !/^@effect\/platform\/HttpApiEndpoint\.\w+$/.test(member))
    return undefined
  const options = new Map<string, ReadonlyArray<string>>()
  let others = ""
  for (const call of calls.slice(1)) {
    const method = methodOf(call)
    const option = described.get(method)
    const values = option === "error" ? [errorWith(call, p)] : call.arguments.map(p.print)
    if (option === undefined) others += `.${method}(${values.join(", ")})`
    else options.set(option, [...(options.get(option) ?? []), ...values])
  }
  const list = [...options].map(([name, values]) =>
    values.length === 1 ? `${name}: ${values[0]}` : `${name}: [${values.join(", ")}]`
  )
  const given = [
    ...made.arguments.map(p.print),
    ...(list.length === 0 ? [] : [`{ ${list.join(", ")} }`])
  ]
  return `${p.print(root)}(${given.join(", ")})${others}`
}

/** `addError(schema, { status })`. */
const errorWith = (call: ts.CallExpression, p: Printer): string => {
  const [error, options] = call.arguments
  const status = given(options, "status")
  if (error === undefined || (options !== undefined && status === undefined)) {
    return p.refuse(call, "addError is only known with an error and its status.")
  }
  return status === undefined
    ? p.print(error)
    : `${p.print(error)}.annotate({ httpApiStatus: ${p.print(status)} })`
}

/** `f(a).g(b).h(c)`: the calls of `f`, `g` and `h`, and what `f` is. */
const chainOf = (node: ts.CallExpression) => {
  const calls: Array<ts.CallExpression> = [node]
  let root = node.expression
  while (ts.isPropertyAccessExpression(root) && ts.isCallExpression(root.expression)) {
    calls.unshift(root.expression)
    root = root.expression.expression
  }
  return { calls, root }
}

const methodOf = ({ expression }: ts.CallExpression): string =>
  ts.isPropertyAccessExpression(expression) ? expression.name.text : ""

/**
 * `HttpApiBuilder.serve().pipe(Layer.provide(HttpApiBuilder.api(Api)), ...)`: an API is a layer of routes. What is provided to it stays
 * beside it; from the first step that is something else on, the steps are those of the server.
 */
const serveApi: NodeRule = (node, p) => {
  if (!ts.isCallExpression(node) || methodOf(node) !== "pipe") return undefined
  const { calls, root } = chainOf(node)
  const [serve] = calls
  if (serve === undefined || calls.length !== 2) return undefined
  if (p.origin.exported(root) !== "@effect/platform/HttpApiBuilder.serve") return undefined
  const apis = node.arguments.map((one) => providedApi(one, p))
  const api = apis.find((one) => one !== undefined)
  if (api === undefined)
    return p.refuse(node, "HttpApiBuilder.serve is only known with its API beside it.")
  const isProvided = (one: ts.Expression) =>
    ts.isCallExpression(one) && p.origin.exported(one.expression) === "effect/Layer.provide"
  const end = node.arguments.findIndex((one) => !isProvided(one))
  const steps = node.arguments.map((one, at) =>
    apis[at] === undefined ? [withApi(one, api, p)] : []
  )
  const ofRoutes = steps.slice(0, end < 0 ? undefined : end).flat()
  const ofServer = end < 0 ? [] : steps.slice(end).flat()
  const routes = pipedTo(
    `${p.use("effect/http-api/HttpApiBuilder")}.layer(${p.print(api)})`,
    ofRoutes
  )
  const [middleware] = serve.arguments.map(p.print)
  const quiet = "disableLogger: true, disableListenLog: true"
  const options =
    middleware === undefined ? `{ ${quiet} }` : `{ ${quiet}, middleware: ${middleware} }`
  return pipedTo(`${p.use("effect/http/HttpRouter")}.serve(${routes}, ${options})`, ofServer)
}

const pipedTo = (first: string, steps: ReadonlyArray<string>): string =>
  steps.length === 0 ? first : `${first}.pipe(${steps.join(", ")})`

/** `Layer.provide(HttpApiSwagger.layer(options))`: the page is told its API. */
const withApi = (step: ts.Expression, api: ts.Expression, p: Printer): string => {
  const inner = ts.isCallExpression(step) ? step.arguments[0] : undefined
  if (inner === undefined || !ts.isCallExpression(inner)) return p.print(step)
  if (p.origin.exported(inner.expression) !== "@effect/platform/HttpApiSwagger.layer") {
    return p.print(step)
  }
  const given = [api, ...inner.arguments].map(p.print).join(", ")
  return `${p.use("effect/Layer")}.provide(${p.print(inner.expression)}(${given}))`
}

/** The API in `Layer.provide(HttpApiBuilder.api(Api))`. */
const providedApi = (node: ts.Expression, p: Printer): ts.Expression | undefined => {
  if (!ts.isCallExpression(node) || p.origin.exported(node.expression) !== "effect/Layer.provide") {
    return undefined
  }
  const [inner] = node.arguments
  return inner !== undefined &&
    ts.isCallExpression(inner) &&
    p.origin.exported(inner.expression) === "@effect/platform/HttpApiBuilder.api"
    ? inner.arguments[0]
    : undefined
}

const multipart: CallRule = (call, p) =>
  `${argumentsOf(call, [1], p)}.pipe(${p.use("effect/http-api/HttpApiSchema")}.asMultipart())`

const withEncoding: CallRule = (call, p) => {
  const kind = given(call.arguments[0], "kind")
  return kind !== undefined && ts.isStringLiteral(kind) && kind.text === "UrlParams"
    ? `${p.use("effect/http-api/HttpApiSchema")}.asFormUrlEncoded()`
    : p.refuse(call, "HttpApiSchema.withEncoding is only known for URL parameters.")
}

/** `HttpApp.toWebHandlerRuntime(runtime)(app)`: a context has what a runtime had, and the request is the handler's own. */
const webHandler: NodeRule = (node, p) => {
  if (!ts.isCallExpression(node) || !ts.isCallExpression(node.expression)) return undefined
  const { arguments: given, expression } = node.expression
  if (p.origin.exported(expression) !== "@effect/platform/HttpApp.toWebHandlerRuntime")
    return undefined
  const response = `${p.use("effect/http/HttpServerResponse", false)}.HttpServerResponse`
  const ready = `${p.use("effect/Effect", false)}.Effect<${response}>`
  const make = `${p.use("effect/http/HttpEffect")}.toWebHandlerWith(${given.map(p.print).join()})`
  return `${make}(${argumentsOf(node, [1], p)} as ${ready})`
}

/** `address._tag === "TcpAddress"`: the address of a port is of one of two kinds. */
const portAddress: NodeRule = (node, p) => {
  if (!ts.isBinaryExpression(node) || !ts.isStringLiteral(node.right)) return undefined
  if (node.right.text !== "TcpAddress") return undefined
  const isEqual = node.operatorToken.kind === ts.SyntaxKind.EqualsEqualsEqualsToken
  return `${p.print(node.left)} ${isEqual ? "!==" : "==="} "UnixPathAddress"`
}

/** `Effect.catchTag("RouteNotFound", f)`: an error of the server is one of its reasons. */
const catchRouteNotFound: NodeRule = (node, p) => {
  if (!ts.isCallExpression(node) || node.arguments.length !== 2) return undefined
  const [tag, handle] = node.arguments
  if (p.origin.exported(node.expression) !== "effect/Effect.catchTag" || handle === undefined)
    return undefined
  if (tag === undefined || !ts.isStringLiteral(tag) || tag.text !== "RouteNotFound")
    return undefined
  return `${p.use("effect/Effect")}.catchIf(${p.use("effect/http/HttpServerError")}.isHttpServerError, ${p.print(handle)})`
}

/** `Ref.make(Cookies.empty)`: the cookies that a client keeps are a list. */
const cookieJar: CallRule = (call, p) => {
  const [cookies] = call.arguments
  if (cookies === undefined || p.origin.exported(cookies) !== "@effect/platform/Cookies.empty") {
    return p.refuse(call, "Ref.make is only known with Cookies.empty.")
  }
  const cookie = `${p.use("effect/http/Cookies", false)}.Cookie`
  return `${p.use("effect/Ref")}.make<ReadonlyArray<${cookie}>>([])`
}

export const nodes: ReadonlyArray<NodeRule> = [
  app,
  apiMiddleware,
  middlewareWithSession,
  endpoint,
  serveApi,
  portAddress,
  catchRouteNotFound,
  webHandler
]

export const calls: Rules<CallRule> = {
  "effect/Ref.make": cookieJar,
  "@effect/platform-node/NodeHttpServer.layer": nodeServer,
  "@effect/platform/HttpApiSchema.Multipart": multipart,
  "@effect/platform/HttpApiSchema.withEncoding": withEncoding,
  "@effect/platform/HttpLayerRouter.addHttpApi": (call, p) =>
    `${p.use("effect/http-api/HttpApiBuilder")}.layer(${argumentsOf(call, [1, 2], p).join(", ")})`
}

export const names: Rules<NameRule> = {
  "@effect/platform/HttpMiddleware.xForwardedHeaders": xForwarded,
  // The router of Effect 3 is gone; what it gave to a route is what the new one gives.
  "@effect/platform/HttpRouter.HttpRouter.Provided": (_name, p) =>
    `${p.use("effect/http/HttpRouter", false)}.Provided`,
  "@effect/platform/HttpServerRequest.upgrade": (_name, p) => {
    const request = `${p.use("effect/http/HttpServerRequest")}.HttpServerRequest`
    return `${p.use("effect/Effect")}.flatMap(${request}, ({ upgrade }) => upgrade)`
  },
  "@effect/platform/HttpRouter.HttpRouter.DefaultServices": (_name, p) =>
    `(${[
      `${p.use("effect/http/HttpPlatform", false)}.HttpPlatform`,
      `${p.use("effect/http/Etag", false)}.Generator`,
      `${p.use("effect/FileSystem", false)}.FileSystem`,
      `${p.use("effect/Path", false)}.Path`
    ].join(" | ")})`
}
