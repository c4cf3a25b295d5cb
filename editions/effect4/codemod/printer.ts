/**
 * Prints a file of the Effect 3 source as Effect 4. A rule prints the node it knows; every other node is printed as it
 * stands, with its children printed by the rules.
 */
import { dirname, relative } from "node:path"
import ts from "typescript"
import { Imports } from "./imports.js"
import { isEffect, type Member, type Module, type Origin } from "./origin.js"
import { noParts, type Parts } from "./parts.js"
import {
  callRules,
  nameRules,
  nodeRules,
  readRules,
  renamedProperties,
  telltales
} from "./rules/index.js"
import { isKnown, moduleIn4, nameIn4 } from "./vocabulary.js"

/** What a rule may ask and do. */
export interface Printer {
  readonly checker: ts.TypeChecker
  readonly origin: Origin
  /** The text of a node, printed by the rules. */
  readonly print: (node: ts.Node) => string
  /** A call of a member that has a rule for some of its forms: this form needs no more than its name. */
  readonly plain: (call: ts.CallExpression) => string
  /** The text of a node as it stands. */
  readonly source: (node: ts.Node) => string
  /** A module of Effect 4 that the result uses; gives its name there. */
  readonly use: (module: Module, isValue?: boolean) => string
  /** A file of the result, by its path. */
  readonly useOwn: (path: string, local: string) => string
  /** An export of a module of Effect 4 that the result uses by its own name. */
  readonly useNamed: (module: Module, name: string) => string
  /** Refuses a node: says why and where. */
  readonly refuse: (node: ts.Node, why: string) => string
}

/** What all files share. */
export interface Session {
  readonly checker: ts.TypeChecker
  readonly origin: Origin
  /** The directory of the source. */
  readonly root: string
  /** What a rule had to refuse, and names that are in no table. */
  readonly complaints: Set<string>
}

