/** The READMEs of the examples: they list every example, and what they say of a visit is what a shell says. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { touring } from "../docs/guides/harness.js"
import { isOnPath } from "../support/process.js"

const examples = resolve(import.meta.dirname, "../../examples")
const names = readdirSync(examples).filter((name) => !name.includes("."))
const read = (path: string): string => readFileSync(join(examples, path), "utf8")

it("examples/README.md lists every example, and links to files that are there", () => {
  const links = Array.from(read("README.md").matchAll(/\]\(([^)]+)\)/g), ([, link = ""]) => link)

  expect(links.filter((link) => !existsSync(join(examples, link)))).toEqual([])
  expect(names.filter((name) => !links.some((link) => link.startsWith(`${name}/`)))).toEqual([])
})

const transcripts = names.flatMap((name) => {
  const readme = join(name, "README.md")
  const text = existsSync(join(examples, readme)) ? read(readme) : ""
  return Array.from(text.matchAll(/^```console\n([\s\S]*?)^```$/gm), ([, shown = ""]) => ({
    name,
    shown
  }))
})

describe.skipIf(!isOnPath("curl"))("a shell says what is shown", { timeout: 120_000 }, () => {
  it.each(transcripts)("of $name", ({ name, shown }) =>
    touring(async (start) => {
      const { origin } = await start()
      // Each line that begins with a dollar is printed, and then done.
      const script = shown
        .split("\n")
        .filter((line) => line.startsWith("$ "))
        .map((line) => `printf '%s\\n' '${line.replaceAll("'", "'\\''")}'\n${line.slice(2)}`)
        .join("\n")

      const said = execFileSync(
        "bash",
        ["-c", script.replaceAll("localhost:3000", origin.slice(7))],
        {
          cwd: mkdtempSync(join(tmpdir(), "effect-session-curl-")),
          encoding: "utf8"
        }
      )

      expect(said.replaceAll("\r", "").replaceAll(origin.slice(7), "localhost:3000")).toBe(shown)
    })(`examples/${name}/main.ts`)
  )
})
