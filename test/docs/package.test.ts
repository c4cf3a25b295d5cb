/** What the package promises before anybody runs it: what is in it, what it needs, what its pages tell to install. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { describe, expect, it } from "vitest"

const root = new URL("../..", import.meta.url).pathname
const read = (path: string): string => readFileSync(join(root, path), "utf8")

const manifest = JSON.parse(read("package.json"))

describe("the package", () => {
  it("is built before it is packed", () => {
    expect(manifest.scripts.prepack).toBe("npm run build")
  })

  it("links to nothing that does not exist", () => {
    const { bugs, homepage, repository } = manifest

    for (const link of [bugs?.url, homepage, repository?.url]) {
      if (link !== undefined) expect(link).toMatch(/^(git\+)?https:\/\//)
    }
  })

  it("asks for a Node that can require it", () => {
    expect(manifest.engines.node).toBe("^20.19.0 || >=22.12.0")
    expect(read("README.md")).toContain("Node 20.19 or newer, or 22.12 or newer")
  })
})

describe("the examples", () => {
  const examples = readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" })

  it.each(examples.filter((file) => file.endsWith(".ts")))(
    "%s imports the package by its name",
    (file) => {
      const code = read(join("examples", file))
      const outside = Array.from(
        code.matchAll(/from "((?:\.\.\/)+)([^"]*)"/g),
        ([, up = "", path]) => normalize(join(dirname(file), up, path ?? ""))
      )

      expect(outside.filter((path) => path.startsWith(".."))).toEqual([])
    }
  )
})

describe("what the README tells to install", () => {
  const install = read("README.md").match(/## Install[\s\S]*?\n## /)?.[0] ?? ""
  const named = Array.from(
    install.matchAll(/^(?:npm install|\| [^|]+ \|) `?([^`\n]+)`?/gm),
    ([, names = ""]) => names.split(" ")
  )
    .flat()
    .filter((name) => name.includes("@"))

  it("has at least a dozen packages", () => {
    expect(named.length).toBeGreaterThanOrEqual(12)
  })

  it.each(named)("%s has the version that is tested", (name) => {
    const [, packageName = "", version = ""] = /^(.+)@([\d.]+)$/.exec(name) ?? []

    expect(`${manifest.devDependencies[packageName]}.`).toMatch(new RegExp(`^${version}\\.`))
  })
})
