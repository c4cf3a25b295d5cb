/** The stores that server processes of the tests can be started with; each loads only the driver it needs. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SessionStore from "../../src/SessionStore.js"
import { clientOf } from "./sqlClients.js"

export type StoreName = "memory" | "files" | "sqlite" | "postgres" | "mariadb" | "redis"

/** Connections of a server's pool. */
export const maxConnections = 8

type Store = Layer.Layer<SessionStore.SessionStore, unknown>

const stores: Readonly<Record<StoreName, (argument: string) => Promise<Store>>> = {
  memory: async () => SessionStore.layerMemory,
  files: async (directory) => {
    const NodeContext = await import("@effect/platform-node/NodeContext")
    const FileSystemSessionStore = await import("../../src/FileSystemSessionStore.js")
    return Layer.provide(FileSystemSessionStore.layer({ directory }), NodeContext.layer)
  },
  sqlite: (filename) => sql(filename),
  postgres: (url) => sql(url),
  mariadb: (url) => sql(url),
  redis: async (url) => {
    const RedisSessionStore = await import("../../src/RedisSessionStore.js")
    return RedisSessionStore.layer({ url })
  }
}

const sql = async (url: string): Promise<Store> => {
  const { layerMigrated } = await import("../../src/SqlSessionStore.js")
  return Layer.provide(layerMigrated, clientOf(url, maxConnections))
}

const isStore = (name: string): name is StoreName => Object.hasOwn(stores, name)

/** The store of that name: `argument` is a directory, a file or a URL. */
export const storeOf = (name: string, argument: string): Layer.Layer<SessionStore.SessionStore> => {
  if (!isStore(name)) throw new Error(`There is no store named ${name}.`)
  return Layer.orDie(Layer.unwrapEffect(Effect.promise(() => stores[name](argument))))
}
