/** `--help`: what it tells, and how little it loads. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { catalogue } from "../../src/internal/cli/commands.js"
import { inPlace, runAsProcess } from "./support.js"

describe("effect-session --help", () => {
  it("names every command, the variables, and how the command is written", () =>
    inPlace(async ({ run }) => {
      const [bare, help] = [await run([]), await run(["--help"])]

      expect(help).toMatchObject({ code: 0, errors: "" })
      expect(bare.output).toBe(help.output)
      expect(help.output).toMatch(/^Usage: effect-session <command> \[options\]$/m)
      for (const name of catalogue.keys())
        expect(help.output).toMatch(new RegExp(`^  ${name} `, "m"))
      for (const variable of ["SESSION_DRIVER", "SESSION_FILES", "DATABASE_URL", "SESSION_TABLE"]) {
        expect(help.output).toContain(`  ${variable} `)
      }
    }))

  it.each([...catalogue.keys()])("of %s shows every option with its default", (name) =>
    inPlace(async ({ run }) => {
      const { output } = await run([name, "-h"])
      const text = output.replace(/\s+/g, " ")

      expect(output).toMatch(new RegExp(`^Usage: effect-session ${name} `))
      for (const { description, usage } of catalogue.get(name)?.options ?? []) {
        expect(output).toContain(`  ${usage}`)
        expect(text).toContain(description)
      }
      expect(text).toContain("Default: storage/sessions.")
    })
  )

  it("fits the terminal", () =>
    inPlace(async ({ run }) => {
      for (const args of [["--help"], ["audit", "--help"], ["copy", "--help"]]) {
        const { output } = await run(args, {}, { width: 80, hasColours: false })
        for (const line of output.split("\n")) expect(line.length).toBeLessThanOrEqual(80)
      }
    }))

  it("loads no store, no driver and nothing of HTTP", { timeout: 60_000 }, () =>
    inPlace(async ({ directory }) => {
      const [hook, log] = [join(directory, "hook.mjs"), join(directory, "loaded")]
      writeFileSync(
        hook,
        `import { register } from "node:module"
        import { appendFileSync } from "node:fs"
        if (import.meta.url.endsWith("#hook")) { /* the hooks' own thread */ }
        else register(import.meta.url + "#hook")
        export const load = (url, context, next) => {
          appendFileSync(${JSON.stringify(log)}, url + "\\n")
          return next(url, context)
        }`
      )

      const help = await runAsProcess(directory, ["list", "--help"], {
        NODE_OPTIONS: `--import ${hook}`
      })

      const loaded = readFileSync(log, "utf8").split("\n")
      const ours = loaded.flatMap((url) => /\/src\/(.*)\.ts$/.exec(url)?.[1] ?? [])
      const foreign = /@effect\/sql|\/better-sqlite3\/|\/(?:pg|mysql2)\/|\/Http\w*\.js$/
      expect(help.output).toContain("Usage: effect-session list")
      expect(ours.filter((name) => !name.startsWith("internal/cli/")).sort()).toEqual([
        "cli",
        "internal/env/optionalPackages"
      ])
      expect(ours).toContain("internal/cli/commands")
      expect(ours).not.toContain("internal/cli/look")
      expect(loaded.filter((url) => foreign.test(url))).toEqual([])
    })
  )
})
