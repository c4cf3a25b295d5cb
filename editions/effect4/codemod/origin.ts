/** Where a name comes from: which member of which module of Effect 3 it is. */
import ts from "typescript"

/** A module of Effect 3, as it is imported: `effect/Layer`, `@effect/platform/HttpApp`. */
export type Module = string

/** `effect/Effect.map` for what a module exports, `effect/Fiber#RuntimeFiber.id` for a property of a type. */
export type Member = string

const declarationFile =
  /node_modules\/(effect|@effect\/[\w-]+)\/(?:dist|build)\/(?:dts|types)\/(.*)\.d\.ts$/

/** The module that a declaration file belongs to, where it is one of Effect's. */
const moduleOfFile = (fileName: string): Module | undefined => {
  const [, owner, path] = declarationFile.exec(fileName) ?? []
  if (owner === undefined || path === undefined) return undefined
  return path === "index" ? owner : `${owner}/${path}`
}

export type Origin = ReturnType<typeof makeOrigin>

export const makeOrigin = (checker: ts.TypeChecker) => {
  const symbolOf = (node: ts.Node): ts.Symbol | undefined => {
    const symbol = checker.getSymbolAtLocation(node)
    return symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias
      ? checker.getAliasedSymbol(symbol)
      : symbol
  }

  /** The module that an identifier stands for, as `Effect` does after `import * as Effect`. */
  const namespace = (node: ts.Node): Module | undefined => {
    if (!ts.isIdentifier(node)) return undefined
    const declaration = symbolOf(node)?.declarations?.[0]
    return declaration !== undefined && ts.isSourceFile(declaration)
      ? moduleOfFile(declaration.fileName)
      : undefined
  }

  /** What a name stands for, from its module on: `effect/Effect.map`, `effect/Effect.Effect.Success`. */
  const exported = (node: ts.Node): Member | undefined => {
    if (ts.isPropertyAccessExpression(node)) return dotted(node.expression, node.name)
    if (ts.isQualifiedName(node)) return dotted(node.left, node.right)
    return ts.isIdentifier(node) ? named(node) : undefined
  }

  const dotted = (left: ts.Node, name: ts.MemberName): Member | undefined => {
    const from = namespace(left) ?? (isNamespace(left) ? exported(left) : undefined)
    return from === undefined ? undefined : `${from}.${name.text}`
  }

  /** `Effect.Effect` holds types of its own; `Schema.String` holds properties only. */
  const isNamespace = (node: ts.Node): boolean =>
    ((symbolOf(node)?.flags ?? 0) & ts.SymbolFlags.Namespace) !== 0

  /** `isString` after `import { isString } from "effect/Predicate"`. */
  const named = (node: ts.Identifier): Member | undefined => {
    const specifier = checker.getSymbolAtLocation(node)?.declarations?.find(ts.isImportSpecifier)
    if (specifier === undefined || namespace(node) !== undefined) return undefined
    const from = specifier.parent.parent.parent.moduleSpecifier
    const module = ts.isStringLiteral(from) ? from.text : ""
    return isEffect(module)
      ? `${module}.${(specifier.propertyName ?? specifier.name).text}`
      : undefined
  }

  /** A property of a value of Effect's: `effect/Fiber#RuntimeFiber.id`. */
  const property = (symbol: ts.Symbol | undefined): Member | undefined => {
    const declaration = symbol?.declarations?.[0]
    const module = declaration && moduleOfFile(declaration.getSourceFile().fileName)
    if (symbol === undefined || declaration === undefined || module === undefined) return undefined
    return `${module}${ownerOf(declaration)}.${symbol.name}`
  }

  /** Nothing for what a module exports, which `(await import(module)).name` reaches like a property. */
  const ownerOf = (declaration: ts.Declaration): string => {
    const { parent } = declaration
    if (ts.isTypeAliasDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) return "#"
    if (ts.isSourceFile(parent) || ts.isVariableDeclarationList(parent)) return ""
    return ts.isInterfaceDeclaration(parent) || ts.isClassDeclaration(parent)
      ? `#${parent.name?.text ?? ""}`
      : "#"
  }

  /** The types that say what the properties of an object are. */
  const describing = (
    object: ts.ObjectLiteralExpression | ts.ObjectBindingPattern
  ): ReadonlyArray<ts.Type> => {
    if (ts.isObjectBindingPattern(object)) return [checker.getTypeAtLocation(object)]
    const context = checker.getContextualType(object)
    // `{ ...clock, name }` and `Object.assign(clock, { name })` are like what they are made from.
    const spread = object.properties
      .filter(ts.isSpreadAssignment)
      .map(({ expression }) => expression)
    const { parent } = object
    const target = ts.isCallExpression(parent)
      ? parent.arguments.filter((one) => one !== object)
      : []
    return [
      ...(context === undefined ? [] : [context]),
      ...[...spread, ...target].map((one) => checker.getTypeAtLocation(one))
    ]
  }

  return {
    /** The name of a type: `effect/Option#.Option`. */
    typed: (type: ts.Type): Member | undefined => property(type.aliasSymbol ?? type.symbol),
    namespace,
    exported,
    /** The property that `object.name` reads. */
    read: (node: ts.PropertyAccessExpression) => property(checker.getSymbolAtLocation(node.name)),
    /** The property that `{ name: value }` gives, or that `({ name })` takes. */
    key: (name: ts.Identifier, object: ts.ObjectLiteralExpression | ts.ObjectBindingPattern) => {
      const types = describing(object).flatMap((type) => (type.isUnion() ? type.types : [type]))
      const properties = types.map((one) => property(one.getProperty(name.text)))
      return properties.find((one) => one !== undefined)
    }
  }
}

/** Whether a module is Effect's. The test runner is not: it keeps its name. */
export const isEffect = (module: string): boolean =>
  module !== "@effect/vitest" && /^(?:effect|@effect)(?:\/|$)/.test(module)
