/** The analytics example, and the SQL of docs/analytics.md on every database. */
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { SqlClient } from "@effect/sql/SqlClient"
import { DateTime, Duration, Effect, Layer, Option, TestClock, TestContext } from "effect"
import { beforeAll, describe, expect, test } from "vitest"
import { forceLogout, report } from "../../examples/analytics/report.js"
import { seed } from "../../examples/analytics/seed.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import type { SessionStore } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { type Kind, mysql, onEach, postgres, sqlite } from "../sql/servers.js"

const page = readFileSync(new URL("../../docs/analytics.md", import.meta.url), "utf8")

const statement = (name: string): string => {
  const block = new RegExp(`<!-- sql: ${name} -->\n\`\`\`sql\n([^]*?)\`\`\``).exec(page)
  if (block?.[1] === undefined) throw new Error(`The page has no statement "${name}".`)
  return block[1]
}

/** What the page says to write for `:now` and for an instant. */
const wordsOf = (kind: Kind) => {
  const databases = { postgres: "PostgreSQL", mysql: "MySQL, MariaDB", sqlite: "SQLite" }
  const row = new RegExp(`^\\| ${databases[kind.name]} \\| \`(.+?)\` \\| \`(.+?)\` \\|$`, "m").exec(
    page
  )
  if (row?.[1] === undefined || row[2] === undefined) throw new Error("The page lacks a database.")
  return { now: row[1], instant: row[2] }
}

const instant = Date.UTC(2030, 0, 15, 12, 30)

/** Runs on a database that was filled at half past twelve, as it is then. */
const atHalfPastTwelve = <A, E>(
  kind: Kind,
  url: string,
  effect: Effect.Effect<A, E, SessionStore | SqlClient>
): Promise<A> =>
  Effect.runPromise(
    Effect.zipRight(TestClock.setTime(instant), Effect.zipRight(seed, effect)).pipe(
      Effect.provide(
        SqlSessionStore.layerMigratedWith({ keepEnded: "30 days" }).pipe(
          Layer.provideMerge(kind.client(url)),
          Layer.provideMerge(TestContext.TestContext)
        )
      )
    )
  )

describe("examples/analytics", () => {
  onEach([sqlite], (kind, aDatabase) => {
    test("the report tells who is here, the peak, the durations and the addresses", async () => {
      const lines = await atHalfPastTwelve(kind, await aDatabase(), report)

      expect(lines).toEqual([
        "Active within 15 minutes:",
        "  ada at 192.0.2.10 with Firefox, seen at 12:29",
        "  ada at 198.51.100.7 with Phone, seen at 12:28",
        "  bob at 192.0.2.20 with Chrome, seen at 12:25",
        "  - at 203.0.113.5 with Chrome, seen at 12:20",
        "Concurrent: 4 sessions of 2 users",
        "Peak hour: 10:00 UTC, 3 users in 3 sessions",
        "Average duration: 80 minutes",
        "From several addresses within an hour:",
        "  ada: 192.0.2.10, 198.51.100.7",
        "Stored: 5 live and 2 ended sessions"
      ])
    })

    test("a forced logout ends all sessions of a user", async () => {
      const [told, left] = await atHalfPastTwelve(
        kind,
        await aDatabase(),
        Effect.all([forceLogout("ada"), SessionAdmin.ofUser("ada")])
      )

      expect(told).toBe("Logged ada out of 2 sessions.")
      expect(left).toEqual([])
    })
  })

  test("the program prints the report and ends", async () => {
    const main = fileURLToPath(new URL("../../examples/analytics/main.ts", import.meta.url))

    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", main])

    expect(stdout).toMatch(/^Concurrent: 4 sessions of 2 users$/m)
    expect(stdout).toMatch(/^Average duration: 80 minutes$/m)
    expect(stdout).toMatch(/^Logged ada out of 2 sessions\.$/m)
  })
})

/** A value of a column as text, whatever the driver gives. */
const textOf = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)

