/** The compiler and the language service over a text that imports the library, as an editor sees it. */
import { join, resolve } from "node:path"
import ts from "typescript"

export const root = resolve(import.meta.dirname, "../..")

const file = join(root, "in-the-editor.ts")

const options: ts.CompilerOptions = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2023.d.ts"],
  types: ["node"],
  paths: {
    "effect-session": [join(root, "src/index.ts")],
    "effect-session/*": [join(root, "src/*.ts")]
  }
}

/** Opens a text in an editor. */
export const open = (text: string) => {
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [file],
    getScriptVersion: () => "1",
    getScriptSnapshot: (name) => {
      const content = name === file ? text : ts.sys.readFile(name)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (name) => name === file || ts.sys.fileExists(name),
    readFile: (name) => (name === file ? text : ts.sys.readFile(name)),
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories
  })
  const lineOf = (at: number) => text.slice(0, at).split("\n").length - 1
  return {
    program: service.getProgram() as ts.Program,
    /** The first line of each error, by the text of the line it stands on. */
    errors: (): ReadonlyMap<string, string> =>
      new Map(
        service
          .getSemanticDiagnostics(file)
          .map(({ messageText, start }) => [
            text.split("\n")[lineOf(start ?? 0)]?.trim() ?? "",
            ts.flattenDiagnosticMessageText(messageText, "\n").split("\n")[0] ?? ""
          ])
      ),
    /** What hovering shows below the type, on the name before the first bracket of some text. */
    hover: (of: string): string => {
      const at = text.indexOf(of) + of.indexOf("(") - 1
      return ts.displayPartsToString(service.getQuickInfoAtPosition(file, at)?.documentation)
    },
    /** What is offered between the quotes that end some text. */
    completions: (of: string): ReadonlyArray<string> => {
      const at = text.indexOf(of) + of.length
      const found = service.getCompletionsAtPosition(file, at, undefined)
      return (found?.entries ?? []).map(({ name }) => name)
    }
  }
}
