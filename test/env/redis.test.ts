/** Redis by variables: what a URL may say, and that its password is never told. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as EnvSessionStore from "../../src/EnvSessionStore.js"
import { describe as describeStore, serverOfUrl } from "../../src/internal/redis/url.js"
import { SessionStore } from "../../src/SessionStore.js"
import { aRecord } from "../support/record.js"
import { lacksRedis, type RedisServer, startRedis } from "../support/redis.js"

const read = (url: string) => Effect.runSync(serverOfUrl("REDIS_URL", Redacted.make(url)))

const refusal = (url: string): string =>
  Effect.runSync(Effect.flip(serverOfUrl("REDIS_URL", Redacted.make(url)))).message

describe("the URL of Redis", () => {
  it("names host, port, user, password and database", () => {
    const { server } = read("redis://ada:p%40ss%2F@redis.example:6380/3")

    expect(server).toMatchObject({
      nodes: [{ host: "redis.example", port: 6380 }],
      username: "ada",
      database: 3,
      tls: false
    })
    expect(server.password && Redacted.value(server.password)).toBe("p@ss/")
  })

  it.each([
    ["redis://h", { nodes: [{ host: "h", port: 6379 }], database: 0, tls: false }],
    ["rediss://h", { tls: true }],
    ["REDISS://h", { tls: true }],
    ["redis://[::1]:7000", { nodes: [{ host: "::1", port: 7000 }] }],
    [
      "redis://h?sentinel=main&node=i:26380",
      {
        nodes: [
          { host: "h", port: 26379 },
          { host: "i", port: 26380 }
        ],
        sentinel: { name: "main" }
      }
    ],
    ["redis://h?cluster=true", { nodes: [{ host: "h", port: 6379 }], isCluster: true }]
  ])("%s", (url, server) => {
    expect(read(url).server).toMatchObject(server)
  })

  it.each([
    ["redis://:hush@h?family=6", "has the parameter family, which the client for Redis"],
    ["redis://:hush@h?__proto__=1", "has the parameter __proto__, "],
    ["redis://:hush@h?cluster=yes", "has the parameter cluster with a value"],
    ["redis://:hush@h?sentinel=", "has the parameter sentinel with a value"],
    ["redis://:hush@h?prefix=a%20b", "has the parameter prefix with a value"],
    ["redis://:hush@h?node=i:1", "has the parameter node, which needs"],
    ["redis://:hush@h?cluster=true&sentinel=main", "names a Sentinel and a cluster"],
    ["redis://:hush@h/3?cluster=true", "names a database"],
    ["redis://:hush@h/app", "must end with the number of a database"],
    ["redis://h#hush", "has a #"],
    ["redis://:hush#hush@h", "is not a URL"],
    ["redis://:hush?hush@h", "REDIS_URL"],
    ["redis://ada:hush@h:port", "is not a URL"],
    ["http://:hush@h", "must begin with redis:// or rediss://"]
  ])("%s is refused by what is wrong in it", (url, reason) => {
    expect(refusal(url)).toContain("REDIS_URL")
    expect(refusal(url)).toContain(reason)
    expect(refusal(url)).not.toContain("hush")
  })

  it("is described without user and password", () => {
    expect(describeStore(read("redis://ada:hush@h:1/2?prefix=shop"))).toBe(
      "the keys {shop} of Redis at h:1/2"
    )
  })
})

type Variables = Readonly<Record<string, string>>

const inEnvironment = (variables: Variables) =>
  Layer.setConfigProvider(
    ConfigProvider.fromMap(new Map(Object.entries({ SESSION_DRIVER: "redis", ...variables })), {
      pathDelim: "_"
    })
  )

const failure = (variables: Variables) =>
  Effect.runPromise(
    Effect.flip(
      Effect.provide(Effect.scoped(Layer.build(EnvSessionStore.layer)), inEnvironment(variables))
    )
  )

describe("EnvSessionStore with SESSION_DRIVER=redis", () => {
  it.each([
    [{}, "REDIS_URL"],
    [{ REDIS_URL: "null" }, "REDIS_HOST"],
    [{ REDIS_URL: "redis://:hush@h/x" }, "REDIS_URL"],
    [{ REDIS_HOST: "h", REDIS_PORT: "hush" }, "REDIS_PORT"],
    [{ REDIS_HOST: "h", REDIS_PORT: "70000" }, "REDIS_PORT"]
  ])("refuses %j by the name of the variable", async (variables: Variables, named) => {
    const error = await failure(variables)

    expect(error._tag).toBe("SessionConfigError")
    expect(error.message).toContain(named)
    expect(error.message).not.toContain("hush")
  })

  it("fails with a store error when the server does not answer", async () => {
    const error = await failure({ REDIS_URL: "redis://:hush@127.0.0.1:1" })

    expect(error).toMatchObject({ _tag: "SessionStoreError", reason: "unavailable" })
    expect(String(error) + JSON.stringify(error)).not.toContain("hush")
  })
})

describe.skipIf(lacksRedis)("a Redis server with a password", () => {
  let server: RedisServer

  beforeAll(async () => {
    server = await startRedis({ requirepass: "s3cret/@" })
  })

  afterAll(() => server?.close())

  const isStoring = (variables: Variables) =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      const record = aRecord()
      yield* store.insert(record)
      return Option.isSome(yield* store.find(record.id))
    }).pipe(
      Effect.provide(EnvSessionStore.layer),
      Effect.provide(inEnvironment(variables)),
      Effect.runPromise
    )

  it("is reached by its URL and by its host", async () => {
    const { host, port } = server
    const byUrl = { REDIS_URL: `redis://:s3cret%2F%40@${host}:${port}/1?prefix=shop` }
    const byHost = { REDIS_HOST: host, REDIS_PORT: String(port), REDIS_PASSWORD: "s3cret/@" }

    expect(await isStoring(byUrl)).toBe(true)
    expect(await isStoring(byHost)).toBe(true)
  })

  it.each(["", "wrong"])("refuses the password %j, and no message tells it", async (password) => {
    const { host, port } = server
    const error = await failure({ REDIS_URL: `redis://:${password}@${host}:${port}` })

    expect(error).toMatchObject({ _tag: "SessionStoreError", reason: "unavailable" })
    expect(`${error} ${JSON.stringify(error)} ${error.cause}`).not.toContain("wrong@")
    expect(`${error.cause}`).toMatch(/NOAUTH|WRONGPASS/)
  })
})
