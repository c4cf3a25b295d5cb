/** What a rule is, and what rules share. */
import ts from "typescript"
import type { Member } from "../origin.js"
import type { Printer } from "../printer.js"

/** Prints a call of a member. */
export type CallRule = (call: ts.CallExpression, printer: Printer) => string

/** Prints a member where it stands, called or not. */
export type NameRule = (name: ts.Node, printer: Printer) => string

/** Prints a property of a value whose text it is given. */
export type ReadRule = (value: string, printer: Printer) => string

/** Prints a node that it knows, and gives nothing for others. */
export type NodeRule = (node: ts.Node, printer: Printer) => string | undefined

export type Rules<Rule> = Readonly<Record<Member, Rule>>

/** The arguments of a call that must have so many of them. */
export const argumentsOf = (
  call: ts.CallExpression,
  counts: ReadonlyArray<number>,
  { print, refuse, source }: Printer
): ReadonlyArray<string> => {
  if (!counts.includes(call.arguments.length)) {
    refuse(call, `${source(call.expression)} is not known with ${call.arguments.length} arguments.`)
  }
  return call.arguments.map(print)
}

/** A call in either form of Effect: `f(self, ...more)` or `f(...more)` in a pipe. */
export const dual = (
  call: ts.CallExpression,
  more: number,
  printer: Printer
): { readonly self: ReadonlyArray<string>; readonly more: ReadonlyArray<string> } => {
  const all = argumentsOf(call, [more, more + 1], printer)
  return { self: all.slice(0, all.length - more), more: all.slice(all.length - more) }
}

/** The module of the called member, under the name that it has in the file. */
export const moduleOf = ({ expression }: ts.CallExpression, { print, refuse }: Printer): string =>
  ts.isPropertyAccessExpression(expression)
    ? print(expression.expression)
    : refuse(expression, "Only known as a member of its module.")

/** The value of a property in an object that is written out. */
export const given = (object: ts.Node | undefined, name: string): ts.Expression | undefined => {
  if (object === undefined || !ts.isObjectLiteralExpression(object)) return undefined
  const property = object.properties.find((one) => one.name?.getText() === name)
  if (property === undefined) return undefined
  if (ts.isShorthandPropertyAssignment(property)) return property.name
  return ts.isPropertyAssignment(property) ? property.initializer : undefined
}

/** The names of the properties of an object that is written out. */
export const keysOf = (object: ts.Node | undefined): ReadonlyArray<string> =>
  object !== undefined && ts.isObjectLiteralExpression(object)
    ? object.properties.map((one) => one.name?.getText() ?? "...")
    : []

/** A member that is called: `Schema.TaggedError<Self>(id)` of `Schema.TaggedError<Self>(id)(tag, fields)`. */
export const calledIn = (
  node: ts.Expression,
  { origin }: Printer
): { readonly member: Member; readonly calls: ReadonlyArray<ts.CallExpression> } | undefined => {
  const calls: Array<ts.CallExpression> = []
  let at = node
  while (ts.isCallExpression(at)) {
    calls.unshift(at)
    at = at.expression
  }
  const member = calls.length === 0 ? undefined : origin.exported(at)
  return member === undefined ? undefined : { member, calls }
}

/** What a class extends. */
export const extended = (node: ts.ClassDeclaration): ts.ExpressionWithTypeArguments | undefined =>
  node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0]