export const printFile = (
  file: ts.SourceFile,
  { checker, complaints, origin, root }: Session,
  parts: Parts = noParts
): string => {
  const { text } = file
  const imports = new Imports(usesBarrels(file) ? "barrel" : "namespace")
  const locals = declaredIn(file)

  /** The way to a file of the result, from this one. */
  const pathTo = (target: string): string => {
    const way = relative(dirname(relative(root, file.fileName)), target)
    return way.startsWith(".") ? way : `./${way}`
  }

  const refuse = (node: ts.Node, why: string): string => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart(file))
    complaints.add(`${relative(process.cwd(), file.fileName)}:${line + 1}: ${why}`)
    return node.getText(file)
  }
  const use = (module: Module, isValue = true): string => {
    const name = module.slice(module.lastIndexOf("/") + 1)
    return imports.module(module, locals.has(name) ? `Effect${name}` : name, isValue)
  }

  /** The name under which the result has a module of Effect 3. */
  const printNamespace = (node: ts.Identifier, module: Module): string => {
    const to = moduleIn4(module)
    if (to === undefined) return refuse(node, `${module} is in no table.`)
    if (to.startsWith("./")) return imports.own(pathTo(to), "Effect3", isValue(node))
    const isOwnName = node.text !== module.slice(module.lastIndexOf("/") + 1)
    return isOwnName ? imports.module(to, node.text, isValue(node)) : use(to, isValue(node))
  }

  /** A name of a module that stands where no rule is for it. */
  const printMember = (
    node: ts.PropertyAccessExpression | ts.QualifiedName | ts.Identifier,
    member: Member
  ): string => {
    if (!isKnown(member)) return refuse(node, `${member} is in no table.`)
    const name = nameIn4(member)
    if (ts.isPropertyAccessExpression(node)) return `${print(node.expression)}.${name}`
    if (ts.isQualifiedName(node)) return `${print(node.left)}.${name}`
    const module = moduleIn4(member.slice(0, member.lastIndexOf(".")))
    if (module === undefined) return refuse(node, `The module of ${member} is in no table.`)
    const isRenamed = node.text !== member.slice(member.lastIndexOf(".") + 1)
    return imports.named(module, name, isRenamed ? node.text : name, isValue(node))
  }

  const print = (node: ts.Node): string => printed(node) ?? spliced(node)

  const printed = (node: ts.Node): string | undefined => {
    if (ts.isImportDeclaration(node)) return printImport(node)
    if (ts.isStringLiteral(node) && isImported(node)) return printModule(node)
    for (const rule of nodeRules) {
      const result = rule(node, printer)
      if (result !== undefined) return result
    }
    if (ts.isCallExpression(node)) {
      const member = origin.exported(node.expression)
      const rule = member === undefined ? undefined : callRules.get(member)
      if (rule !== undefined) return asBody(node, rule(node, printer))
      if (ts.isPropertyAccessExpression(node.expression)) {
        const read = origin.read(node.expression)
        const method = read === undefined ? undefined : callRules.get(read)
        if (method !== undefined && member === undefined) return method(node, printer)
      }
    }
    if (isName(node)) {
      const member = origin.exported(node)
      if (member !== undefined && isEffect(member)) {
        const rule = nameRules.get(member)
        if (rule !== undefined) return rule(node, printer)
        if (callRules.has(member)) {
          return refuse(node, `${member} is only known where it is called.`)
        }
        return printMember(node, member)
      }
      const module = origin.namespace(node)
      if (module !== undefined && ts.isIdentifier(node)) return printNamespace(node, module)
    }
    if (ts.isPropertyAccessExpression(node)) {
      const member = origin.read(node)
      const rule = member === undefined ? undefined : readRules.get(member)
      if (rule !== undefined) return rule(print(node.expression), printer)
      const name = member === undefined ? undefined : renamedProperties.get(member)
      if (name !== undefined) {
        const dot = node.questionDotToken === undefined ? "." : "?."
        return `${print(node.expression)}${dot}${name}`
      }
    }
    return printKey(node)
  }

  /** A key of an object that Effect's types describe, given or taken. */
  const printKey = (node: ts.Node): string | undefined => {
    if (
      !ts.isPropertyAssignment(node) &&
      !ts.isShorthandPropertyAssignment(node) &&
      !ts.isBindingElement(node) &&
      !ts.isMethodDeclaration(node)
    )
      return undefined
    const key = ts.isBindingElement(node) ? (node.propertyName ?? node.name) : node.name
    if (!ts.isIdentifier(key)) return undefined
    const object = node.parent
    if (!ts.isObjectLiteralExpression(object) && !ts.isObjectBindingPattern(object))
      return undefined
    const member = origin.key(key, object)
    const name = member === undefined ? undefined : renamedProperties.get(member)
    if (name === undefined && telltales.has(key.text)) {
      return refuse(node, `Nothing says what ${key.text} belongs to.`)
    }
    if (name === undefined) return printShorthand(node)
    if (ts.isPropertyAssignment(node)) return `${name}: ${print(node.initializer)}`
    if (ts.isShorthandPropertyAssignment(node)) return `${name}: ${print(node.name)}`
    if (ts.isBindingElement(node)) {
      const otherwise = node.initializer === undefined ? "" : ` = ${print(node.initializer)}`
      return `${name}: ${print(node.name)}${otherwise}`
    }
    return `${name}${text.slice(node.name.end, node.end)}`
  }

  /** `{ Effect }`, where the module has another name now. */
  const printShorthand = (node: ts.Node): string | undefined => {
    if (!ts.isShorthandPropertyAssignment(node)) return undefined
    const name = print(node.name)
    return name === node.name.text ? undefined : `${node.name.text}: ${name}`
  }

  /** `import("module")`, also as a type. */
  const printModule = (node: ts.StringLiteral): string => {
    if (!isEffect(node.text)) return node.getText(file)
    const module = moduleIn4(node.text)
    return module === undefined ? refuse(node, `${node.text} is in no table.`) : `"${module}"`
  }

  /** Effect's imports are made anew at the end. */
  const printImport = (node: ts.ImportDeclaration): string => {
    const from = ts.isStringLiteral(node.moduleSpecifier) ? node.moduleSpecifier.text : ""
    return isEffect(from) && node.importClause !== undefined ? importMark : node.getText(file)
  }

  /** A node as it stands, with its children printed; the file's statements may be replaced by those of an overlay. */
  const spliced = (node: ts.Node, printChild: (child: ts.Node) => string = print): string => {
    const children: Array<ts.Node> = []
    ts.forEachChild(node, (child) => {
      children.push(child)
    })
    children.sort((one, other) => one.pos - other.pos)
    let at = ts.isSourceFile(node) ? 0 : node.getStart(file)
    let result = ""
    for (const child of children) {
      const replaced = ts.isSourceFile(node) ? parts.replacing(child) : undefined
      const between = text.slice(at, child.getStart(file))
      result += replaced?.hasComment === true ? "\n\n" : between
      result += replaced?.text ?? printChild(child)
      at = child.end
    }
    return result + text.slice(at, node.end)
  }

  const plain = (call: ts.CallExpression): string => {
    const callee = call.expression
    const member = origin.exported(callee)
    return spliced(call, (child) =>
      child === callee && member !== undefined && isName(callee)
        ? printMember(callee, member)
        : print(child)
    )
  }

  const printer: Printer = {
    checker,
    plain,
    origin,
    print,
    use,
    useOwn: (path, local) => imports.own(pathTo(path), local, true),
    useNamed: (module, name) => imports.named(module, name, name, true),
    refuse,
    source: (node) => node.getText(file)
  }
  const printed4 = spliced(file) + parts.added
  for (const { isValue, local, module, name } of parts.effects) {
    if (name === undefined) imports.module(module, local, isValue)
    else imports.named(module, name, local, isValue)
  }
  return withImports(printed4, `${imports}\n${parts.imports}`.trim(), file)
}

