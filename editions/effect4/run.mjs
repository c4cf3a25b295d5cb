/** Makes, checks, builds, packs and tests the Effect 4 edition, and prints figures. Stops at the first thing that fails. */
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const edition = fileURLToPath(new URL(".", import.meta.url))
const root = join(edition, "../..")
const packaged = join(edition, "out/package")

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
  for (const part of ["src", "migrations"]) {
    cpSync(join(edition, "out", part), join(packaged, part), { recursive: true })
  }
  cpSync(join(edition, "README.md"), join(packaged, "README.md"))
  cpSync(join(root, "LICENSE"), join(packaged, "LICENSE"))
  const { devDependencies, scripts, ...manifest } = read(join(edition, "package.json"))
  writeFileSync(join(packaged, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`)
  compareWithRoot(manifest)
  run(bin("tsc"), "-p", "tsconfig.build.json")
})

step("pack", () => {
  const name = execFileSync("npm", ["pack", "--silent"], { cwd: packaged, encoding: "utf8" }).trim()
  const consumer = join(edition, "out/consumer")
  const installed = join(consumer, "node_modules/effect-session")
  rmSync(consumer, { recursive: true, force: true })
  mkdirSync(installed, { recursive: true })
  run("tar", "xzf", join(packaged, name), "-C", installed, "--strip-components=1")
  // A package of its own, which finds the other as an app does.
  writeFileSync(join(consumer, "package.json"), '{ "name": "consumer", "type": "module" }')
  cpSync(join(edition, "testing/consumer.mjs"), join(consumer, "consumer.mjs"))
  run(process.execPath, join(consumer, "consumer.mjs"))
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
    ["run", "--reporter=dot", "--reporter=json", `--outputFile.json=${report}`],
    { cwd: edition, stdio: "inherit" }
  )
  const { numFailedTests, numPassedTests, testResults } = read(report)
  console.log(
    `\ntests       ${numPassedTests} passed, ${numFailedTests} failed, in ${testResults.length} files`
  )
  run(bin("tsx"), "codemod/leftOut.ts")
  if (status !== 0) throw new Error("Some tests failed.")
})

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
function compareWithRoot({ exports }) {
  const expected = read(join(root, "package.json")).exports
  if (JSON.stringify(exports) !== JSON.stringify(expected)) {
    throw new Error("The exports of package.json differ from those of the repository's.")
  }
}
