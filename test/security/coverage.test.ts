/** The tables of docs/security.md list every rule and every attack, and each has a test that names it. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"

const root = join(import.meta.dirname, "../..")

const idsOf = (letter: string, count: number, width: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `${letter}${`${index + 1}`.padStart(width, "0")}`)

const expected = [...idsOf("R", 57, 2), ...idsOf("A", 60, 1)]

interface Row {
  readonly id: string
  readonly sources: ReadonlyArray<string>
  readonly tests: ReadonlyArray<string>
}

const rows: ReadonlyArray<Row> = Array.from(
  readFileSync(join(root, "docs/security.md"), "utf8").matchAll(
    /^\| ([RA]\d+) \|[^|]+\|([^|]+)\|([^|]+)\|$/gm
  ),
  ([, id = "", sources = "", tests = ""]) => ({
    id,
    sources: namesIn(sources),
    tests: namesIn(tests).map((name) => `test/${name}`)
  })
)

function namesIn(cell: string): ReadonlyArray<string> {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = ""]) => name)
}

/** True when a string in the file contains the id, as test titles do. Comments do not count. */
const isNamed = (file: string, id: string): boolean =>
  readFileSync(join(root, file), "utf8")
    .split("\n")
    .filter((line) => !/^\s*(?:\/\/|\/?\*)/.test(line))
    .some((line) => new RegExp(`["\`][^"\`]*\\b${id}\\b[^"\`]*["\`]`).test(line))

describe("docs/security.md", () => {
  it("has each rule and each attack once, in order", () => {
    expect(rows.map(({ id }) => id)).toEqual(expected)
  })

  for (const { id, sources, tests } of rows) {
    it(`names for ${id} files that exist, and tests that name it`, () => {
      expect(sources.length).toBeGreaterThan(0)
      expect(sources.filter((file) => !existsSync(join(root, file)))).toEqual([])
      expect(tests.length).toBeGreaterThan(0)
      expect(tests.filter((file) => !isNamed(file, id))).toEqual([])
    })
  }
})

describe("src", () => {
  it("R01 makes nothing but pauses of Math.random", () => {
    const using = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .filter((name) =>
        readFileSync(join(root, "src", name), "utf8")
          .split("\n")
          .some((line) => line.includes("Math.random") && !/pause\(|millis/i.test(line))
      )

    expect(using).toEqual([])
  })
})
