/** The rooms of docs/architecture.md: the page lists those that there are, and no file imports itself in a circle. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { describe, expect, it } from "vitest"

const source = "src"
const page = readFileSync("docs/architecture.md", "utf8")

const foldersIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(source, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${folder}/${name}`)

const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".ts")
)

/** What a file of `src` imports from `src`, types included. */
const importsOf = (file: string): ReadonlyArray<string> => {
  const text = readFileSync(join(source, file), "utf8")
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)\.js"/g)].map(
    ([, path]) => `${normalize(join(dirname(file), path ?? ""))}.ts`
  )
}

describe("docs/architecture.md", () => {
  it("lists every room, and no other", () => {
    const listed = [...page.matchAll(/^\| `((?:core|internal)\/\w+)` \|/gm)].map(([, room]) => room)

    expect(listed.sort()).toEqual([...foldersIn("core"), ...foldersIn("internal")].sort())
  })

  it("names only files that exist", () => {
    const named = [...page.matchAll(/`((?:[\w-]+\/)*[\w-]+\.ts)`/g)].map(([, name]) => name ?? "")
    const missing = named.filter(
      (name) => !files.some((file) => file === name || file.endsWith(`/${name}`))
    )

    expect(missing.filter((name) => !name.startsWith("test/"))).toEqual([])
  })
})

describe("the sources", () => {
  it("have no file that lies outside a room", () => {
    const outside = files.filter((file) => /^(?:core|internal)\/[^/]+\.ts$/.test(file))

    expect(outside).toEqual([])
  })

  it("have no circle of imports, types included", () => {
    const done = new Set<string>()
    const circles: Array<string> = []
    const visit = (file: string, path: ReadonlyArray<string>): void => {
      const at = path.indexOf(file)
      if (at >= 0) circles.push([...path.slice(at), file].join(" -> "))
      if (at >= 0 || done.has(file)) return
      for (const imported of importsOf(file)) visit(imported, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])

    expect(circles).toEqual([])
  })
})
