/**
 * The guides in the project of a reader: each block of code that stands by itself type-checks against the package as it is
 * packed, by the strictest options. (../examples.test.ts has the parts of code, and checks against the sources.)
 */
import { execFile } from "node:child_process"
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { promisify } from "node:util"
import { expect, it } from "vitest"

const root = resolve(import.meta.dirname, "../../..")
const guides = join(root, "docs/guides")

const tsc = (...options: ReadonlyArray<string>) =>
  promisify(execFile)(process.execPath, [
    join(root, "node_modules/typescript/bin/tsc"),
    ...options
  ]).then(
    () => "",
    ({ stdout }: { readonly stdout: string }) => stdout
  )

const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  noUnusedLocals: true,
  noEmit: true,
  skipLibCheck: true,
  module: "NodeNext",
  target: "ES2022",
  lib: ["ES2023"],
  types: ["node"]
}

/** The blocks by the files that they are saved as. */
const blocks = new Map(
  readdirSync(guides).flatMap((page) =>
    Array.from(
      readFileSync(join(guides, page), "utf8").matchAll(
        /^```ts(?: file=(\S+))?\n([\s\S]*?)^```$/gm
      ),
      ([, file, code = ""], index) => [file ?? `${page}.${index}.ts`, code] as const
    ).filter(([, code]) => /^import /m.test(code))
  )
)

/** An empty project that has installed the package, and beside it what this one has. */
const aProject = async (): Promise<string> => {
  const project = mkdtempSync(join(tmpdir(), "effect-session-guides-"))
  const modules = join(project, "node_modules")
  const own = join(modules, "effect-session")
  mkdirSync(own, { recursive: true })
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(modules, name))
  }
  cpSync(join(root, "package.json"), join(own, "package.json"))
  const emit = ["--emitDeclarationOnly", "--declarationMap", "false", "--sourceMap", "false"]
  expect(
    await tsc("-p", join(root, "tsconfig.build.json"), ...emit, "--outDir", join(own, "dist"))
  ).toBe("")
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }')
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }))
  return project
}

// The declarations of the package are made for it, which takes a while on a busy machine.
it("the code of the guides type-checks where the package is installed", {
  timeout: 300_000
}, async () => {
  const project = await aProject()
  for (const [file, code] of blocks) {
    mkdirSync(dirname(join(project, file)), { recursive: true })
    writeFileSync(join(project, file), code)
  }

  const found = await tsc("-p", project)
  rmSync(project, { recursive: true })

  expect(blocks.size).toBeGreaterThan(15)
  expect(found).toBe("")
})
