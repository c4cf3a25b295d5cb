/** `copy`: from files to a database and back, what `--move` and `--dry-run` do, and what is refused. */
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { aRecord, filesIn, inPlace, runAsProcess, seed } from "./support.js"

const sessions = (count: number) => Array.from({ length: count }, () => aRecord({ userId: "ada" }))

const idsOf = (output: string): ReadonlyArray<string> =>
  (JSON.parse(output) as ReadonlyArray<{ readonly id: string }>).map(({ id }) => id).sort()

const databaseIn = (directory: string, table = "sessions") => ({
  SESSION_DRIVER: "database",
  SESSION_CONNECTION: `sqlite:${join(directory, "app.db")}`,
  SESSION_TABLE: table
})

describe("effect-session copy", { timeout: 60_000 }, () => {
  it("copies every live session, leaves the source as it is, and copies nothing twice", () =>
    inPlace(async ({ directory, files, run }) => {
      const env = databaseIn(directory)
      const records = sessions(20)
      const ids = records.map(({ id }) => id).sort()
      await seed(filesIn(files), [...records, aRecord({ expiresAtMillis: Date.now() - 1000 })])
      await run(["migrate"], env)

      const copied = await run(["copy", "--to", env.SESSION_CONNECTION])
      const again = await run(["copy", "--json", "--to", env.SESSION_CONNECTION])
      const inFiles = await run(["list", "--json"])
      const inDatabase = await run(["list", "--json"], env)

      expect(copied).toMatchObject({ code: 0, errors: "" })
      expect(copied.output).toMatch(
        /^Copied 20 sessions from the files in .* to the table sessions/
      )
      expect(JSON.parse(again.output)).toMatchObject({ copied: 0, done: 20, total: 20 })
      expect(idsOf(inFiles.output)).toEqual(ids)
      expect(idsOf(inDatabase.output)).toEqual(ids)
    }))

  it("moves with --move and --yes, and without --yes nothing where it cannot ask", () =>
    inPlace(async ({ directory, files, run }) => {
      const env = databaseIn(directory)
      const records = sessions(3)
      await seed(filesIn(files), records)
      await run(["migrate"], env)
      const move = ["copy", "--move", "--to", env.SESSION_CONNECTION]

      const refused = await run(move)
      const before = await run(["list", "--json"])
      const moved = await run([...move, "--yes"])
      const inFiles = await run(["list", "--json"])
      const inDatabase = await run(["list", "--json"], env)

      expect(refused).toMatchObject({ code: 1, output: "" })
      expect(refused.errors).toMatch(
        /^To move all sessions from .*, add --yes\. Nothing was changed\.\n$/
      )
      expect(idsOf(before.output)).toHaveLength(3)
      expect(moved.output).toMatch(/^Moved 3 sessions from the files in/)
      expect(idsOf(inFiles.output)).toEqual([])
      expect(idsOf(inDatabase.output)).toEqual(records.map(({ id }) => id).sort())
    }))

  it("says with --dry-run what would happen, and makes nothing", () =>
    inPlace(async ({ directory, files, run }) => {
      await seed(filesIn(files), sessions(2))
      const target = `file:${join(directory, "new")}`

      const copy = await run(["copy", "--dry-run", "--to", target])
      const move = await run(["copy", "--dry-run", "--json", "--move", "--to", target])

      expect(copy.output).toMatch(/^Would copy 2 sessions from .*new\. Nothing was changed\.\n$/)
      expect(JSON.parse(move.output)).toEqual({ total: 2 })
      expect(readdirSync(directory)).toEqual(["sessions"])
      expect(idsOf((await run(["list", "--json"])).output)).toHaveLength(2)
    }))

  it("tells which of two databases lacks the table, and the advice makes that one", () =>
    inPlace(async ({ directory, run }) => {
      const old = databaseIn(directory)
      const env = {
        OLD_STORE: old.SESSION_CONNECTION,
        NEW_STORE: `sqlite:${join(directory, "new.db")}`
      }
      const given = ["copy", "--from", "OLD_STORE", "--to", "NEW_STORE", "--to-table", "logins"]

      const noSource = await run(given, env)
      await run(adviceIn(noSource.errors), env)
      const noTarget = await run(given, env)
      await run(["migrate", "--to", "NEW_STORE"], env)
      const noTable = await run(given, env)
      await run(adviceIn(noTable.errors), env)
      const copied = await run(given, env)

      expect(noSource.errors).toContain("app.db")
      expect(noTarget.errors).toContain("new.db")
      expect(noTable.errors).toMatch(/^--to \(the table logins of SQLite in .*new\.db\): /)
      expect(adviceIn(noTable.errors)).toEqual([
        "migrate",
        "--to",
        "NEW_STORE",
        "--to-table",
        "logins"
      ])
      expect(copied).toMatchObject({ code: 0, errors: "" })
    }))

  it("warns on standard error of a session that cannot be read, and copies the others", () =>
    inPlace(async ({ directory, files }) => {
      const [damaged, whole] = sessions(2)
      if (damaged === undefined || whole === undefined) throw new Error("There are two.")
      await seed(filesIn(files), [damaged, whole])
      writeFileSync(join(files, damaged.id.slice(0, 2), `sess_${damaged.id}`), "damage")

      const copy = ["copy", "--json", "--from", `file:${files}`, "--to", "file:./new"]
      const copied = await runAsProcess(directory, copy)

      expect(JSON.parse(copied.output)).toMatchObject({ copied: 1 })
      expect(copied.errors).toContain(damaged.id)
    }))

  it("of a directory that is not there is refused, and makes none", () =>
    inPlace(async ({ directory, files, run }) => {
      const typo = join(directory, "typo")

      const outcome = await run(["copy", "--from", `file:${typo}`, "--to", `file:${files}`])

      expect([outcome.code, outcome.output]).toEqual([1, ""])
      expect(outcome.errors).toContain(`There is no directory ${typo}.`)
      expect(existsSync(typo)).toBe(false)
      expect(existsSync(files)).toBe(false)
    }))

  it("of nothing, to the same store, to nowhere and to a database that is missing is one sentence, exit 1, and changes nothing", () =>
    inPlace(async ({ directory, files, run }) => {
      const [record] = sessions(1)
      if (record === undefined) throw new Error("There is one.")
      await seed(filesIn(files), [record])

      const outcomes = [
        await run(["copy"]),
        await run(["copy", "--to", `file:${files}`]),
        await run(["copy", "--to", `file:${files}/`]),
        await run(["copy", "--to", "papyrus:./scroll"]),
        await run(["copy", "--to", "UNKNOWN_STORE"]),
        await run(["copy", "--to", "file:"]),
        await run(["copy", "--to", `sqlite:${join(directory, "new.db")}`]),
        await run(["copy", "--to", "postgres://ada:hush-hush@127.0.0.1:1/app"])
      ]
      const list = await run(["list", "--json"])

      for (const { code, errors, output } of outcomes) {
        expect({ code, output }).toEqual({ code: 1, output: "" })
        expect(errors.trim().split("\n")).toHaveLength(1)
        expect(errors).not.toContain("hush")
      }
      expect(idsOf(list.output)).toEqual([record.id])
      expect(readdirSync(directory)).toEqual(["sessions"])
    }))
})

/** The words of the command that a sentence advises. */
const adviceIn = (errors: string): ReadonlyArray<string> =>
  /npx effect-session ([^".,]+)/.exec(errors)?.[1]?.split(" ") ?? []
