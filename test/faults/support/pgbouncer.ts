/** A PgBouncer of the tests, before a PostgreSQL server of theirs. */
import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import pg from "pg"
import { endProcess, eventually, freePort, temporaryDirectory } from "../../support/process.js"
import { asUnprivileged, pgbouncer } from "./machine.js"

/** Connections to the server, for as many clients as there are. */
export const poolSize = 3

export interface Pooler {
  /** The same URL through the pooler. */
  readonly through: (url: string) => string
  /** How many statements it has passed on to the database of this URL. */
  readonly statements: (url: string) => Promise<number>
  /** Kills it, and with it every connection. */
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts a pooler in transaction mode, which gives each statement whatever connection is free. */
export const startPooler = async (server: URL): Promise<Pooler> => {
  const directory = await temporaryDirectory("pgbouncer")
  const port = await freePort()
  const settings = join(directory, "pgbouncer.ini")
  writeFileSync(settings, settingsOf(server, port))
  // It runs as another user than root.
  chmodSync(directory, 0o755)
  const through = (url: string, database = new URL(url).pathname) => {
    const changed = new URL(url)
    changed.port = String(port)
    changed.pathname = database
    return changed.href
  }
  let child: ChildProcess | undefined
  const start = async () => {
    child = startChild(settings)
    await eventually(() => ask(through(server.href, "/pgbouncer"), "show version"))
  }
  const kill = async () => {
    if (child !== undefined) await endProcess(child, "SIGKILL")
  }
  await start()
  return {
    through,
    statements: async (url) => {
      const rows = await ask(through(server.href, "/pgbouncer"), "show stats")
      const own = rows.find(({ database }) => `/${database}` === new URL(url).pathname)
      return Number(own?.total_query_count)
    },
    kill,
    start,
    close: async () => {
      await kill()
      await rm(directory, { recursive: true, force: true })
    }
  }
}

const startChild = (settings: string): ChildProcess => {
  const [command = "", ...given] = [...asUnprivileged, pgbouncer, settings]
  return spawn(command, given, { stdio: "ignore" })
}

const settingsOf = ({ hostname, password, port, username }: URL, listenPort: number): string =>
  `[databases]
* = host=${hostname} port=${port} user=${username} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
admin_users = ${username}
pool_mode = transaction
default_pool_size = ${poolSize}
`

const ask = async (url: string, text: string): Promise<ReadonlyArray<Record<string, unknown>>> => {
  const client = new pg.Client({ connectionString: url })
  client.on("error", () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
