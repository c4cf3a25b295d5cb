/** What a store needs beside the processes that use it: a directory, a file or a database server of its own. */
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { lacksMariadb, startMariadb } from "./mariadb.js"
import { startPostgres } from "./postgres.js"
import { temporaryDirectory } from "./process.js"
import { lacksRedis, startRedis } from "./redis.js"
import type { StoreName } from "./serverStores.js"
import { lacksDriver } from "./sqlClients.js"

export interface Backing {
  readonly store: StoreName
  /** What `storeOf` takes. */
  readonly argument: string
  /** Ends every connection of the servers, where there are connections. */
  readonly disconnectAll?: () => Promise<void>
  /** Stops the database and starts it again, where that can be done. */
  readonly restart?: () => Promise<void>
  readonly close: () => Promise<void>
}

export const lacks = (store: StoreName): boolean =>
  (store === "mariadb" && (lacksMariadb || lacksDriver("mysql"))) ||
  (store === "sqlite" && lacksDriver("sqlite")) ||
  (store === "redis" && lacksRedis)

export const openBacking = (store: StoreName): Promise<Backing> => openers[store]()

const openers: Readonly<Record<StoreName, () => Promise<Backing>>> = {
  memory: async () => ({ store: "memory", argument: "", close: async () => {} }),
  files: async () => {
    const directory = await temporaryDirectory("store")
    return { store: "files", argument: directory, close: () => removeAll(directory) }
  },
  sqlite: async () => {
    const directory = await temporaryDirectory("store")
    const argument = join(directory, "sessions.db")
    return { store: "sqlite", argument, close: () => removeAll(directory) }
  },
  postgres: async () => {
    const server = await startPostgres()
    const url = await server.aDatabase()
    const name = new URL(url).pathname.slice(1)
    const isOwn = process.env.EFFECT_SESSION_TEST_PG_URL === undefined
    return {
      store: "postgres",
      argument: url,
      disconnectAll: async () => {
        const others = `datname = '${name}' and pid <> pg_backend_pid()`
        await server.run(
          url,
          `select pg_terminate_backend(pid) from pg_stat_activity where ${others}`
        )
      },
      ...(isOwn ? { restart: () => server.stop().then(() => server.start()) } : {}),
      close: server.close
    }
  },
  mariadb: async () => {
    const server = await startMariadb()
    const url = await server.aDatabase()
    const name = new URL(url).pathname.slice(1)
    return {
      store: "mariadb",
      argument: url,
      disconnectAll: async () => {
        const others = `db = '${name}' and id <> connection_id()`
        const rows = await server.run(
          url,
          `select id from information_schema.processlist where ${others}`
        )
        // A connection may have ended by itself meanwhile.
        for (const { id } of rows) await server.run(url, `kill ${id}`).catch(() => {})
      },
      close: server.close
    }
  },
  redis: async () => {
    const server = await startRedis()
    return {
      store: "redis",
      argument: server.url,
      disconnectAll: server.disconnectAll,
      // Killed: what it has acknowledged is in its log.
      restart: () => server.stopNow().then(() => server.start()),
      close: server.close
    }
  }
}

const removeAll = (directory: string) => rm(directory, { recursive: true, force: true })
