/**
 * The declarations behind `import "effect-session"` name no type of Node, so a project without `@types/node` can type-check
 * them.
 */
import { dirname, join, resolve } from "node:path"
import ts from "typescript"
import { expect, it } from "vitest"

const root = resolve(import.meta.dirname, "../..")

/** The declarations of `src` by file name, made without type-checking. */
const declarations = (): ReadonlyMap<string, string> => {
  const read = ts.getParsedCommandLineOfConfigFile(
    join(root, "tsconfig.build.json"),
    { emitDeclarationOnly: true, sourceMap: false, declarationMap: false },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => expect.fail(`${messageText}`)
    }
  )
  const emitted = new Map<string, string>()
  if (read === undefined) return emitted
  ts.createProgram(read.fileNames, read.options).emit(undefined, (file, text) =>
    emitted.set(file, text)
  )
  return emitted
}

const reachable = (from: string, texts: ReadonlyMap<string, string>): ReadonlySet<string> => {
  const found = new Set([from])
  // The loop also visits files that it adds to the set.
  for (const file of found) {
    for (const [, path = ""] of (texts.get(file) ?? "").matchAll(
      /(?:from |import\()"(\.[^"]+)\.js"/g
    )) {
      found.add(join(dirname(file), `${path}.d.ts`))
    }
  }
  return found
}

it("the declarations of the root name no type of Node", { timeout: 60_000 }, () => {
  const texts = declarations()
  const files = reachable(join(root, "dist/index.d.ts"), texts)

  expect(files.size).toBeGreaterThan(20)
  expect([...files].filter((file) => !texts.has(file))).toEqual([])
  expect(
    [...files].filter((file) => /"node:|\bBuffer\b|\bNodeJS\./.test(texts.get(file) ?? ""))
  ).toEqual([])
})
