/** `doctor`: every check says ok, or what to do. */
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { inPlace, type Outcome } from "./support.js"

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
    inPlace(async ({ run }) => {
      const json = await run(["doctor", "--json"])
      const text = await run(["doctor"])
      const list = await run(["list", "--json", "--all", "--namespace", "effect-session/probe"])

      expect(json).toMatchObject({ code: 0, errors: "" })
      expect(reportOf(json).checks.map(({ check }) => check)).toEqual([
        "settings",
        "store",
        "reading and writing"
      ])
      expect(text.output).toMatch(/ok +store +the files in /)
      expect(JSON.parse(list.output)).toEqual([])
    }))

  it("tells that the table is missing, and once it was migrated that all is well", () =>
    inPlace(async ({ directory, run }) => {
      const env = {
        SESSION_DRIVER: "database",
        SESSION_CONNECTION: `sqlite:${join(directory, "app.db")}`
      }

      const before = await run(["doctor", "--json"], env)
      await run(["migrate"], env)
      const after = await run(["doctor", "--json"], env)

      expect(before).toMatchObject({ code: 1, errors: "2 of 5 checks failed.\n" })
      expect(failed(before)).toEqual(["table", "reading and writing"])
      expect(before.output).toContain("0001_create_sessions")
      expect(after.code).toBe(0)
      expect(reportOf(after)).toMatchObject({ ok: true })
      expect(reportOf(after).checks).toHaveLength(5)
    }))

  it("tells of a setting that is refused, a store that is none and a database that does not answer", () =>
    inPlace(async ({ run }) => {
      const setting = await run(["doctor", "--json"], { SESSION_LIFETIME: "soon" })
      const memory = await run(["doctor", "--json"], { SESSION_DRIVER: "memory" })
      const away = await run(["doctor", "--json"], {
        SESSION_DRIVER: "database",
        DATABASE_URL: "postgres://ada:hush-hush@127.0.0.1:1/app"
      })

      expect([setting, memory, away].map(failed)).toEqual([
        ["settings"],
        ["store"],
        ["table", "reading and writing", "clock"]
      ])
      expect(setting.output).toContain("SESSION_LIFETIME")
      expect(away.output).toContain("127.0.0.1:1/app")
      expect(away.output).not.toContain("hush")
      for (const { code } of [setting, memory, away]) expect(code).toBe(1)
    }))
})
