/** Every store there is, each in an empty place that servers can share. */
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe } from "vitest"
import * as FileSystemSessionStore from "../../../src/FileSystemSessionStore.js"
import { layerMemory, type Service, SessionStore } from "../../../src/SessionStore.js"
import * as SqlSessionStore from "../../../src/SqlSessionStore.js"
import { lacksRedis, type RedisServer, startRedis } from "../../support/redis.js"
import { storeOf } from "../../support/serverStores.js"
import { clientOf, lacksDriver } from "../../support/sqlClients.js"
import { aDirectory } from "../workers/spawn.js"
import { aMigratedDatabase, type DatabaseServer, kinds } from "./databases.js"

/** Opens the store of one server. */
export type Open = Effect.Effect<Service, unknown, Scope.Scope>

/** Makes an empty place for sessions; each run of what it gives is another server on it. */
export type Place = Effect.Effect<Open, unknown, Scope.Scope>

const opened = <E>(layer: Layer.Layer<SessionStore, E>): Open =>
  Effect.map(Layer.build(layer), (context) => Context.get(context, SessionStore))

const files: Place = Effect.map(aDirectory, (directory) =>
  opened(
    Layer.provide(FileSystemSessionStore.layer({ directory, fsync: false }), NodeContext.layer)
  )
)

const sqlite: Place = Effect.map(aDirectory, (directory) =>
  opened(storeOf("sqlite", join(directory, "sessions.db")))
)

/** Registers tests for each store; `isShared` where several servers can share it. */
export const eachStore = (
  register: (name: string, place: Place, isShared: boolean) => void
): void => {
  register("memory", Effect.succeed(opened(layerMemory)), false)
  register("files", files, true)
  describe.skipIf(lacksDriver("sqlite"))("SQLite", () => register("SQLite", sqlite, true))
  describe.skipIf(lacksRedis)("Redis", () => {
    let server: RedisServer
    beforeAll(async () => {
      server = await startRedis({ appendfsync: "everysec" })
    })
    afterAll(() => server?.close())
    const place = Effect.promise(async () => {
      await server.run("FLUSHALL")
      return opened(storeOf("redis", server.url))
    })
    register("Redis", place, true)
  })
  for (const kind of kinds) {
    describe.skipIf(kind.isLacking)(kind.name, () => {
      let server: DatabaseServer
      beforeAll(async () => {
        server = await kind.start()
      })
      afterAll(() => server.close())
      const place = Effect.map(
        Effect.promise(() => aMigratedDatabase(server)),
        (url) => opened(Layer.provide(SqlSessionStore.layer, clientOf(url)))
      )
      register(kind.name, place, true)
    })
  }
}
