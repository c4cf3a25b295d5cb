/** The READMEs of the examples: they list every example, and what they say of a visit is what a shell says. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { touring } from "../docs/guides/harness.js"
import { isOnPath } from "../support/process.js"

const examples = resolve(import.meta.dirname, "../../examples")
const names = readdirSync(examples).filter((name) => !name.includes("."))
const read = (path: string): string => readFileSync(join(examples, path), "utf8")

const linksOf = (readme: string) =>
  Array.from(read(readme).matchAll(/\]\(([^)]+)\)/g), ([, link = ""]) => link)

const readmes = ["", ...names]
  .map((name) => join(name, "README.md"))
  .filter((readme) => existsSync(join(examples, readme)))

it("examples/README.md lists every example", () => {
  const links = linksOf("README.md")

  expect(names.filter((name) => !links.some((link) => link.startsWith(`${name}/`)))).toEqual([])
})

it.each(readmes)("examples/%s links to files that are there", (readme) => {
  const directory = join(examples, dirname(readme))

  expect(linksOf(readme).filter((link) => !existsSync(join(directory, link)))).toEqual([])
})

const transcripts = readmes.flatMap((readme) =>
  Array.from(read(readme).matchAll(/^```console\n([\s\S]*?)^```$/gm), ([, shown = ""]) => ({
    name: dirname(readme),
    shown
  }))
)

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
