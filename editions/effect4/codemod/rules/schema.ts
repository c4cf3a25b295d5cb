import ts from "typescript"
import type { Printer } from "../printer.js"
import {
  argumentsOf,
  type CallRule,
  calledIn,
  extended,
  given,
  keysOf,
  type NameRule,
  type NodeRule,
  type Rules
} from "./rule.js"

/** What took its schemas one by one takes a list. */
const listed =
  (name: string): CallRule =>
  (call, p) =>
    `${p.use("effect/Schema")}.${name}([${call.arguments.map(p.print).join(", ")}])`

const literal: CallRule = (call, p) =>
  call.arguments.length === 1 && !call.arguments.some(ts.isSpreadElement)
    ? p.plain(call)
    : listed("Literals")(call, p)

const record: CallRule = (call, p) => {
  const [options] = call.arguments
  const key = given(options, "key")
  const value = given(options, "value")
  if (key === undefined || value === undefined || keysOf(options).length !== 2) {
    return p.refuse(call, "Schema.Record is only known with a key and a value.")
  }
  return `${p.use("effect/Schema")}.Record(${p.print(key)}, ${p.print(value)})`
}

/** `{ at: schema.pipe(Schema.fromKey("timestamp")) }`: the keys stand behind the fields. */
const renamedKeys = (
  fields: ts.Expression | undefined,
  p: Printer
): { readonly fields: string; readonly keys: string } | undefined => {
  if (fields === undefined || !ts.isObjectLiteralExpression(fields)) return undefined
  const keys: Array<string> = []
  const printed = fields.properties.map((property) => {
    const renamed = ts.isPropertyAssignment(property)
      ? fromKeyIn(property.initializer, p)
      : undefined
    if (renamed === undefined) return p.print(property)
    const name = property.name?.getText()
    keys.push(`${name}: ${p.print(renamed.key)}`)
    return `${name}: ${p.print(renamed.schema)}`
  })
  return keys.length === 0
    ? undefined
    : { fields: `{ ${printed.join(", ")} }`, keys: `{ ${keys.join(", ")} }` }
}

/** `schema.pipe(Schema.fromKey(key))`. */
const fromKeyIn = (node: ts.Expression, p: Printer) => {
  if (!ts.isCallExpression(node) || node.arguments.length !== 1) return undefined
  const [inner] = node.arguments
  if (inner === undefined || !ts.isCallExpression(inner)) return undefined
  if (p.origin.exported(inner.expression) !== "effect/Schema.fromKey") return undefined
  const [key] = inner.arguments
  return key !== undefined && ts.isPropertyAccessExpression(node.expression)
    ? { key, schema: node.expression.expression }
    : undefined
}

/** A field that may be missing, but not be `undefined`. */
const optionalWith: CallRule = (call, p) => {
  const [schema] = argumentsOf(call, [2], p)
  const options = call.arguments[1]
  if (keysOf(options).join() !== "exact") {
    return p.refuse(call, "Schema.optionalWith is only known with { exact: true }.")
  }
  return `${p.use("effect/Schema")}.optionalKey(${schema})`
}

/** More than the fields of a struct: what is known of all other properties. */
const struct: CallRule = (call, p) => {
  const [fields, rest] = call.arguments
  const renamed = renamedKeys(fields, p)
  if (renamed !== undefined && rest === undefined) {
    const schema = p.use("effect/Schema")
    return `${schema}.Struct(${renamed.fields}).pipe(${schema}.encodeKeys(${renamed.keys}))`
  }
  if (rest === undefined || fields === undefined) return p.plain(call)
  const schema = p.use("effect/Schema")
  const key = given(rest, "key")
  const value = given(rest, "value")
  if (key === undefined || value === undefined) {
    return p.refuse(call, "The other properties of a struct are only known with a key and a value.")
  }
  const others = `${schema}.Record(${p.print(key)}, ${p.print(value)})`
  return `${schema}.StructWithRest(${schema}.Struct(${p.print(fields)}), [${others}])`
}

/** `schema.pipe(Schema.pattern(/x/))`: a filter is a check of Effect 4. */
const pattern: CallRule = (call, p) => {
  const schema = p.use("effect/Schema")
  return `${schema}.check(${schema}.isPattern(${argumentsOf(call, [1], p)}))`
}

/** `schema.pipe(Schema.between(0, 10))`. */
const between: CallRule = (call, p) => {
  const schema = p.use("effect/Schema")
  const [minimum, maximum] = argumentsOf(call, [2], p)
  return `${schema}.check(${schema}.isBetween({ minimum: ${minimum}, maximum: ${maximum} }))`
}

/** `schema.pipe(Schema.filter(test))`. */
const filter: CallRule = (call, p) => {
  const schema = p.use("effect/Schema")
  return `${schema}.check(${schema}.makeFilter(${argumentsOf(call, [1], p)}))`
}

