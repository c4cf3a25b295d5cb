/** Makes the Effect 4 tree in `out` from the Effect 3 source of the repository and from `overlay`. */
import { execFileSync } from "node:child_process"
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { apart, inWordsOf4, modulesIn, putBack } from "./comments.js"
import { makeOrigin } from "./origin.js"
import { changedOriginals, filesBelow, linesOf, readOverlay } from "./overlay.js"
import { printFile, type Session } from "./printer.js"
import { load } from "./program.js"
import { isWanted } from "./selection.js"

const edition = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "")
const root = join(edition, "../..")
const out = join(edition, "out")
const accept = process.argv.includes("--accept")

const overlay = readOverlay(join(edition, "overlay"))
const originals = ["src", "test", "migrations", "examples"]
  .flatMap((name) => filesBelow(join(root, name)).map((path) => `${name}/${path}`))
  .filter(isWanted)
const isPrinted = (path: string) => path.endsWith(".ts") && !overlay.whole.has(path)
const printed = originals.filter(isPrinted)

const inRoot = (path: string) => readFileSync(join(root, path), "utf8")
const inOut = (path: string) => readFileSync(join(out, path), "utf8")

/** The code in comments, as modules. */
const blocks = new Map(printed.flatMap((path) => modulesIn(path, inRoot(path))))
const source = load(root, blocks)
const session: Session = {
  checker: source.checker,
  origin: makeOrigin(source.checker),
  root,
  complaints: new Set()
}

const changed = changedOriginals(
  join(edition, "overlay"),
  overlay,
  (path) => (originals.includes(path) ? source.file(path) : undefined),
  accept
)
for (const path of changed) {
  session.complaints.add(
    `overlay/${path}: its original has changed. Look at what has, then run codemod with --accept.`
  )
}

rmSync(out, { recursive: true, force: true })
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(out, path)), { recursive: true })
  writeFileSync(join(out, path), text)
}
const writeWords = (path: string, text: string): void => {
  const refuse = (line: string) => session.complaints.add(`${path}: still says "${line}".`)
  write(path, inWordsOf4(text, refuse))
}
const originalOf = new Map([...blocks].map(([module, code]) => [code, module]))
/** A block that no file of the source has is the overlay's, and stays as it is. */
const writeBlock = (module: string, code: string): void => {
  const original = originalOf.get(code)
  const text = original === undefined ? code : printFile(source.file(original), session)
  if (/from "\.{1,2}\//.test(text)) {
    session.complaints.add(`${original}: uses what the tests have in the place of Effect 3's.`)
  }
  writeWords(module, text)
}
for (const path of originals) {
  if (isPrinted(path)) {
    const file = source.file(path)
    const text = printFile(file, session, overlay.partsOf(path, file))
    writeWords(path, apart(path, text, writeBlock))
  } else if (!overlay.whole.has(path)) {
    mkdirSync(dirname(join(out, path)), { recursive: true })
    copyFileSync(join(root, path), join(out, path))
  }
}
for (const [path, text] of overlay.whole) write(path, apart(path, text, writeBlock))
// The command line tells its version.
copyFileSync(join(edition, "package.json"), join(out, "package.json"))

if (session.complaints.size > 0) {
  console.error([...session.complaints].sort().join("\n"))
  console.error(`\n${session.complaints.size} places are not known to the codemod.`)
  process.exitCode = 1
}

const biome = join(root, "node_modules/@biomejs/biome/bin/biome")
execFileSync(
  process.execPath,
  [
    biome,
    "check",
    "--write",
    "--config-path",
    join(edition, "codemod/biome-out.json"),
    "--log-level=error",
    out
  ],
  { stdio: "inherit", cwd: edition }
)

for (const path of [...printed, ...overlay.whole.keys()]) write(path, putBack(inOut(path), inOut))

/** What came out, for the figures. */
const same = printed.filter((path) => inRoot(path) === inOut(path))
const lines = (path: string) => linesOf(inOut(path))
const sum = (paths: ReadonlyArray<string>) => paths.map(lines).reduce((all, one) => all + one, 0)
console.log(`generated   ${printed.length} files, ${sum(printed)} lines`)
console.log(`unchanged   ${same.length} of them, ${sum(same)} lines`)
console.log(`comments    ${filesBelow(join(out, "comments")).length} blocks of code`)
if (overlay.files.length > 15 || overlay.lines > 1200) {
  console.error(
    "The overlay has grown beyond 15 files and 1200 lines: write a rule, or make the source neutral."
  )
  process.exitCode = 1
}
console.log(`overlaid    ${overlay.files.length} files, ${overlay.lines} lines`)
