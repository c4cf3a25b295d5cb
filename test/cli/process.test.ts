/** The command line as a process: what only a process has. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { aRecord, filesIn, inPlace, runAsProcess, seed } from "./support.js"

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

  it("names the package that is not installed", () =>
    inPlace(async ({ directory }) => {
      const hooks = join(directory, "hooks")
      mkdirSync(hooks)
      // Node resolves this one package as if it were not there.
      writeFileSync(
        join(hooks, "resolve.mjs"),
        `export const resolve = (name, context, next) => {
          if (!name.startsWith("@effect/sql-mysql2")) return next(name, context)
          const error = new Error("Cannot find package '@effect/sql-mysql2' imported from here")
          throw Object.assign(error, { code: "ERR_MODULE_NOT_FOUND" })
        }`
      )
      writeFileSync(
        join(hooks, "register.mjs"),
        `import { register } from "node:module"; register("./resolve.mjs", import.meta.url)`
      )

      const outcome = await runAsProcess(directory, ["list"], {
        SESSION_DRIVER: "database",
        SESSION_CONNECTION: "mysql://root@127.0.0.1:1/app",
        NODE_OPTIONS: `--import ${join(hooks, "register.mjs")}`
      })

      expect(outcome.code).toBe(1)
      expect(outcome.errors).toContain("npm install @effect/sql-mysql2@0.53")
    }))
})
