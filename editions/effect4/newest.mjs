/**
 * Runs the edition's quick run against the newest Effect 4, in a copy beside this directory that git ignores. Effect tags modules
 * that the edition needs as unstable, so the run may fail: the last line says where, and the exit code is 0.
 */
import { execFileSync, spawn } from "node:child_process"
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"

const edition = fileURLToPath(new URL(".", import.meta.url))
const copy = fileURLToPath(new URL("../effect4-newest/", import.meta.url))

const notCopied = ["node_modules", "out", "package-lock.json"]
rmSync(copy, { recursive: true, force: true })
cpSync(edition, copy, {
  recursive: true,
  filter: (path) => !notCopied.includes(basename(path))
})

const manifestFile = join(copy, "package.json")
const manifest = JSON.parse(readFileSync(manifestFile, "utf8"))
const packages = Object.keys(manifest.peerDependencies).filter((name) =>
  /^(?:effect$|@effect\/)/.test(name)
)
const inOrder = new Intl.Collator("en", { numeric: true }).compare

// The peers that the package names stay; npm would refuse a version that they do not allow yet.
process.env.npm_config_legacy_peer_deps = "true"

try {
  for (const name of packages) {
    const version = newest(name)
    console.log(`newest      ${name} ${version}`)
    manifest.devDependencies[name] = version
  }
  writeFileSync(manifestFile, JSON.stringify(manifest, undefined, 2))
  const flags = ["--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
  execFileSync("npm", ["install", ...flags], { cwd: copy, stdio: "inherit" })
  const failed = await failedStep()
  console.log(`newest      ${failed === undefined ? "all is well" : `failed at "${failed}"`}`)
} catch (error) {
  console.log(`newest      failed before the run: ${error.message}`)
}

/** The newest version of 4. For a range npm would choose an older one, where the newest asks for a newer Node. */
function newest(name) {
  const args = ["view", `${name}@4`, "version", "--json"]
  const found = JSON.parse(execFileSync("npm", args, { encoding: "utf8" }))
  return [found].flat().sort(inOrder).at(-1)
}

/** The step at which the run fails, if one does. */
function failedStep() {
  const run = spawn(process.execPath, ["run.mjs", "--quick"], {
    cwd: copy,
    stdio: ["ignore", "pipe", "inherit"]
  })
  let step = "start"
  run.stdout.setEncoding("utf8").on("data", (text) => {
    process.stdout.write(text)
    step = [...text.matchAll(/^== (.+)$/gm)].at(-1)?.[1] ?? step
  })
  return new Promise((resolve) => run.on("close", (code) => resolve(code === 0 ? undefined : step)))
}
