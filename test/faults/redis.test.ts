/** Servers whose Redis is killed, cut off, stands still, forgets its scripts, is full or becomes a replica. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { pause } from "../support/process.js"
import { lacksRedis, type RedisServer, startRedis } from "../support/redis.js"
import {
  losesNothingWhenKilled,
  recovered,
  updatesOnceWithoutReply,
  visited
} from "./support/claims.js"
import { startLoad } from "./support/load.js"
import { startProxy } from "./support/proxy.js"
import { counted, refused, startServer } from "./support/server.js"

describe.skipIf(lacksRedis)("a server with Redis", () => {
  let redis: RedisServer

  beforeAll(async () => {
    redis = await startRedis()
  })

  afterAll(async () => {
    await redis?.close()
  })

  beforeEach(async () => {
    await redis.run("FLUSHALL")
  })

  const aServer = (url = redis.url) => startServer({ url })

  const behindProxy = async () => {
    const proxy = await startProxy(new URL(redis.url))
    return { proxy, server: await aServer(proxy.through(redis.url)) }
  }

  /** The users of all sessions that are stored. */
  const users = async (): Promise<ReadonlyArray<string>> => {
    const keys = (await redis.run("KEYS", "*:u:*")) as ReadonlyArray<string>
    return keys.map((key) => key.slice(key.lastIndexOf(":") + 1))
  }

  it("X14 that is killed with appendfsync always, and comes back, loses nothing that was acknowledged", async () => {
    await losesNothingWhenKilled(await aServer(), redis)
  })

  it("X15 that loses the reply to an update has carried it out exactly once", async () => {
    const { proxy, server } = await behindProxy()
    await updatesOnceWithoutReply(server, proxy)
  })

  it("X15 that loses the reply to a new session's insert has stored it exactly once", async () => {
    const { proxy, server } = await behindProxy()
    const client = server.client()

    const lost = proxy.loseReplyTo("mark-new-")
    const answer = await client.send("/increment?given=mark-new-")
    await lost

    expect(answer).toMatchObject(counted(1))
    expect(await client.send("/increment")).toMatchObject(counted(2))
    expect(await redis.run("KEYS", "*:s:*")).toHaveLength(1)
  })

  it("X15 that loses the reply to a login has carried it out, and the new cookie reaches the client", async () => {
    const { proxy, server } = await behindProxy()
    const client = await visited(server.client())

    const lost = proxy.loseReplyTo("ada in the payload")
    const answer = await client.send("/login?given=ada")
    await lost

    expect(answer).toMatchObject({ ...counted(1), setCookies: [expect.any(String)] })
    expect(await client.send("/increment")).toMatchObject(counted(2))
    expect(await users()).toEqual(["ada"])
  })

  it("X15 that loses the reply to a login's question for revocations logs nobody in", async () => {
    const { proxy, server } = await behindProxy()
    const client = await visited(server.client())

    const lost = proxy.loseReplyTo("ada")
    const answer = await client.send("/login?given=ada")
    await lost

    expect(answer).toMatchObject(refused)
    expect(await users()).toEqual([])
    expect(await client.send("/read")).toMatchObject(counted(1))
  })

  it("X15 whose connections are cut at random carries out what it acknowledges exactly once", async () => {
    const server = await aServer()
    const load = startLoad(Array.from({ length: 8 }, () => server.client()))

    for (let nth = 0; nth < 20; nth++) {
      await pause(20 + Math.random() * 80)
      await redis.disconnectAll()
    }
    await load.acknowledgedAgain()
    await load.stop()

    expect(server.child.exitCode).toBe(null)
    await load.check()
  })

  it("X23 that stands still lets requests with a session fail with 503 in time, no other, and recovers", async () => {
    const server = await aServer()
    const client = await visited(server.client())
    redis.signal("SIGSTOP")

    const began = performance.now()
    const writing = await client.send("/increment")
    const [reading, plain] = await Promise.all([
      client.send("/read"),
      server.client().send("/plain")
    ])
    const millis = performance.now() - began
    redis.signal("SIGCONT")

    expect(writing).toMatchObject(refused)
    expect(reading).toMatchObject(refused)
    expect(plain).toMatchObject({ status: 200 })
    // Each waits two seconds; without a deadline the client itself would have given up after twenty.
    expect(millis).toBeLessThan(10_000)
    // The first increment may have been done: nobody was told.
    const { body } = await recovered(client)
    expect([2, 3]).toContain((body as { readonly count: number }).count)
  })

  it("X23 whose connection is dead without a word takes another one", async () => {
    const { proxy, server } = await behindProxy()
    const client = await visited(server.client())
    proxy.stall()
    const refusedMeanwhile = await client.send("/read")
    proxy.forget()

    expect(refusedMeanwhile).toMatchObject(refused)
    expect(await recovered(client)).toMatchObject({ status: 200 })
  })

  it("that has forgotten its scripts is sent them again", async () => {
    const server = await aServer()
    const client = await visited(server.client())

    await redis.run("SCRIPT", "FLUSH")
    const others = await Promise.all(
      Array.from({ length: 8 }, () => server.client().send("/increment"))
    )

    expect(await client.send("/increment")).toMatchObject(counted(2))
    expect(others).toMatchObject(others.map(() => counted(1)))
  })

  it("X22 that is full refuses writes, serves reads and takes logouts", async () => {
    const server = await aServer()
    const client = await visited(server.client())
    await redis.run("CONFIG", "SET", "maxmemory", "1")

    const writing = await client.send("/increment")
    const beginning = await server.client().send("/increment")
    const reading = await client.send("/read")
    const leaving = await client.send("/logout")
    await redis.run("CONFIG", "SET", "maxmemory", "0")

    expect([writing, beginning]).toMatchObject([refused, refused])
    expect(reading).toMatchObject(counted(1))
    expect(leaving.status).toBe(200)
    expect(await redis.run("KEYS", "*:s:*")).toEqual([])
  })

  it("X20 that becomes a replica is not read, and serves again as the master", async () => {
    const master = await startRedis()
    const server = await aServer()
    const client = await visited(server.client())

    await redis.run("REPLICAOF", "127.0.0.1", String(master.port))
    await redis.disconnectAll()
    const reading = await client.send("/read")
    const writing = await client.send("/increment")
    await redis.run("REPLICAOF", "NO", "ONE")
    await master.close()

    expect([reading, writing]).toMatchObject([refused, refused])
    // Whether it had taken over what the other one holds by then depends on its haste.
    expect(await recovered(client)).toMatchObject({ status: 200 })
  })
})
