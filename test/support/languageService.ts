/** TypeScript's language service over texts that import the library as a user's project does. */
import { join, resolve } from "node:path"
import ts from "typescript"

/** The directory of the project. */
export const root = resolve(import.meta.dirname, "../..")

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

/** Makes the service of texts, by the names of the files that they stand for. */
export const languageServiceOf = (texts: ReadonlyMap<string, string>): ts.LanguageService =>
  ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [...texts.keys()],
    getScriptVersion: () => "1",
    getScriptSnapshot: (name) => {
      const content = texts.get(name) ?? ts.sys.readFile(name)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (name) => texts.has(name) || ts.sys.fileExists(name),
    readFile: (name) => texts.get(name) ?? ts.sys.readFile(name),
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories
  })

/** The program of a service, for a test that type-checks. */
export const programOf = (service: ts.LanguageService): ts.Program => {
  const program = service.getProgram()
  if (program === undefined) throw new Error("The language service has no program.")
  return program
}
