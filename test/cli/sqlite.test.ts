/** The command line on a database: SQLite, which needs no server. */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import * as SqliteClient from "@effect/sql-sqlite-node/SqliteClient"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { aRecord, inPlace, seed } from "./support.js"

const databaseIn = (directory: string) => ({
  SESSION_DRIVER: "database",
  SESSION_CONNECTION: `sqlite://${join(directory, "app.db")}`
})

const tableIn = (directory: string) =>
  Layer.provide(SqlSessionStore.layer, SqliteClient.layer({ filename: join(directory, "app.db") }))

describe("effect-session on a database", () => {
  it("migrate makes the table and, run again, does nothing", () =>
    inPlace(async ({ directory, run }) => {
      const env = databaseIn(directory)
      const first = await run(["migrate"], env)
      const second = await run(["migrate", "--json"], env)

      expect(first.output).toBe(
        "Ran 0001_create_sessions, 0002_key_revocations for the table sessions.\n"
      )
      expect(JSON.parse(second.output)).toEqual({ migrated: [] })
    }))

  it("the other commands work on the table that SESSION_TABLE names", () =>
    inPlace(async ({ directory, run }) => {
      const env = databaseIn(directory)
      await run(["migrate"], env)
      const one = aRecord({ userId: "ada" })
      await seed(tableIn(directory), [one])

      const list = await run(["list", "--json"], env)
      const other = await run(["list"], { ...env, SESSION_TABLE: "others" })

      expect(JSON.parse(list.output)).toMatchObject([{ id: one.id }])
      expect(other.code).toBe(1)
      expect(other.errors).toContain('"others"')
    }))

  it("a table or a database that is missing is one sentence that says how to make it, and is not made", () =>
    inPlace(async ({ directory, run }) => {
      const env = databaseIn(directory)

      const nothing = await run(["list"], env)
      const files = readdirSync(directory)
      await run(["migrate"], env)
      const noTable = await run(["list"], { ...env, SESSION_TABLE: "others" })

      expect(files).toEqual([])
      for (const { code, errors } of [nothing, noTable]) {
        expect(code).toBe(1)
        expect(errors.trim().split("\n")).toHaveLength(1)
        expect(errors).toContain("npx effect-session migrate")
      }
    }))

  it("a database that does not answer is one sentence that tells no password", () =>
    inPlace(async ({ run }) => {
      const outcome = await run(["list"], {
        SESSION_DRIVER: "database",
        DATABASE_URL: "postgres://ada:hush-hush@127.0.0.1:1/app"
      })

      expect(outcome.code).toBe(1)
      expect(outcome.errors.trim().split("\n")).toHaveLength(1)
      expect(outcome.errors).toContain("127.0.0.1:1/app")
      expect(outcome.errors).toContain("no server listens there (ECONNREFUSED)")
      expect(outcome.errors).not.toContain("hush")
    }))
})
