/** Reads from the source what the public modules export: names, docs, and signatures as the compiler declares them. */
import { join, relative } from "node:path"
import ts from "typescript"

export interface Export {
  readonly name: string
  readonly docs: string
  readonly examples: ReadonlyArray<string>
  readonly category: string
  readonly since: string
  /** The declaration with all its overloads, as TypeScript. */
  readonly signature: string
}

export interface Module {
  readonly name: string
  readonly docs: string
  readonly examples: ReadonlyArray<string>
  readonly exports: ReadonlyArray<Export>
}

interface Source {
  readonly program: ts.Program
  readonly checker: ts.TypeChecker
  /** The declarations of a file of the source. */
  readonly declarationsOf: (file: string) => ts.SourceFile
}

const read = (root: string): Source => {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, "tsconfig.build.json"),
    { emitDeclarationOnly: true, sourceMap: false, declarationMap: false },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"))
      }
    }
  )
  if (config === undefined) throw new Error("There is no tsconfig.build.json.")
  const program = ts.createProgram(config.fileNames, config.options)
  const emitted = new Map<string, ts.SourceFile>()
  program.emit(undefined, (file, text) => {
    emitted.set(
      relative(join(root, "dist"), file).replace(/\.d\.ts$/, ".ts"),
      ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    )
  })
  const declarationsOf = (file: string) => {
    const found = emitted.get(relative(join(root, "src"), file))
    if (found === undefined) throw new Error(`${file} has no declarations.`)
    return found
  }
  return { program, checker: program.getTypeChecker(), declarationsOf }
}

/** Reads the modules of these names, which are files of `src`. */
export const modulesOf = (root: string, names: ReadonlyArray<string>): ReadonlyArray<Module> => {
  const source = read(root)
  return names.map((name) => moduleOf(source, join(root, "src", `${name}.ts`), name))
}

const moduleOf = (source: Source, path: string, name: string): Module => {
  const file = source.program.getSourceFile(path)
  const symbol = file && source.checker.getSymbolAtLocation(file)
  if (file === undefined || symbol === undefined) throw new Error(`${path} is not a module.`)
  const exports = source.checker
    .getExportsOfModule(symbol)
    .map((exported) => exportOf(source, exported))
  return { name, ...headerOf(file), exports }
}

/** The comment at the top of a file. */
const headerOf = (file: ts.SourceFile) => {
  const [comment] = file.statements.flatMap((statement) =>
    ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc)
  )
  return {
    docs: ts.getTextOfJSDocComment(comment?.comment) ?? "",
    examples: (comment?.tags ?? [])
      .filter((tag) => tag.tagName.text === "example")
      .map((tag) => (ts.getTextOfJSDocComment(tag.comment) ?? "").trim())
  }
}

const exportOf = ({ checker, declarationsOf }: Source, symbol: ts.Symbol): Export => {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  const tags = documented(symbol, checker).getJsDocTags(checker)
  const textsOf = (name: string) =>
    tags.filter((tag) => tag.name === name).map(({ text }) => ts.displayPartsToString(text).trim())
  return {
    name: symbol.name,
    docs: ts.displayPartsToString(documented(symbol, checker).getDocumentationComment(checker)),
    examples: textsOf("example"),
    category: textsOf("category")[0] ?? "exports",
    since: textsOf("since")[0] ?? "",
    signature: signatureOf(symbol.name, target, checker, declarationsOf)
  }
}

/** A symbol with docs: a namespace has them on the statement that exports it. */
const documented = (symbol: ts.Symbol, checker: ts.TypeChecker) => {
  if (symbol.getJsDocTags(checker).length > 0) return symbol
  const statement = symbol.declarations?.find(ts.isNamespaceExport)?.parent
  const comments = statement === undefined ? [] : ts.getJSDocCommentsAndTags(statement)
  const comment = comments.find(ts.isJSDoc)
  const texts = (comment?.tags ?? []).map((tag) => ({
    name: tag.tagName.text,
    text: [{ kind: "text", text: ts.getTextOfJSDocComment(tag.comment) ?? "" }]
  }))
  return {
    getJsDocTags: () => texts,
    getDocumentationComment: () => [
      { kind: "text", text: ts.getTextOfJSDocComment(comment?.comment) ?? "" }
    ]
  }
}

const signatureOf = (
  name: string,
  target: ts.Symbol,
  checker: ts.TypeChecker,
  declarationsOf: Source["declarationsOf"]
): string => {
  const [declaration] = target.declarations ?? []
  if (declaration === undefined) throw new Error(`${name} is declared nowhere.`)
  if (ts.isSourceFile(declaration)) {
    const names = checker.getExportsOfModule(target).map((exported) => exported.name)
    return `declare namespace ${name} {\n  export { ${names.join(", ")} }\n}`
  }
  const statements = declarationsOf(declaration.getSourceFile().fileName).statements
  const named = statements.filter((statement) => namesOf(statement).includes(target.name))
  const base = statements.find((statement) => namesOf(statement).includes(`${target.name}_base`))
  return named.map((statement) => textOf(statement, base)).join("\n")
}

const namesOf = (statement: ts.Statement): ReadonlyArray<string> => {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText())
  }
  // Each of the other statements that have a name has it here.
  const { name } = statement as { name?: ts.Node }
  return name === undefined ? [] : [name.getText()]
}

/** The text of a declaration. A class says what it extends, which the compiler keeps in a constant of its own. */
const textOf = (statement: ts.Statement, base: ts.Statement | undefined): string => {
  const text = statement.getText()
  if (base === undefined || !ts.isVariableStatement(base)) return tidy(text)
  const type = base.declarationList.declarations[0]?.type
  const fields = type === undefined ? undefined : errorFieldsOf(type)
  return fields === undefined
    ? tidy(text.replace(/extends \w+_base/, () => `extends ${type?.getText()}`))
    : `${/^.*class \w+/.exec(text)?.[0]} extends Schema.TaggedError { ${fields} }`
}

/** The fields of a tagged error, whose type has them as schemas: the tag in a part of its own, the others in another. */
const errorFieldsOf = (type: ts.TypeNode): string | undefined => {
  if (!type.getText().startsWith("Schema.TaggedErrorClass<")) return undefined
  const members: Array<string> = []
  const visit = (node: ts.Node): void => {
    if (ts.isPropertySignature(node)) {
      members.push(`readonly ${node.name.getText()}: ${plain(node.type?.getText() ?? "")}`)
    } else {
      ts.forEachChild(node, visit)
    }
  }
  visit(type)
  return members.join("; ")
}

/** The type that a schema of a field stands for. */
const plain = (schema: string): string => {
  if (schema === "typeof Schema.String") return "string"
  const [, literals] = /^Schema\.(?:tag<|Literal<\[)([^\]>]+)\]?>$/.exec(schema) ?? []
  return literals === undefined ? schema : literals.split(", ").join(" | ")
}

/** Without what only tools read. */
const tidy = (text: string): string =>
  text
    .replace(/^\s*\* @(?:since|category) .*\n/gm, "")
    .replace(/(?:^\s*\*\n)+(?=\s*\*\/)/gm, "")
    .replace(/\/\*\*\n\s*\* (.*)\n\s*\*\//g, "/** $1 */")
    .replace(/import\("[^"]+"\)\./g, "")
    .replace(/^export declare /, "declare ")
