/** The stores the security tests run on. A place can be opened by several servers, and shows all that it keeps. */
import { readdirSync, readFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { Chunk, Effect, Layer, ManagedRuntime, Option, Stream } from "effect"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import * as SessionStore from "../../src/SessionStore.js"
import { startMariadb } from "../support/mariadb.js"
import { startPostgres } from "../support/postgres.js"
import { temporaryDirectory } from "../support/process.js"
import { type RedisServer, startRedis } from "../support/redis.js"
import { storeOf } from "../support/serverStores.js"

export interface Place {
  /** Opens the store: each build is another server on the same sessions. */
  readonly layer: Layer.Layer<SessionStore.SessionStore>
  /** Every byte that is kept, one character a byte. */
  readonly dump: () => Promise<string>
  readonly close: () => Promise<void>
}

export const memoryPlace = async (): Promise<Place> => {
  const runtime = ManagedRuntime.make(SessionStore.layerMemory)
  const store = await runtime.runPromise(SessionStore.SessionStore)
  const records = Effect.flatMap(Stream.runCollect(store.entries({ state: "all" })), (all) =>
    Effect.forEach(Chunk.toReadonlyArray(all), ({ id }) => store.find(id))
  )
  return {
    layer: Layer.succeed(SessionStore.SessionStore, store),
    dump: async () => {
      const found = await runtime.runPromise(records)
      return latin(JSON.stringify(found.map(Option.getOrNull)))
    },
    close: () => runtime.dispose()
  }
}

export const filesPlace = async (): Promise<Place> => {
  const directory = await temporaryDirectory("security-files")
  return {
    layer: Layer.orDie(FileSystemSessionStore.layer({ directory, fsync: false })).pipe(
      Layer.provide(NodeContext.layer)
    ),
    dump: async () => bytesUnder(directory),
    close: () => rm(directory, { recursive: true, force: true })
  }
}

export const sqlitePlace = async (): Promise<Place> => {
  const directory = await temporaryDirectory("security-sqlite")
  return {
    layer: storeOf("sqlite", join(directory, "sessions.db")),
    dump: async () => bytesUnder(directory),
    close: () => rm(directory, { recursive: true, force: true })
  }
}

export const postgresPlace = async (): Promise<Place> => {
  const server = await startPostgres()
  const url = await server.aDatabase()
  return {
    layer: storeOf("postgres", url),
    dump: async () => latin(JSON.stringify(await server.run(url, "select * from sessions"))),
    close: () => server.close()
  }
}

export const mariadbPlace = async (): Promise<Place> => {
  const server = await startMariadb()
  const url = await server.aDatabase()
  return {
    layer: storeOf("mariadb", url),
    dump: async () => latin(JSON.stringify(await server.run(url, "select * from sessions"))),
    close: () => server.close()
  }
}

export const redisPlace = async (): Promise<Place> => {
  const server = await startRedis({ appendfsync: "everysec" })
  return {
    layer: storeOf("redis", server.url),
    dump: async () => latin(JSON.stringify(await keysOf(server))),
    close: () => server.close()
  }
}

/** Every key with its content. */
const keysOf = async ({ run }: RedisServer): Promise<ReadonlyArray<unknown>> => {
  const read: Readonly<Record<string, (key: string) => ReadonlyArray<string>>> = {
    string: (key) => ["GET", key],
    zset: (key) => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
    set: (key) => ["SMEMBERS", key],
    hash: (key) => ["HGETALL", key]
  }
  const keys = (await run("KEYS", "*")) as ReadonlyArray<string>
  const found: Array<unknown> = []
  for (const key of keys) {
    const type = String(await run("TYPE", key))
    // A key may expire meanwhile.
    if (type !== "none") found.push(key, await run(...(read[type]?.(key) ?? ["DUMP", key])))
  }
  return found
}

const latin = (text: string): string => Buffer.from(text).toString("latin1")

/** The names and the contents of all files under a directory. */
const bytesUnder = (directory: string): string =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return `${entry.name}\n${entry.isFile() ? readFileSync(path, "latin1") : ""}\n`
    })
    .join("")
