/** A MariaDB server of the tests, from the binaries on PATH, or the MySQL server that a variable names. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdir, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import { userInfo } from "node:os"
import { join } from "node:path"
import { endProcess, eventually, freePort, isOnPath, temporaryDirectory } from "./process.js"
import { isRequired } from "./required.js"

export interface MariadbServer {
  /** Makes an empty database; gives its URL. */
  readonly aDatabase: () => Promise<string>
  readonly run: (url: string, text: string) => Promise<ReadonlyArray<Record<string, unknown>>>
  /** Kills the server, and starts it again; only for one that the tests started. */
  readonly stopNow: () => Promise<void>
  readonly start: () => Promise<void>
  readonly close: () => Promise<void>
}

const existing = process.env.EFFECT_SESSION_TEST_MYSQL_URL

/** True where no MySQL or MariaDB can be had; a skip that names it, unless it is required. */
export const lacksMariadb =
  existing === undefined &&
  !(isOnPath("mariadbd") && isOnPath("mariadb-install-db")) &&
  !isRequired("mariadb")

export const startMariadb = async (): Promise<MariadbServer> => {
  const refuse = () => Promise.reject(new Error("This server was not started by the tests."))
  if (existing !== undefined) {
    return { ...serverAt(existing, async () => {}), stopNow: refuse, start: refuse }
  }
  return startOwnMariadb()
}

/** Starts a server in any case. */
export const startOwnMariadb = async (): Promise<MariadbServer> => {
  const directory = await temporaryDirectory("mariadb")
  await mkdir(join(directory, "tmp"))
  const port = await freePort()
  install(directory)
  let server = launch(directory, port)
  const url = `mysql://root@127.0.0.1:${port}/mysql`
  await eventually(() => run(url, "select 1"))
  const close = async () => {
    await endProcess(server, "SIGTERM")
    await rm(directory, { recursive: true, force: true })
  }
  return {
    ...serverAt(url, close),
    stopNow: () => endProcess(server, "SIGKILL"),
    start: async () => {
      server = launch(directory, port)
      await eventually(() => run(url, "select 1"))
    }
  }
}

/** A server that starts deletes what it takes for leftovers in its directory for temporary tables: others' too. */
const ownTemporary = (directory: string) => `--tmpdir=${join(directory, "tmp")}`

const install = (directory: string): void => {
  const done = spawnSync("mariadb-install-db", [
    "--no-defaults",
    `--datadir=${join(directory, "data")}`,
    ownTemporary(directory),
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    `--user=${userInfo().username}`
  ])
  if (done.status !== 0) throw new Error(`mariadb-install-db failed: ${done.stderr}`)
}

const launch = (directory: string, port: number): ChildProcess =>
  spawn(
    "mariadbd",
    [
      "--no-defaults",
      `--datadir=${join(directory, "data")}`,
      ownTemporary(directory),
      `--socket=${join(directory, "socket")}`,
      `--pid-file=${join(directory, "pid")}`,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      "--skip-name-resolve",
      "--innodb-flush-log-at-trx-commit=2",
      "--max-connections=200",
      `--user=${userInfo().username}`
    ],
    { stdio: "ignore" }
  )

const serverAt = (
  url: string,
  stop: () => Promise<void>
): Omit<MariadbServer, "stopNow" | "start"> => {
  const made: Array<string> = []
  return {
    aDatabase: async () => {
      const name = `test_${randomBytes(6).toString("hex")}`
      await run(url, `create database ${name}`)
      made.push(name)
      const database = new URL(url)
      database.pathname = `/${name}`
      return database.href
    },
    run,
    close: async () => {
      for (const name of made) await run(url, `drop database if exists ${name}`)
      await stop()
    }
  }
}

/** A connection of the driver. */
export interface Connection {
  connect(callback: (error: Error | null) => void): void
  query(text: string, callback: (error: Error | null, rows: unknown) => void): void
  destroy(): void
  on(event: "error", listener: () => void): void
}

/** The driver, which is a dependency of `@effect/sql-mysql2`, not of this package. */
export const driver = (): { createConnection(options: object): Connection } => {
  const ofClient = createRequire(createRequire(import.meta.url).resolve("@effect/sql-mysql2"))
  return ofClient("mysql2")
}

const run = (url: string, text: string): Promise<ReadonlyArray<Record<string, unknown>>> =>
  new Promise((resolve, reject) => {
    const connection = driver().createConnection({ uri: url, multipleStatements: true })
    connection.on("error", reject)
    connection.query(text, (error, rows) => {
      connection.destroy()
      if (error === null) resolve(Array.isArray(rows) ? rows : [])
      else reject(error)
    })
  })
