/** The Effect 3 source as a TypeScript program, so that a rule asks what a name is and not how it is written. */
import { join, relative } from "node:path"
import ts from "typescript"

/** The source as the compiler sees it. */
export interface Source {
  /** The file at a path below the root. */
  readonly file: (path: string) => ts.SourceFile
  readonly checker: ts.TypeChecker
}

/** Loads what `tsconfig.json` in `root` includes. `extra` are files that exist in memory only, by their paths. */
export const load = (root: string, extra: ReadonlyMap<string, string>): Source => {
  const config = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile)
  const { fileNames, options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root)
  const host = ts.createCompilerHost(options, true)
  const inMemory = (name: string) => extra.get(relative(root, name))
  const program = ts.createProgram({
    rootNames: [...fileNames, ...[...extra.keys()].map((path) => join(root, path))],
    options,
    host: {
      ...host,
      fileExists: (name) => inMemory(name) !== undefined || host.fileExists(name),
      readFile: (name) => inMemory(name) ?? host.readFile(name),
      getSourceFile: (name, version, ...more) => {
        const text = inMemory(name)
        return text === undefined
          ? host.getSourceFile(name, version, ...more)
          : ts.createSourceFile(name, text, version, true)
      }
    }
  })
  // Without its types every name of Effect 3 would be an unknown one, and be left as it is.
  if (
    !program.getSourceFiles().some(({ fileName }) => fileName.includes("/node_modules/effect/"))
  ) {
    throw new Error("Effect 3 is not installed: run npm ci in the repository.")
  }
  return {
    checker: program.getTypeChecker(),
    file: (path) => {
      const file = program.getSourceFile(join(root, path))
      if (file === undefined) throw new Error(`${path} is not in the program of tsconfig.json.`)
      return file
    }
  }
}
