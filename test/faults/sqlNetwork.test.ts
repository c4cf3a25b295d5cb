/** Servers whose connection to the database loses replies, breaks or stands still: X15 and X23. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, pause } from "../support/process.js"
import { updatesOnceWithoutReply } from "./support/claims.js"
import { aMigratedDatabase, type DatabaseServer, type Kind, kinds } from "./support/databases.js"
import { startLoad } from "./support/load.js"
import { startProxy } from "./support/proxy.js"
import { counted, refused, startServer } from "./support/server.js"

const faults = (kind: Kind): void => {
  let database: DatabaseServer

  beforeAll(async () => {
    database = await kind.start()
  })

  afterAll(() => database.close())

  /** A server that reaches its database through a proxy. */
  const aServer = async () => {
    const url = await aMigratedDatabase(database)
    const proxy = await startProxy(new URL(url))
    const server = await startServer({ url: proxy.through(url) })
    return { proxy, server, url }
  }

  const usersIn = async (url: string): Promise<ReadonlyArray<unknown>> => {
    const rows = await database.run(url, "select user_id from sessions")
    return rows.map((row) => (row.user_id === null ? null : String(row.user_id)))
  }

  it("X15 that loses the reply to an update has carried it out exactly once", async () => {
    const { proxy, server } = await aServer()
    await updatesOnceWithoutReply(server, proxy)
  })

  it("X15 that loses the reply to a new session's insert has stored it exactly once", async () => {
    const { proxy, server, url } = await aServer()
    const client = server.client()

    const lost = proxy.loseReplyTo("mark-new-")
    const answer = await client.send("/increment?given=mark-new-")
    await lost

    expect(answer).toMatchObject(counted(1))
    expect(await client.send("/increment")).toMatchObject(counted(2))
    expect(await database.run(url, "select id from sessions")).toHaveLength(1)
  })

  it("X15 that loses the reply to a login has carried it out, and the new cookie reaches the client", async () => {
    const { proxy, server, url } = await aServer()
    const client = server.client()
    await client.send("/increment")

    const lost = proxy.loseReplyTo("ada in the payload")
    const answer = await client.send("/login?given=ada")
    await lost

    expect(answer).toMatchObject({ ...counted(1), setCookies: [expect.any(String)] })
    expect(await client.send("/increment")).toMatchObject(counted(2))
    expect(await usersIn(url)).toEqual(["ada"])
  })

  it("X15 that loses the reply to a login's question for revocations logs nobody in", async () => {
    const { proxy, server, url } = await aServer()
    const client = server.client()
    await client.send("/increment")

    const lost = proxy.loseReplyTo("ada")
    const answer = await client.send("/login?given=ada")
    await lost

    expect(answer).toMatchObject(refused)
    expect(await usersIn(url)).toEqual([null])
    expect(await client.send("/read")).toMatchObject(counted(1))
  })

  /** What names the user before a login's second question. */
  const questionAndCommit = { passing: 2 }

  it("X15 that loses the reply to a login's second question asks once more, and the login stands", async () => {
    const { proxy, server, url } = await aServer()
    const client = server.client()
    await client.send("/increment")

    const lost = proxy.loseReplyTo("ada", questionAndCommit)
    const answer = await client.send("/login?given=ada")
    await lost

    expect(answer).toMatchObject({ ...counted(1), setCookies: [expect.any(String)] })
    expect(await client.send("/increment")).toMatchObject(counted(2))
    expect(await usersIn(url)).toEqual(["ada"])
  })

  it("X15 that loses each reply to a login's second question logs nobody in", async () => {
    const { proxy, server, url } = await aServer()
    const client = server.client()
    await client.send("/increment")

    const lost = proxy.loseReplyTo("ada", { ...questionAndCommit, times: 2 })
    const answer = await client.send("/login?given=ada")
    await lost

    expect(answer).toMatchObject(refused)
    expect(await usersIn(url)).toEqual([])
  })

  it("X15 whose connections are ended at random carries out what it acknowledges exactly once", async () => {
    const url = await aMigratedDatabase(database)
    const server = await startServer({ url })
    const load = startLoad(Array.from({ length: 8 }, () => server.client()))

    for (let nth = 0; nth < 20; nth++) {
      await pause(20 + Math.random() * 80)
      await kind.disconnect(database, url)
    }
    await load.acknowledgedAgain()
    await load.stop()

    expect(server.child.exitCode).toBe(null)
    await load.check()
  })

  it("X23 whose network stands still refuses requests with 503, and recovers when it goes on", async () => {
    const { proxy, server } = await aServer()
    const client = server.client()
    await client.send("/increment")
    proxy.stall()

    const writing = await client.send("/increment")
    const [reading, plain] = await Promise.all([
      client.send("/read"),
      server.client().send("/plain")
    ])
    proxy.resume()

    expect(writing).toMatchObject(refused)
    expect(reading).toMatchObject(refused)
    expect(plain).toMatchObject({ status: 200 })
    const after = await eventually(async () => {
      const answer = await client.send("/increment")
      if (answer.status !== 200) throw new Error(`The answer is still ${answer.status}.`)
      return answer
    })
    expect(after).toMatchObject(counted(2))
  })
}

for (const kind of kinds) {
  describe.skipIf(kind.isLacking)(`a server with ${kind.name}`, () => faults(kind))
}
