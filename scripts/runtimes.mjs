/**
 * Runs `test/runtimes/smoke.mjs` on the built package (`dist`) with every runtime that npm can bring: `npm run runtimes`, or
 * with the names of some of them behind it.
 *
 * Each runtime is installed once into a directory of the system's temporary files.
 */
import { execFileSync, spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const runtimes = {
  node20: { install: "node@20", command: ["node"] },
  node22: { install: "node@22", command: ["node"] },
  node24: { install: "node@24", command: ["node"] },
  bun: { install: "bun@1", command: ["bun", "run"] },
  deno: { install: "deno@2", command: ["deno", "run", "--allow-all", "--node-modules-dir=manual"] }
}

const root = fileURLToPath(new URL("..", import.meta.url))
if (!existsSync(join(root, "dist/index.js"))) {
  console.error("There is no dist. Run `npm run build` first.")
  process.exit(1)
}

const home = join(tmpdir(), "effect-session-runtimes")

/** Where the programs of a runtime are, installed if they are not there. */
const programsOf = (name) => {
  const directory = join(home, name)
  const programs = join(directory, "node_modules/.bin")
  if (existsSync(join(programs, runtimes[name].command[0]))) return programs
  mkdirSync(directory, { recursive: true })
  const install = ["install", "--no-audit", "--no-fund", "--prefix", directory]
  execFileSync("npm", [...install, runtimes[name].install], {
    stdio: ["ignore", "ignore", "inherit"]
  })
  return programs
}

/** A project that has installed the package, with the dependencies of this one. */
const aProject = () => {
  const project = mkdtempSync(join(tmpdir(), "effect-session-project-"))
  const modules = join(project, "node_modules")
  mkdirSync(modules)
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name.startsWith(".") || name === "effect-session") continue
    symlinkSync(join(root, "node_modules", name), join(modules, name))
  }
  mkdirSync(join(modules, "effect-session"))
  for (const part of ["dist", "package.json"]) {
    cpSync(join(root, part), join(modules, "effect-session", part), { recursive: true })
  }
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }')
  cpSync(join(root, "test/runtimes/smoke.mjs"), join(project, "smoke.mjs"))
  return project
}

const asked = process.argv.slice(2)
const names = asked.length === 0 ? Object.keys(runtimes) : asked
const unknown = names.filter((name) => !Object.hasOwn(runtimes, name))
if (unknown.length > 0) {
  console.error(
    `There is no runtime ${unknown.join(", ")}. There are: ${Object.keys(runtimes).join(", ")}.`
  )
  process.exit(1)
}
const project = aProject()
let failed = false
for (const name of names) {
  const programs = programsOf(name)
  const [command, ...given] = runtimes[name].command
  const version = spawnSync(join(programs, command), ["--version"], { encoding: "utf8" })
  console.log(`${name} (${version.stdout.split("\n", 1)[0]})`)
  const run = spawnSync(join(programs, command), [...given, "smoke.mjs"], {
    cwd: project,
    stdio: "inherit",
    timeout: 120_000
  })
  if (run.status === 0) continue
  failed = true
  console.error(`${name} failed.`)
}
rmSync(project, { recursive: true, force: true })
process.exit(failed ? 1 : 0)
