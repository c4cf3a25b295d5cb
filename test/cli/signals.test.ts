/** Ctrl-C and SIGTERM: the exit code, the sentence, and that nothing is half done. */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import pg from "pg"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type PostgresServer, startPostgres } from "../support/postgres.js"
import { eventually } from "../support/process.js"
import { storeOf } from "../support/serverStores.js"
import { lacksDriver } from "../support/sqlClients.js"
import {
  aRecord,
  filesIn,
  inPlace,
  type Running,
  runAsProcess,
  seed,
  startProcess
} from "./support.js"

const records = (count: number) => Array.from({ length: count }, () => aRecord({ userId: "ada" }))

/** Sends a signal once something is so. */
const stopWhen = async (
  { outcome, process }: Running,
  signal: NodeJS.Signals,
  condition: () => boolean | Promise<boolean>
) => {
  await eventually(async () => {
    if (!(await condition())) throw new Error("Not yet.")
  })
  process.kill(signal)
  return outcome
}

describe("copy", { timeout: 120_000 }, () => {
  const total = 2000

  const kinds: ReadonlyArray<readonly [string, (directory: string) => string]> = [
    ["files", (directory) => `file:${join(directory, "new")}`],
    ...(lacksDriver("sqlite")
      ? []
      : [["sqlite", (directory: string) => `sqlite:${join(directory, "new.db")}`] as const])
  ]
  it.each(kinds)(
    "from files to %s says how far it came, goes on, and loses nothing",
    (kind, placeIn) =>
      inPlace(async ({ directory, files }) => {
        const target = placeIn(directory)
        await seed(filesIn(files), records(total))
        if (kind === "sqlite") await runAsProcess(directory, ["migrate", "--to", target])
        const count = async (place: Record<string, string>) =>
          JSON.parse((await runAsProcess(directory, ["stats", "--json"], place)).output).usage
            .sessions
        const inTarget =
          kind === "files"
            ? { SESSION_FILES: join(directory, "new") }
            : { SESSION_DRIVER: "database", DATABASE_URL: target }
        const copy = ["copy", "--from", `file:${files}`, "--to", target]

        const begun = () => readdirSync(directory).some((name) => /^new$|-wal$/.test(name))
        const stopped = await stopWhen(startProcess(directory, copy), "SIGINT", begun)
        const source = await count({ SESSION_FILES: files })
        const whole = await runAsProcess(directory, [...copy, "--json"])

        expect(stopped).toMatchObject({ code: 130, output: "" })
        expect(stopped.errors).toMatch(/^Stopped.*\n$/)
        expect(source).toBe(total)
        expect(JSON.parse(whole.output)).toMatchObject({ done: total, total })
        expect(await count(inTarget)).toBe(total)
      })
  )

  it("--move leaves each session in one of the two stores", () =>
    inPlace(async ({ directory, files, run }) => {
      const there = join(directory, "new")
      await seed(filesIn(files), records(total))
      const move = ["copy", "--move", "--yes", "--from", `file:${files}`, "--to", `file:${there}`]

      const begun = () => readdirSync(directory).includes("new") && readdirSync(there).length > 20
      const stopped = await stopWhen(startProcess(directory, move), "SIGTERM", begun)
      const idsIn = async (place: string) => {
        const list = await run(["list", "--json", "--limit", "99999"], { SESSION_FILES: place })
        return (JSON.parse(list.output) as ReadonlyArray<{ id: string }>).map(({ id }) => id)
      }
      const both = [...(await idsIn(files)), ...(await idsIn(there))]
      await runAsProcess(directory, move)

      expect(stopped).toMatchObject({ code: 143, output: "" })
      expect(stopped.errors).toMatch(
        /^Stopped after [\d,]+ of 2,000 sessions\. To go on, run the command again\.\n$/
      )
      expect(new Set(both).size).toBe(total)
      expect((await idsIn(there)).length).toBe(total)
      expect(await idsIn(files)).toEqual([])
    }))
})

describe("on PostgreSQL", { timeout: 120_000 }, () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  }, 60_000)
  afterAll(() => server.close())

  /** Runs a command that has to wait for a lock of this test, and stops it there. */
  const stopAtLock = async (
    directory: string,
    args: ReadonlyArray<string>,
    url: string,
    locking: string,
    signal: NodeJS.Signals
  ) => {
    const holder = new pg.Client({ connectionString: url })
    await holder.connect()
    try {
      await holder.query(`begin; ${locking}`)
      const running = startProcess(directory, args, {
        SESSION_DRIVER: "database",
        DATABASE_URL: url
      })
      const waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock'"
      const isWaiting = async () => (await server.run(url, waiting)).length > 0
      return await stopWhen(running, signal, isWaiting)
    } finally {
      await holder.end()
    }
  }

  it.each([
    {
      name: "cleanup",
      args: ["cleanup"],
      lock: "exclusive",
      said: "Stopped after 0 sessions. To go on, run the command again.\n"
    },
    {
      name: "clear",
      args: ["clear", "--yes"],
      lock: "exclusive",
      said: "Stopped when 3 sessions were left. To end them, run the command again.\n"
    },
    {
      name: "audit",
      args: ["audit"],
      lock: "access exclusive",
      said: "Stopped. Nothing was changed.\n"
    },
    {
      name: "stats",
      args: ["stats", "--json"],
      lock: "access exclusive",
      said: "Stopped. Nothing was changed.\n"
    }
  ])("$name says how far it came and changes nothing more", ({ args, lock, said }) =>
    inPlace(async ({ directory, run }) => {
      const url = await server.aDatabase()
      const over = aRecord({ expiresAtMillis: Date.now() - 1000 })
      await seed(storeOf("postgres", url), [...records(3), over])

      const locking = `lock table sessions in ${lock} mode`
      const stopped = await stopAtLock(directory, args, url, locking, "SIGTERM")

      expect(stopped).toEqual({ code: 143, output: "", errors: said })
      const env = { SESSION_DRIVER: "database", DATABASE_URL: url }
      const left = await run(["list", "--all", "--json"], env)
      expect(JSON.parse(left.output)).toHaveLength(4)
    })
  )

  it("migrate makes nothing, and all when it is run again", () =>
    inPlace(async ({ directory, run }) => {
      const url = await server.aDatabase()
      const env = { SESSION_DRIVER: "database", DATABASE_URL: url }

      // Nobody can make a table of that name before this transaction ends.
      const locking = "create table sessions (id int)"
      const stopped = await stopAtLock(directory, ["migrate"], url, locking, "SIGINT")
      const tables = await server.run(url, "select 1 from pg_tables where schemaname = 'public'")
      const again = await run(["migrate"], env)

      expect(stopped).toMatchObject({ code: 130, output: "" })
      expect(stopped.errors).toMatch(/^Stopped while migrating\..*\n$/)
      expect(tables).toEqual([])
      expect(again.output).toMatch(/^Ran 0001_create_sessions/)
    }))
})
