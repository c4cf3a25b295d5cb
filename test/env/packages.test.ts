/** The versions that messages and pages name are those that the package wants. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { installing, type OptionalPackage } from "../../src/internal/env/optionalPackages.js"

const root = new URL("../../", import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), "utf8")
const manifest = JSON.parse(read("package.json"))
const wanted: Readonly<Record<string, string>> = manifest.peerDependencies
/** With what tests are to install, which is no peer. */
const installed: Readonly<Record<string, string>> = { ...manifest.devDependencies, ...wanted }

/** The line of versions a range is for: ">=0.77.2 <0.78" gives "0.77", "^3.22.0" gives "3". */
const lineOf = (range: string): string =>
  /^(?:>=)?(0\.\d+)\./.exec(range)?.[1] ??
  /^~(\d+\.\d+)\./.exec(range)?.[1] ??
  /^\^(\d+)\./.exec(range)?.[1] ??
  range

const optional = Object.keys(wanted).filter(
  (name) => name.startsWith("@effect/") && name !== "@effect/platform"
) as ReadonlyArray<OptionalPackage>

it.each(optional)("%s is installed at the version that fits", (name) => {
  expect(installing([name])).toBe(`npm install ${name}@${lineOf(wanted[name] ?? "")}`)
})

it.each(["README.md", "docs/databases.md"])("%s names no other versions", (page) => {
  const named = [...read(page).matchAll(/(?<![\w/])((?:@effect\/[\w-]+)|effect)@([\d.]*\d)/g)]

  expect(named.length).toBeGreaterThan(2)
  for (const [, name = "", version] of named) {
    expect(`${name}@${version}`).toBe(`${name}@${lineOf(installed[name] ?? "")}`)
  }
})
