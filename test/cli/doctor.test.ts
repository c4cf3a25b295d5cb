/** `doctor`: every check says ok, or what to do. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { aRecord, filesIn, inPlace, type Outcome, seed } from "./support.js"

interface Report {
  readonly ok: boolean
  readonly checks: ReadonlyArray<{
    readonly check: string
    readonly ok: boolean
    readonly message: string
  }>
}

const reportOf = ({ output }: Outcome): Report => JSON.parse(output)

const failed = (outcome: Outcome) =>
  reportOf(outcome)
    .checks.filter(({ ok }) => !ok)
    .map(({ check }) => check)

describe("effect-session doctor", () => {
  it("finds nothing wrong with the files, and leaves nothing behind", () =>
    inPlace(async ({ files, run }) => {
      await seed(filesIn(files), [aRecord()])
      const before = readdirSync(files, { recursive: true })

      const json = await run(["doctor", "--json"], { SESSION_KEEP_ENDED: "7 days" })
      const text = await run(["doctor"])

      expect(json).toMatchObject({ code: 0, errors: "" })
      expect(reportOf(json).checks.map(({ check }) => check)).toEqual([
        "variables",
        "settings",
        "store",
        "reading and writing"
      ])
      expect(text.output).toMatch(/^ok +store +the files in /m)
      expect(readdirSync(files, { recursive: true })).toEqual(before)
    }))

  it("looks at no other place than the right one, and makes none", () =>
    inPlace(async ({ directory, run }) => {
      const file = join(directory, "app.db")
      const others = join(directory, "others")
      mkdirSync(others)
      writeFileSync(join(others, "index.html"), "")
      const before = [statSync(others).mode, readdirSync(directory, { recursive: true })]

      const places = [
        { SESSION_FILES: join(directory, "typo") },
        { SESSION_FILES: others },
        { SESSION_DRIVER: "database", DATABASE_URL: `sqlite:${file}` }
      ]

      for (const place of places) {
        const outcome = await run(["doctor", "--json"], place)
        expect(outcome).toMatchObject({ code: 1, errors: "1 of 3 checks failed.\n" })
        expect(failed(outcome)).toEqual(["store"])
      }
      expect([statSync(others).mode, readdirSync(directory, { recursive: true })]).toEqual(before)
    }))

  it("tells that the table is missing, and once it was migrated that all is well", () =>
    inPlace(async ({ directory, run }) => {
      const env = {
        SESSION_DRIVER: "database",
        SESSION_CONNECTION: `sqlite:${join(directory, "app.db")}`
      }

      await run(["migrate"], env)
      const before = await run(["doctor", "--json"], { ...env, SESSION_TABLE: "logins" })
      const after = await run(["doctor", "--json"], { ...env, SESSION_KEEP_ENDED: "7 days" })
      const list = await run(["list", "--json", "--all"], env)

      expect(before).toMatchObject({ code: 1, errors: "1 of 5 checks failed.\n" })
      expect(failed(before)).toEqual(["table"])
      expect(before.output).toContain("npx effect-session migrate")
      expect(after.code).toBe(0)
      expect(reportOf(after)).toMatchObject({ ok: true })
      expect(reportOf(after).checks).toHaveLength(6)
      expect(JSON.parse(list.output)).toEqual([])
    }))

  it("tells of a setting that is refused, a store that is none and a database that does not answer, once", () =>
    inPlace(async ({ files, run }) => {
      await seed(filesIn(files), [])
      const setting = await run(["doctor", "--json"], { SESSION_LIFETIME: "soon" })
      const memory = await run(["doctor", "--json"], { SESSION_DRIVER: "memory" })
      const away = await run(["doctor", "--json"], {
        SESSION_DRIVER: "database",
        DATABASE_URL: "postgres://ada:hush-hush@127.0.0.1:1/app"
      })

      expect([setting, memory, away].map(failed)).toEqual([["settings"], ["store"], ["database"]])
      expect(setting.output).toContain("SESSION_LIFETIME")
      expect(away.output).toContain("127.0.0.1:1/app")
      expect(away.output).not.toContain("hush")
      for (const { code } of [setting, memory, away]) expect(code).toBe(1)
    }))
})
