/** What is tried with the page about testing: its tests. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { renameSync, writeFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { expect } from "vitest"

const root = resolve(import.meta.dirname, "../../..")

/** Runs an example that is a file of tests. */
export const throughTests = async (file: string): Promise<void> => {
  const directory = dirname(file)
  const named = file.replace(/\.mjs$/, ".test.mjs")
  renameSync(file, named)
  // Else the settings of this project would be found.
  writeFileSync(join(directory, "vitest.config.mjs"), "export default {}")
  const vitest = join(root, "node_modules/vitest/vitest.mjs")
  const child = spawn(process.execPath, [vitest, "run", "--root", directory, basename(named)], {
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let printed = ""
  child.stdout.on("data", (text) => (printed += text))
  child.stderr.on("data", (text) => (printed += text))
  await once(child, "close")
  expect(printed).toMatch(/Tests +5 passed \(5\)/)
}