/** An object that is all of an arrow function needs parentheses. */
const asBody = (node: ts.Node, text: string): string =>
  ts.isArrowFunction(node.parent) && node.parent.body === node && text.startsWith("{")
    ? `(${text})`
    : text

/** Stands where an import of Effect was. */
const importMark = "\u0000"

const withImports = (printed: string, imports: string, file: ts.SourceFile): string => {
  const [before, ...after] = printed.split(importMark)
  if (before === undefined || after.length === 0) {
    if (imports === "") return printed
    throw new Error(`${file.fileName} needs ${imports}, and imports nothing from Effect.`)
  }
  // Each mark leaves its line.
  const rest = after.map((part) => part.replace(/^\r?\n/, "")).join("")
  return `${before}${imports}\n${rest}`
}

const usesBarrels = (file: ts.SourceFile): boolean =>
  file.statements.some(
    (statement) =>
      ts.isImportDeclaration(statement) &&
      ts.isStringLiteral(statement.moduleSpecifier) &&
      /^(?:effect|@effect\/(?:platform|sql|platform-node))$/.test(statement.moduleSpecifier.text)
  )

/** The names that a file declares at its top. */
const declaredIn = (file: ts.SourceFile): ReadonlySet<string> =>
  new Set(
    file.statements.flatMap((statement) => {
      if (ts.isVariableStatement(statement)) {
        return statement.declarationList.declarations.map(({ name }) => name.getText(file))
      }
      return ts.isClassDeclaration(statement) ||
        ts.isInterfaceDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement)
        ? [statement.name?.text ?? ""]
        : []
    })
  )

/** Whether a text is the module of a dynamic import. */
const isImported = ({ parent }: ts.StringLiteral): boolean =>
  (ts.isCallExpression(parent) && parent.expression.kind === ts.SyntaxKind.ImportKeyword) ||
  (ts.isLiteralTypeNode(parent) && ts.isImportTypeNode(parent.parent))

/** Whether a node may name a member of a module: not the name of a property, and no declaration. */
const isName = (
  node: ts.Node
): node is ts.PropertyAccessExpression | ts.QualifiedName | ts.Identifier => {
  if (ts.isPropertyAccessExpression(node) || ts.isQualifiedName(node)) return true
  if (!ts.isIdentifier(node)) return false
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isQualifiedName(parent)) return parent.left === node
  if (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent)) return parent.name !== node
  return !ts.isImportSpecifier(parent)
}

/** Whether a name is needed when the program runs. */
const isValue = (node: ts.Node): boolean => {
  for (let at = node; ; at = at.parent) {
    const { parent } = at
    if (ts.isQualifiedName(parent)) continue
    if (ts.isPropertyAccessExpression(parent) && parent.expression === at) continue
    if (ts.isExpressionWithTypeArguments(parent)) {
      const clause = parent.parent
      return !(
        ts.isHeritageClause(clause) &&
        (clause.token === ts.SyntaxKind.ImplementsKeyword ||
          ts.isInterfaceDeclaration(clause.parent))
      )
    }
    return !ts.isTypeNode(parent)
  }
}
