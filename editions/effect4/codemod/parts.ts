/**
 * Overlays of single declarations. A file `overlay/src/X.part.ts` replaces the declarations of `src/X.ts` that it has too;
 * what only it has is added at the end. A declaration without a doc comment keeps that of the original.
 */
import ts from "typescript"
import { isEffect } from "./origin.js"

interface Part {
  readonly text: string
  readonly hasComment: boolean
}

export interface Parts {
  /** What stands in the place of a statement. */
  readonly replacing: (statement: ts.Node) => Part | undefined
  readonly added: string
  /** What the parts import of Effect: whole modules, or names of one. */
  readonly effects: ReadonlyArray<{
    readonly module: string
    readonly name: string | undefined
    readonly local: string
    readonly isValue: boolean
  }>
  /** Their other imports. */
  readonly imports: string
  /** The names of the replaced declarations. */
  readonly names: ReadonlyArray<string>
}

export const noParts: Parts = {
  replacing: () => undefined,
  added: "",
  effects: [],
  imports: "",
  names: []
}

/** Reads the parts for an original, of which the `removed` declarations are left out. */
export const readParts = (
  part: ts.SourceFile,
  original: ts.SourceFile,
  removed: ReadonlyArray<string>
): Parts => {
  const known = new Set(original.statements.flatMap(namesOf))
  const imports = part.statements.filter(ts.isImportDeclaration)
  const declarations = part.statements.filter((one) => !ts.isImportDeclaration(one))
  const replaced = new Map<string, Part>()
  const added: Array<string> = []
  for (const declaration of declarations) {
    const [name = ""] = namesOf(declaration)
    const hasComment = ts.getJSDocCommentsAndTags(declaration).length > 0
    const text = part.text.slice(declaration.getStart(part, hasComment), declaration.end)
    if (known.has(name)) replaced.set(name, { text, hasComment })
    else added.push(text)
  }
  const unknown = removed.filter((name) => !known.has(name))
  if (unknown.length > 0) throw new Error(`${original.fileName} has no ${unknown} to leave out.`)
  const gone: Part = { text: "", hasComment: true }
  const partFor = (name: string) => (removed.includes(name) ? gone : replaced.get(name))
  const effects = imports.filter((one) => isEffect(moduleOf(one)))
  return {
    replacing: (statement) => namesOf(statement).map(partFor)[0],
    added: added.map((text) => `\n${text}\n`).join(""),
    effects: effects.flatMap(importedBy),
    imports: imports
      .filter((one) => !effects.includes(one))
      .map((one) => one.getText(part))
      .join("\n"),
    names: [...replaced.keys()]
  }
}

/** The names that a statement declares. */
export const namesOf = (statement: ts.Node): ReadonlyArray<string> => {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText())
  }
  return ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isFunctionDeclaration(statement)
    ? [statement.name?.text ?? ""]
    : []
}

const moduleOf = ({ moduleSpecifier }: ts.ImportDeclaration): string =>
  ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : ""

const importedBy = (declaration: ts.ImportDeclaration): Parts["effects"] => {
  const module = moduleOf(declaration)
  const { isTypeOnly = false, namedBindings } = declaration.importClause ?? {}
  if (namedBindings === undefined) return []
  if (ts.isNamespaceImport(namedBindings)) {
    return [{ module, name: undefined, local: namedBindings.name.text, isValue: !isTypeOnly }]
  }
  return namedBindings.elements.map((one) => ({
    module,
    name: (one.propertyName ?? one.name).text,
    local: one.name.text,
    isValue: !isTypeOnly && !one.isTypeOnly
  }))
}
