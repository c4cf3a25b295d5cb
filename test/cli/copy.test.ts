/** `copy`: from files to a database and back, and what it refuses. */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { aRecord, filesIn, inPlace, seed } from "./support.js"

const sessions = (count: number) => Array.from({ length: count }, () => aRecord({ userId: "ada" }))

const idsOf = (output: string): ReadonlyArray<string> =>
  (JSON.parse(output) as ReadonlyArray<{ readonly id: string }>).map(({ id }) => id).sort()

describe("effect-session copy", () => {
  it("moves every live session from the environment's files to a database, and back", () =>
    inPlace(async ({ directory, files, run }) => {
      const url = `sqlite:${join(directory, "app.db")}`
      const env = { SESSION_DRIVER: "database", SESSION_CONNECTION: url }
      const records = sessions(20)
      const ids = records.map(({ id }) => id).sort()
      await seed(filesIn(files), [...records, aRecord({ expiresAtMillis: Date.now() - 1000 })])
      await run(["migrate"], env)

      const there = await run(["copy", "--to", url])
      const inFiles = await run(["list", "--json"])
      const inDatabase = await run(["list", "--json"], env)
      const back = await run(["copy", "--json", "--to", `file:${files}`], env)
      const inFilesAgain = await run(["list", "--json"])
      const inDatabaseAgain = await run(["list", "--json"], env)

      expect(there.errors).toBe("")
      expect(there.output).toMatch(/^Moved 20 sessions from the files in .* to the table sessions/)
      expect(idsOf(inFiles.output)).toEqual([])
      expect(idsOf(inDatabase.output)).toEqual(ids)
      expect(JSON.parse(back.output)).toEqual({ copied: 20 })
      expect(idsOf(inFilesAgain.output)).toEqual(ids)
      expect(idsOf(inDatabaseAgain.output)).toEqual([])
    }))

  it("takes both stores, by the names of variables and with a table", () =>
    inPlace(async ({ directory, run }) => {
      const old = join(directory, "old")
      const env = { OLD_STORE: `file:${old}`, NEW_STORE: `sqlite:${join(directory, "new.db")}` }
      const database = {
        SESSION_DRIVER: "database",
        SESSION_CONNECTION: env.NEW_STORE,
        SESSION_TABLE: "logins"
      }
      const [record] = sessions(1)
      if (record === undefined) throw new Error("There is one.")
      await seed(filesIn(old), [record])
      await run(["migrate"], database)

      const given = ["--from", "OLD_STORE", "--to", "NEW_STORE", "--to-table", "logins"]
      const copied = await run(["copy", ...given], env)
      const list = await run(["list", "--json"], database)

      expect(copied.code).toBe(0)
      expect(idsOf(list.output)).toEqual([record.id])
    }))

  it("of a directory that is not there is refused, and makes none", () =>
    inPlace(async ({ directory, files, run }) => {
      const typo = join(directory, "typo")

      const outcome = await run(["copy", "--from", `file:${typo}`, "--to", `file:${files}`])

      expect([outcome.code, outcome.output]).toEqual([1, ""])
      expect(outcome.errors).toBe(
        `There is no directory ${typo} to copy from. Nothing was changed.\n`
      )
      expect(existsSync(typo)).toBe(false)
    }))

  it("of nothing, to the same store, to nowhere and to a table that is missing is one sentence, exit 1, and changes nothing", () =>
    inPlace(async ({ directory, files, run }) => {
      const [record] = sessions(1)
      if (record === undefined) throw new Error("There is one.")
      await seed(filesIn(files), [record])

      const outcomes = [
        await run(["copy"]),
        await run(["copy", "--to", `file:${files}`]),
        await run(["copy", "--to", "papyrus:./scroll"]),
        await run(["copy", "--to", "UNKNOWN_STORE"]),
        await run(["copy", "--to", "file:"]),
        await run(["copy", "--to", `sqlite:${join(directory, "new.db")}`]),
        await run(["copy", "--to", "postgres://ada:hush-hush@127.0.0.1:1/app"])
      ]
      const list = await run(["list", "--json"])

      expect(outcomes[5]?.errors).toMatch(/^--to: .*0001_create_sessions/)
      for (const { code, errors, output } of outcomes) {
        expect({ code, output }).toEqual({ code: 1, output: "" })
        expect(errors.trim().split("\n")).toHaveLength(1)
        expect(errors).not.toContain("hush")
      }
      expect(idsOf(list.output)).toEqual([record.id])
      expect(readdirSync(directory).filter((name) => !/^(sessions|new\.db)/.test(name))).toEqual([])
    }))
})
