/**
 * Makes, checks, builds, packs and tests the Effect 4 edition, and prints figures. Stops at the first thing that fails. With
 * `--quick` it runs the tests of what differs between the lines, and leaves out those that take long.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const edition = fileURLToPath(new URL(".", import.meta.url))
const root = join(edition, "../..")
const packaged = join(edition, "out/package")

/** What differs most between the lines: the request, the seams, the stores, servers of both lines. */
const quickSuites = [
  "out/test/Session",
  "out/test/commit/",
  "out/test/effect/",
  "out/test/env/",
  "out/test/examples/",
  "out/test/http/",
  "out/test/stores/",
  "out/test/sql/batcher",
  "out/test/blackbox/postgres",
  "testing/"
]
const suites = process.argv.includes("--quick") ? quickSuites : []

const run = (command, ...args) =>
  execFileSync(command, args, { cwd: edition, stdio: "inherit", env: process.env })

const step = (name, work) => {
  console.log(`\n== ${name}`)
  work()
}

const bin = (name) => join(edition, "node_modules/.bin", name)

step("install", () => {
  if (!existsSync(join(edition, "node_modules"))) run("npm", "ci", "--no-audit", "--no-fund")
})

step("make", () => run(bin("tsx"), "codemod/main.ts"))

step("check", () => {
  run(bin("tsc"), "-p", "tsconfig.json")
  run(bin("tsc"), "-p", "tsconfig.out.json")
  refuseEffect3()
})

step("build", () => {
  rmSync(packaged, { recursive: true, force: true })
  for (const part of ["src", "migrations", "examples"]) {
    cpSync(join(edition, "out", part), join(packaged, part), { recursive: true })
  }
  for (const page of ["README.md", "CHANGELOG.md"])
    cpSync(join(edition, page), join(packaged, page))
  cpSync(join(root, "LICENSE"), join(packaged, "LICENSE"))
  const { devDependencies, scripts, ...manifest } = read(join(edition, "package.json"))
  writeFileSync(join(packaged, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`)
  compareWithRoot(manifest)
  run(bin("tsc"), "-p", "tsconfig.build.json")
})

step("pack", () => {
  const name = execFileSync("npm", ["pack", "--silent"], { cwd: packaged, encoding: "utf8" }).trim()
  installElsewhere(join(packaged, name))
  // The tools that look at packages are the repository's.
  const tool = (name) => join(root, "node_modules/.bin", name)
  run(tool("publint"), packaged)
  const rules = ["--profile", "strict", "--ignore-rules", "cjs-resolves-to-esm"]
  run(tool("attw"), join(packaged, name), ...rules)
})

step("test", () => {
  const report = join(edition, "out/tests.json")
  const { status } = spawnSync(
    bin("vitest"),
    ["run", ...suites, "--reporter=dot", "--reporter=json", `--outputFile.json=${report}`],
    { cwd: edition, stdio: "inherit" }
  )
  const { numFailedTests, numPassedTests, numPendingTests, testResults } = read(report)
  console.log(
    `\ntests       ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped, in ${testResults.length} files`
  )
  run(bin("tsx"), "codemod/leftOut.ts")
  if (status !== 0) throw new Error("Some tests failed.")
})

/** Installs the package with its peers in an empty project, far from this one, and uses it there. */
function installElsewhere(archive) {
  const { devDependencies } = read(join(edition, "package.json"))
  const peers = ["effect", "@effect/platform-node", "@effect/sql-pg", "redis"]
  const project = mkdtempSync(join(tmpdir(), "effect-session-consumer-"))
  const there = (command, ...args) =>
    execFileSync(command, args, { cwd: project, stdio: "inherit" })
  try {
    writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }')
    const packages = [archive, ...peers.map((peer) => `${peer}@${devDependencies[peer]}`)]
    there("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", ...packages)
    cpSync(join(edition, "testing/consumer.mjs"), join(project, "consumer.mjs"))
    there(process.execPath, "consumer.mjs")
    there("npx", "--no-install", "effect-session", "key:generate")
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

function read(file) {
  return JSON.parse(readFileSync(file, "utf8"))
}

/** TypeScript looks further up where a package is missing here, and would find the one for Effect 3 there. */
function refuseEffect3() {
  const files = execFileSync(bin("tsc"), ["-p", "tsconfig.out.json", "--listFilesOnly"], {
    cwd: edition,
    encoding: "utf8"
  }).split("\n")
  const strangers = files.filter(
    (file) => /node_modules\/(?:effect|@effect)\//.test(file) && !file.startsWith(edition)
  )
  if (strangers.length > 0) throw new Error(`Types of Effect 3 are in use: ${strangers[0]}`)
}

/** The edition has the modules of the package that it is made from. */
function compareWithRoot(manifest) {
  const expected = read(join(root, "package.json"))
  for (const name of ["exports", "bin", "typesVersions"]) {
    if (JSON.stringify(manifest[name]) !== JSON.stringify(expected[name])) {
      throw new Error(`The ${name} of package.json differ from those of the repository's.`)
    }
  }
}
