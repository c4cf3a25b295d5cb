/** What people see: how much, how wide, in which colours. */
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { wantsColours } from "../../src/internal/cli/format.js"
import { aRecord, filesIn, inPlace, seed } from "./support.js"

const agent = `Mozilla/5.0 (X11; Linux x86_64; rv:131.0) ${"Gecko/20100101 ".repeat(5)}Firefox/131.0`

/** Users with two sessions each, from two addresses. */
const users = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    ["192.0.2.1", "192.0.2.2"].map((ipAddress) =>
      aRecord({ userId: `user${index}`, ipAddress, userAgent: agent })
    )
  ).flat()

describe("--limit", () => {
  it("bounds what list, active, stats and audit show, as text and as JSON, and how many more there are", () =>
    inPlace(async ({ files, run }) => {
      await seed(filesIn(files), users(3))

      for (const [command, shown, more] of [
        ["list", 2, 4],
        ["active", 2, 4],
        ["audit", 2, 1]
      ] as const) {
        const json = await run([command, "--json", "--limit", "2"])
        const text = await run([command, "--limit", "2"])

        expect([command, JSON.parse(json.output).length]).toEqual([command, shown])
        expect([json.errors, text.errors]).toEqual([
          `${more} more: --limit\n`,
          `${more} more: --limit\n`
        ])
      }
      const stats = await run(["stats", "--json", "--limit", "2"])
      expect(JSON.parse(stats.output).suspicious).toHaveLength(2)
      expect(JSON.parse(stats.output).usage.sessions).toBe(6)
      expect(stats.errors).toBe("1 more: --limit\n")
    }))

  it("says nothing where all is shown, and refuses what is no number of at least 1", () =>
    inPlace(async ({ files, run }) => {
      await seed(filesIn(files), users(1))

      for (const command of ["list", "active", "stats", "audit"]) {
        const all = await run([command, "--limit", "2"])
        expect([command, all.code, all.errors]).toEqual([command, 0, ""])
      }
      for (const wrong of ["0", "1.5", "many", "1e3", "99999999999"]) {
        const outcome = await run(["active", "--limit", wrong])
        expect([wrong, outcome.code, outcome.output]).toEqual([wrong, 1, ""])
        expect(outcome.errors).toBe("--limit must be a whole number of at least 1.\n")
      }
    }))
})

describe("tables", () => {
  it.each([60, 80, 100, 140])("fit a terminal of %i columns, and keep ids whole", (width) =>
    inPlace(async ({ files, run }) => {
      const sessions = [
        ...users(2),
        aRecord({ userId: `\u7528\u6237${"\u{1f600}".repeat(30)}`, userAgent: null })
      ]
      await seed(filesIn(files), sessions)

      const list = await run(["list"], {}, { width, hasColours: false })

      const lines = list.output.trimEnd().split("\n")
      const widths = lines.filter((line) => !line.startsWith("(")).map(columnsOf)
      expect(Math.max(...widths)).toBeLessThanOrEqual(width)
      for (const { id } of sessions) expect(list.output).toContain(id)
    })
  )

  it("show both ends of an agent, and say which columns have no room", () =>
    inPlace(async ({ files, run }) => {
      await seed(filesIn(files), [aRecord({ userId: "ada", userAgent: agent })])

      const wide = await run(["list"], {}, { width: 150, hasColours: false })
      const narrow = await run(["list"], {}, { width: 80, hasColours: false })
      const piped = await run(["list"])

      expect(wide.output).toMatch(/Mozilla\S*.*\u2026.*Firefox\/131\.0/)
      expect(narrow.output).toContain("(no room for expires, agent, bytes;")
      expect(piped.output).toContain(agent)
    }))
})

/** The columns of a line whose wide characters are those of this test. */
const columnsOf = (line: string): number =>
  Array.from(line).reduce((sum, one) => sum + (one > "\u2e80" ? 2 : 1), 0)

describe("colours", () => {
  it("are shown where the screen has them, and nowhere else", () =>
    inPlace(async ({ directory, files, run }) => {
      await seed(filesIn(files), [aRecord()])
      const missing = { SESSION_FILES: join(directory, "typo") }
      const screen = { width: undefined, hasColours: true }

      const coloured = await run(["doctor"], missing, screen)
      const help = await run(["list", "--help"], {}, screen)
      const plain = [
        await run(["doctor"], missing),
        await run(["list"]),
        await run(["stats"]),
        await run(["list", "--help"]),
        await run(["nonsense"]),
        await run(["--completions", "bash"])
      ]

      expect(coloured.output).toContain("\u001b[31mFAILED\u001b[0m")
      expect(help.output).toContain("\u001b[1mOptions\u001b[0m")
      for (const { errors, output } of plain) expect(output + errors).not.toContain("\u001b")
    }))

  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "" }, true, true],
    [{ TERM: "dumb" }, true, false],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ FORCE_COLOR: "1", NO_COLOR: "1" }, false, true]
  ])("follow %o on a terminal (%s): %s", (variables, isTerminal, expected) => {
    expect(wantsColours(variables, isTerminal)).toBe(expected)
  })
})
