/** The command line as a process: what only a process has. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { isOnPath } from "../support/process.js"
import {
  aRecord,
  entry,
  filesIn,
  inPlace,
  type Place,
  runAsProcess,
  seed,
  startProcess
} from "./support.js"

describe("effect-session as a process", { timeout: 120_000 }, () => {
  it("works in the directory it is started in, and exits with 0", () =>
    inPlace(async ({ directory }) => {
      const one = aRecord()
      await seed(filesIn(join(directory, "storage/sessions")), [one])

      const list = await runAsProcess(directory, ["list", "--json"])

      expect(list).toMatchObject({ code: 0, errors: "" })
      expect(JSON.parse(list.output)).toMatchObject([{ id: one.id }])
    }))

  it("exits with 1 and one sentence when it is told nonsense", () =>
    inPlace(async ({ directory }) => {
      const outcome = await runAsProcess(directory, ["revoke"])

      expect(outcome).toMatchObject({ code: 1, output: "" })
      expect(outcome.errors.trim().split("\n")).toHaveLength(1)
    }))

  it("exits quietly when the reader of its output has left", () =>
    inPlace(async ({ directory }) => {
      const running = startProcess(directory, ["--help"])
      running.process.stdout?.destroy()

      expect(await running.outcome).toEqual({ code: 0, output: "", errors: "" })
    }))

  /** Variables for a process that does not find the packages whose names begin so. */
  const without = (directory: string, packages: string) => {
    const hooks = join(directory, "hooks")
    mkdirSync(hooks)
    writeFileSync(
      join(hooks, "resolve.mjs"),
      `export const resolve = (name, context, next) => {
        if (!name.startsWith("${packages}")) return next(name, context)
        const error = new Error("Cannot find package '" + name + "' imported from here")
        throw Object.assign(error, { code: "ERR_MODULE_NOT_FOUND" })
      }`
    )
    writeFileSync(
      join(hooks, "register.mjs"),
      `import { register } from "node:module"; register("./resolve.mjs", import.meta.url)`
    )
    return { NODE_OPTIONS: `--import ${join(hooks, "register.mjs")}` }
  }

  it("names the package that is not installed", () =>
    inPlace(async ({ directory }) => {
      const outcome = await runAsProcess(directory, ["list"], {
        SESSION_DRIVER: "database",
        SESSION_CONNECTION: "mysql://root@127.0.0.1:1/app",
        ...without(directory, "@effect/sql-mysql2")
      })

      expect(outcome.code).toBe(1)
      expect(outcome.errors).toContain("npm install @effect/sql-mysql2@0.53")
    }))

  it("needs no package of a database for files", () =>
    inPlace(async ({ directory, files }) => {
      await seed(filesIn(files), [aRecord()])

      const doctor = await runAsProcess(directory, ["doctor"], {
        SESSION_FILES: files,
        ...without(directory, "@effect/sql")
      })

      expect(doctor).toMatchObject({ code: 0, errors: "" })
    }))
})

describe.skipIf(!isOnPath("script"))("effect-session at a terminal", { timeout: 120_000 }, () => {
  /** Runs a command at a terminal of its own, and types once it asks. */
  const atTerminal = async (
    directory: string,
    args: ReadonlyArray<string>,
    { typed = "", variables = {} }
  ) => {
    const command = [process.execPath, ...entry, ...args].map((word) => `'${word}'`).join(" ")
    const child = spawn("script", ["-qec", command, "/dev/null"], {
      cwd: directory,
      env: { PATH: process.env.PATH, TERM: "xterm", ...variables },
      stdio: ["pipe", "pipe", "inherit"]
    })
    let output = ""
    child.stdout.on("data", (text) => {
      const asked = output.includes("[y/N]")
      output += text
      if (!asked && output.includes("[y/N]")) child.stdin.write(typed)
    })
    const [code] = await once(child, "close")
    return { code, output }
  }

  const live = (files: string, run: Place["run"]) =>
    run(["stats", "--json"], { SESSION_FILES: files }).then(
      ({ output }) => JSON.parse(output).usage.sessions
    )

  it.each([
    ["clear", "n\r", 1, "Nothing was changed.", 2],
    ["clear", "\r", 1, "Nothing was changed.", 2],
    ["clear", "\u0003", 130, "Stopped. Nothing was changed.", 2],
    ["clear", "y\r", 0, "Ended 2 sessions.", 0],
    ["copy --move --to file:./new", "n\r", 1, "Nothing was changed.", 2],
    ["copy --move --to file:./new", "y\r", 0, "Moved 2 sessions", 0]
  ])("%s asks: %j exits with %i", (command, typed, code, said, left) =>
    inPlace(async ({ directory, run }) => {
      const files = join(directory, "storage/sessions")
      await seed(filesIn(files), [aRecord(), aRecord()])

      const outcome = await atTerminal(directory, command.split(" "), { typed })

      // A number would cost a pass over the store.
      expect(outcome.output).toMatch(/(?:End|Move) all sessions (?:of|from) .*\[y\/N\]/)
      expect(outcome.output).toContain(said)
      expect(outcome.code).toBe(code)
      expect(await live(files, run)).toBe(left)
    })
  )

  /** Progress is told five times a second. With this clock a fifth of a second passes each time that somebody looks at it. */
  const impatient =
    '--import="data:text/javascript,const { now } = Date; let looks = 0; Date.now = () => now() + 200 * looks++"'

  it.each([
    ["stats", /Read [\d,]+ sessions/, "live sessions"],
    ["cleanup", /Removed [\d,]+ sessions(?! of)/, "Removed 20 sessions."]
  ])("%s of files tells how far it is", (command, progress, said) =>
    inPlace(async ({ directory }) => {
      const over = { expiresAtMillis: Date.now() - 1000 }
      const sessions = Array.from({ length: 40 }, (_, at) => aRecord(at % 2 === 0 ? over : {}))
      await seed(filesIn(join(directory, "storage/sessions")), sessions)

      const { code, output } = await atTerminal(directory, [command], {
        variables: { NODE_OPTIONS: impatient }
      })

      expect(code).toBe(0)
      expect(output).toMatch(new RegExp(`\r\u001b\\[K${progress.source}`))
      expect(output).not.toMatch(/ of [\d,]+ sessions/)
      expect(output).toContain(said)
    })
  )
})
