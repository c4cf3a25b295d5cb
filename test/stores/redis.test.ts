import { Effect, Layer } from "effect"
import { afterAll, beforeAll, describe } from "vitest"
import * as RedisSessionStore from "../../src/RedisSessionStore.js"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"
import { lacksRedis, type RedisServer, startRedis } from "../support/redis.js"

describe.skipIf(lacksRedis)("a Redis server", () => {
  let server: RedisServer

  beforeAll(async () => {
    server = await startRedis({ appendfsync: "everysec" })
  })

  afterAll(() => server?.close())

  const store = (options: Pick<RedisSessionStore.Options, "prefix" | "keepEnded"> = {}) =>
    Layer.unwrapEffect(Effect.sync(() => RedisSessionStore.layer({ url: server.url, ...options })))

  SessionStoreTest.suite("redis", store(), {
    layerKeeping7Days: store({ prefix: "keeping", keepEnded: "7 days" })
  })
})
