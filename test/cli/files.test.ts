/** The command line on the files, which are the default. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { aRecord, filesIn, inPlace, seed } from "./support.js"

const expired = () => aRecord({ expiresAtMillis: Date.now() - 1000 })

describe("effect-session on files", () => {
  it("list shows the live sessions, as columns and as JSON", () =>
    inPlace(async ({ files, run }) => {
      const one = aRecord({ userId: "ada" })
      await seed(filesIn(files), [one, expired()])

      const text = await run(["list"])
      const json = await run(["list", "--json"])

      expect(text.output).toContain(one.id)
      expect(text.output.trim().split("\n")).toHaveLength(2)
      expect(JSON.parse(json.output)).toMatchObject([{ id: one.id, userId: "ada" }])
    }))

  it("list takes a user, a limit, and ended sessions", () =>
    inPlace(async ({ files, run }) => {
      const ada = aRecord({ userId: "ada" })
      await seed(filesIn(files), [ada, aRecord({ userId: "bob" }), expired()])

      const ofAda = await run(["list", "--json", "--user", "ada"])
      const two = await run(["list", "--json", "--limit", "2", "--all"])
      const all = await run(["list", "--json", "--all"])

      expect(JSON.parse(ofAda.output)).toMatchObject([{ id: ada.id }])
      expect(JSON.parse(two.output)).toHaveLength(2)
      expect(JSON.parse(all.output)).toHaveLength(3)
    }))

  it("list says on standard error that there are more, and takes no limit below 1", () =>
    inPlace(async ({ files, run }) => {
      await seed(filesIn(files), [aRecord(), aRecord()])

      const [all, some, none] = [
        await run(["list", "--json", "--limit", "2"]),
        await run(["list", "--json", "--limit", "1"]),
        await run(["list", "--limit", "0"])
      ]

      expect([JSON.parse(all.output).length, all.errors]).toEqual([2, ""])
      expect(JSON.parse(some.output)).toHaveLength(1)
      expect([some.code, some.errors]).toEqual([0, "1 more: --limit\n"])
      expect([none.code, none.errors.trim()]).toEqual([
        1,
        "--limit must be a whole number of at least 1."
      ])
    }))

  it("active and stats count who was here within a time", () =>
    inPlace(async ({ files, run }) => {
      const now = Date.now()
      await seed(filesIn(files), [
        aRecord({ userId: "ada", ipAddress: "192.0.2.1" }),
        aRecord({ userId: "ada", ipAddress: "192.0.2.2" }),
        aRecord({
          userId: "bob",
          lastActivityMillis: now - 1_800_000,
          createdAtMillis: now - 1_800_000
        })
      ])

      const active = await run(["active", "--json", "--within", "15 minutes"])
      const stats = await run(["stats", "--json", "--within", "15 minutes"])
      const text = await run(["stats"])

      expect(JSON.parse(active.output)).toHaveLength(2)
      expect(JSON.parse(stats.output)).toMatchObject({
        usage: { sessions: 3 },
        activeSessions: 2,
        activeUsers: 1,
        averageDurationSeconds: 60,
        suspicious: [{ userId: "ada", addresses: ["192.0.2.1", "192.0.2.2"], sessions: 2 }]
      })
      expect(text.output).toMatch(/live sessions +3/)
    }))

  it("a directory that is not there is one sentence, and is not made", () =>
    inPlace(async ({ directory, files, run }) => {
      for (const command of ["list", "active", "stats", "audit", "cleanup"]) {
        const { code, errors, output } = await run([command])

        expect([command, code, output]).toEqual([command, 1, ""])
        expect(errors).toContain(files)
        expect(errors).toContain("SESSION_FILES")
        expect(errors.trim().split("\n")).toHaveLength(1)
      }
      expect(readdirSync(directory)).toEqual([])
    }))

  it("stats says in one sentence that a time is too long", () =>
    inPlace(async ({ files, run }) => {
      await seed(filesIn(files), [])

      const outcome = await run(["stats", "--within", "20000 days"])

      expect(outcome).toEqual({
        code: 1,
        output: "",
        errors: '--within must be a duration of at most 3660 days, such as "15 minutes".\n'
      })
    }))

  it("revoke ends a session by its id, and a user's except one", () =>
    inPlace(async ({ files, run }) => {
      const kept = aRecord({ userId: "ada" })
      const other = aRecord({ userId: "ada" })
      const bob = aRecord({ userId: "bob" })
      await seed(filesIn(files), [kept, other, bob])

      const one = await run(["revoke", bob.id])
      const user = await run(["revoke", "--json", "--user", "ada", "--except", kept.id])
      const left = await run(["list", "--json"])

      expect(one).toMatchObject({ code: 0, output: "Ended 1 session.\n" })
      expect(JSON.parse(user.output)).toEqual({ revoked: 1 })
      expect(JSON.parse(left.output)).toMatchObject([{ id: kept.id }])
    }))

  it("revoke of nothing, of both, and of an unknown id is one sentence and exit 1", () =>
    inPlace(async ({ run }) => {
      const nothing = await run(["revoke"])
      const both = await run(["revoke", "a", "--user", "ada"])
      const unknown = await run(["revoke", "f".repeat(40)])

      for (const outcome of [nothing, both, unknown]) {
        expect(outcome.code).toBe(1)
        expect(outcome.errors.trim().split("\n")).toHaveLength(1)
      }
    }))

  it("cleanup removes what is over and nothing else", () =>
    inPlace(async ({ files, run }) => {
      const live = aRecord()
      await seed(filesIn(files), [live, expired(), expired()])

      const cleanup = await run(["cleanup"])
      const all = await run(["list", "--json", "--all"])

      expect(cleanup.output).toBe("Removed 2 sessions.\n")
      expect(JSON.parse(all.output)).toMatchObject([{ id: live.id }])
    }))

  it("clear ends everything when told --yes, and nothing when it cannot ask", () =>
    inPlace(async ({ files, run }) => {
      await seed(filesIn(files), [aRecord(), aRecord()])

      const asked = await run(["clear"])
      const before = await run(["list", "--json"])
      const cleared = await run(["clear", "--yes"])
      const after = await run(["list", "--json"])

      expect(await run(["clear", "--yes"])).toMatchObject({ output: "Ended 0 sessions.\n" })
      expect(asked).toMatchObject({ code: 1, output: "" })
      expect(asked.errors).toBe(
        `To end all sessions of the namespace session (the files in ${files}), add --yes. Nothing was changed.\n`
      )
      expect(JSON.parse(before.output)).toHaveLength(2)
      expect(cleared).toMatchObject({ code: 0, output: "Ended 2 sessions.\n" })
      expect(JSON.parse(after.output)).toEqual([])
    }))

  it("an agent's control characters do not reach the terminal", () =>
    inPlace(async ({ files, run }) => {
      await seed(filesIn(files), [aRecord({ userAgent: "\u001b[2Jgone\u202e" })])

      const list = await run(["list"])

      expect(list.output).not.toContain("\u001b")
      expect(list.output).not.toContain("\u202e")
      expect(list.output).toContain("gone")
    }))

  it("a wrong command, option or duration is one sentence, exit 1, and changes nothing", () =>
    inPlace(async ({ directory, run }) => {
      const outcomes = await Promise.all([
        run(["lst"]),
        run(["clear", "--yess"]),
        run(["list", "--user"]),
        run(["list", "--user="]),
        run(["list", "--user", "--json"]),
        run(["revoke", "--user"]),
        run(["list", "extra"]),
        run(["make:migration", "--sql"]),
        run(["make:migration", "--sql", "oracle"]),
        run(["active", "--within", "100000 days"]),
        run(["active", "--within", "soon"]),
        run(["active", "--within=-5 minutes"]),
        run(["list"], { SESSION_DRIVER: "papyrus" }),
        run(["list"], { SESSION_DRIVER: "memory" }),
        run(["migrate"])
      ])

      for (const { code, errors, output } of outcomes) {
        expect(code).toBe(1)
        expect(output).toBe("")
        expect(errors.trim().split("\n")).toHaveLength(1)
      }
      expect(readdirSync(directory)).toEqual([])
    }))

  it.skipIf(process.platform !== "linux")("make:migration says where it can make no folder", () =>
    inPlace(async ({ run }) => {
      // The system says there that the directory above is missing, whatever is made.
      const { code, errors } = await run(["make:migration", "--directory", "/proc/app/migrations"])

      expect(code).toBe(1)
      expect(errors).toContain("/proc")
    })
  )

  it("make:migration writes the next number into the app's folder, once", () =>
    inPlace(async ({ directory, run }) => {
      const folder = join(directory, "migrations")
      const make = ["make:migration", "--directory", folder]
      await run(make)
      writeFileSync(join(folder, "0007_users.ts"), "")

      const sql = await run([...make, "--json", "--sql", "postgres", "--table", "logins"])
      const again = await run(make)

      const written = ["0008_create_sessions.sql", "0009_key_revocations.sql"].map((file) =>
        join(folder, file)
      )
      expect(JSON.parse(sql.output)).toEqual({ written })
      const text = readFileSync(written[0] ?? "", "utf8")
      expect(text).toMatch(/create table.*"logins"/i)
      expect(again.code).toBe(1)
      expect(again.errors).toContain(folder)
      expect(readdirSync(folder).sort()).toEqual([
        "0001_create_sessions.ts",
        "0002_key_revocations.ts",
        "0007_users.ts",
        "0008_create_sessions.sql",
        "0009_key_revocations.sql"
      ])
    }))

  it("make:migration writes a migration that a newer version brings beside the others", () =>
    inPlace(async ({ directory, run }) => {
      const folder = join(directory, "migrations")
      const make = ["make:migration", "--json", "--directory", folder]
      await run(make)
      rmSync(join(folder, "0002_key_revocations.ts"))

      const { output } = await run(make)

      expect(JSON.parse(output)).toEqual({ written: [join(folder, "0002_key_revocations.ts")] })
    }))
})