onEach([postgres, mysql, sqlite], (kind, aDatabase) => {
  let url: string
  beforeAll(async () => {
    url = await aDatabase()
    await atHalfPastTwelve(kind, url, Effect.void)
  })

  const compared = <A>(name: string, figure: Effect.Effect<A, unknown, SessionStore>) =>
    Effect.runPromise(
      Effect.gen(function* () {
        yield* TestClock.setTime(instant)
        const sql = yield* SqlClient
        const text = statement(name).replaceAll(":now", String(instant))
        const rows = yield* sql.unsafe<Record<string, unknown>>(text)
        return { rows, figure: yield* figure }
      }).pipe(
        Effect.provide(
          SqlSessionStore.layer.pipe(
            Layer.provideMerge(kind.client(url)),
            Layer.provideMerge(TestContext.TestContext)
          )
        )
      )
    )

  test("the SQL of the active users shows the sessions of SessionAdmin.active", async () => {
    const { rows, figure } = await compared("active", SessionAdmin.active({ within: "15 minutes" }))

    expect(figure.length).toBe(4)
    expect(rows.map((row) => Number(row.last_activity))).toEqual(
      figure.map(({ lastActivity }) => lastActivity.epochMillis)
    )
  })

  test("the SQL of the concurrent users counts as SessionAdmin does", async () => {
    const within = { within: "15 minutes" } as const
    const counts = Effect.all([
      SessionAdmin.countActive(within),
      SessionAdmin.countActiveUsers(within)
    ])

    const { rows, figure } = await compared("concurrent", counts)

    expect(figure).toEqual([4, 2])
    expect([Number(rows[0]?.sessions), Number(rows[0]?.users)]).toEqual(figure)
  })

  test("the SQL of the hours counts as SessionAdmin.hourly does", async () => {
    const { rows, figure } = await compared("hours", SessionAdmin.hourly({ within: "23 hours" }))

    expect(figure.length).toBe(24)
    expect(rows.map((row) => [row.began, row.sessions, row.users].map(Number))).toEqual(
      figure.map(({ sessions, start, users }) => [start.epochMillis, sessions, users])
    )
  })

  test("the SQL of the durations gives the average of SessionAdmin", async () => {
    const { rows, figure } = await compared(
      "duration",
      SessionAdmin.averageDuration({ within: "7 days" })
    )

    const seconds = Duration.toSeconds(Option.getOrThrow(figure))
    expect(Math.round(Number(rows[0]?.seconds))).toBe(Math.round(seconds))
  })

  test("the SQL of the addresses finds the users of SessionAdmin.suspicious", async () => {
    const { rows, figure } = await compared(
      "addresses",
      SessionAdmin.suspicious({ within: "1 hour" })
    )

    expect(figure.map(({ userId }) => userId)).toEqual(["ada"])
    expect(
      rows.map((row) => [textOf(row.user_id), Number(row.addresses), Number(row.sessions)])
    ).toEqual(figure.map((user) => [user.userId, user.addresses.length, user.sessions]))
  })

  test("what the page writes for :now is now, and for an instant a time", async () => {
    const { now, instant } = wordsOf(kind)
    const before = Math.floor(Date.now() / 1000) * 1000

    const rows = await Effect.runPromise(
      Effect.flatMap(SqlClient, (sql) =>
        sql.unsafe<Record<string, unknown>>(
          `select ${now} as now_millis, ${instant} as at_time from sessions where user_agent = 'Phone'`
        )
      ).pipe(Effect.provide(kind.client(url)))
    )

    const [row] = rows
    const at = row?.at_time
    const shown = at instanceof Date ? at : new Date(`${String(at).replace(" ", "T")}Z`)
    expect(Number(row?.now_millis)).toBeGreaterThanOrEqual(before)
    expect(Number(row?.now_millis)).toBeLessThanOrEqual(Date.now())
    expect(DateTime.formatIso(DateTime.unsafeMake(shown))).toBe("2030-01-15T12:28:00.000Z")
  })
})
