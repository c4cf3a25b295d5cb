/** The contract over real sockets: two processes on one directory. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { fileCases } from "./cases/files.js"
import { groups } from "./cases/index.js"
import { runCases } from "./harness.js"
import { known } from "./known.js"

const directory = mkdtempSync(join(tmpdir(), "effect-session-blackbox-"))

afterAll(() => rmSync(directory, { recursive: true, force: true }))

runCases(
  () => ({ store: "files", argument: directory, nodes: 2 }),
  { ...groups, files: fileCases },
  known
)