/** A schema whose decoding is an effect. */
const transformOrFail: CallRule = (call, p) => {
  const [from, to] = argumentsOf(call, [3], p)
  const decode = given(call.arguments[2], "decode")
  const encode = given(call.arguments[2], "encode")
  if (decode === undefined || encode === undefined) {
    return p.refuse(call, "Schema.transformOrFail is only known with decode and encode.")
  }
  const schema = p.use("effect/Schema")
  const getter = `${p.use("effect/SchemaGetter")}.transformEffect`
  const both = `{ decode: ${getter}(${p.print(decode)}), encode: ${getter}(${p.print(encode)}) }`
  return `${from}.pipe(${schema}.decodeTo(${to}, ${both}))`
}

/** Effect 4 names an error after its identifier; here it keeps the name that it is caught by. */
const taggedError: NodeRule = (node, p) => {
  if (!ts.isClassDeclaration(node) || named.has(node)) return undefined
  const base = extended(node)
  const called = base && calledIn(base.expression, p)
  if (called?.member !== "effect/Schema.TaggedError") return undefined
  named.add(node)
  const [tag] = called.calls.at(-1)?.arguments ?? []
  if (called.calls.length !== 2 || tag === undefined) {
    return p.refuse(
      node,
      "Schema.TaggedError is only known as Schema.TaggedError<Self>(id)(tag, fields)."
    )
  }
  const text = p.print(node)
  const end = text.lastIndexOf("}")
  return `${text.slice(0, end)}
    // Effect would name it by its identifier.
    static { this.prototype.name = ${p.print(tag)} }
  }`
}

/** The classes that are being printed, so that the rule lets them through the second time. */
const named = new WeakSet<ts.ClassDeclaration>()

/** `Schema.Schema<A, I, R>`. */
const schemaType: NodeRule = (node, p) => {
  if (!ts.isTypeReferenceNode(node)) return undefined
  if (p.origin.exported(node.typeName) !== "effect/Schema.Schema") return undefined
  const [type, encoded = type, services] = node.typeArguments?.map(p.print) ?? []
  if (type === undefined) return p.refuse(node, "Schema.Schema is only known with its types.")
  const needs = services === undefined ? "" : `, ${services}, ${services}`
  return `${p.use("effect/Schema", false)}.Codec<${type}, ${encoded}${needs}>`
}

/** What `HttpApi` reads of a schema stands among its other annotations. */
const httpStatus: CallRule = (call, p) => {
  const [options] = call.arguments
  const status = given(options, "status")
  if (status === undefined || options === undefined || !ts.isObjectLiteralExpression(options)) {
    return p.refuse(call, "HttpApiSchema.annotations is only known with a status.")
  }
  const others = options.properties.filter((one) => one.name?.getText() !== "status").map(p.print)
  return `{ ${[`httpApiStatus: ${p.print(status)}`, ...others].join(", ")} }`
}

/** Annotations of any schema. */
const annotations: NodeRule = (node, p) => {
  if (!ts.isTypeReferenceNode(node)) return undefined
  if (p.origin.exported(node.typeName) !== "effect/Schema.Annotations.Schema") return undefined
  const types = node.typeArguments?.map(p.print) ?? []
  return `${p.use("effect/Schema", false)}.Annotations.Bottom<${types.join(", ")}, readonly []>`
}

const fromText =
  (name: string): NameRule =>
  (_name, p) =>
    `${p.use("effect/Schema")}.${name}`

export const calls: Rules<CallRule> = {
  "@effect/platform/HttpApiSchema.annotations": httpStatus,
  "effect/Schema.Literal": literal,
  "effect/Schema.Record": record,
  "effect/Schema.Struct": struct,
  "effect/Schema.Tuple": listed("Tuple"),
  "effect/Schema.Union": listed("Union"),
  "effect/Schema.between": between,
  "effect/Schema.filter": filter,
  "effect/Schema.optionalWith": optionalWith,
  "effect/Schema.propertySignature": (call, p) => `${argumentsOf(call, [1], p)}`,
  "effect/Schema.transformOrFail": transformOrFail,
  "effect/Schema.pattern": pattern
}

/** The short names mean the value itself in Effect 4, and compile. */
export const names: Rules<NameRule> = {
  "effect/Schema.Date": fromText("DateFromString"),
  "effect/Schema.BigInt": fromText("BigIntFromString"),
  "effect/Schema.BigIntFromSelf": fromText("BigInt"),
  "effect/Schema.DateFromSelf": fromText("Date"),
  "effect/Schema.DateTimeUtc": fromText("DateTimeUtcFromString"),
  "effect/Schema.Defect": fromText("Defect()")
}

export const nodes: ReadonlyArray<NodeRule> = [taggedError, schemaType, annotations]
