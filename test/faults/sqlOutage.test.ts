/** Servers whose database goes away, is full of connections or takes no writes: X14, X16, X17 and X20. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually } from "../support/process.js"
import { losesNothingWhenKilled, recovered, visited } from "./support/claims.js"
import { aMigratedDatabase, type DatabaseServer, type Kind, kinds } from "./support/databases.js"
import { counted, refused, startServer } from "./support/server.js"

const faults = (kind: Kind): void => {
  let database: DatabaseServer

  beforeAll(async () => {
    database = await kind.start()
  })

  afterAll(() => database.close())

  /** Waits until so many connections sleep. */
  const asleep = (count: number, url: string) =>
    eventually(async () => {
      const [row] = await database.run(url, kind.sleeping)
      if (Number(row?.n) < count) throw new Error("They are not asleep yet.")
    })

  it("X14 that is killed and comes back loses nothing that was acknowledged, and the server goes on", async () => {
    const url = await aMigratedDatabase(database)
    await losesNothingWhenKilled(await startServer({ url }), database)
  })

  it("X16 whose pool is exhausted lets requests with a session fail with 503 and no other", async () => {
    const url = await aMigratedDatabase(database)
    const server = await startServer({ url, maxConnections: 2 })
    const client = await visited(server.client())
    const holders = [server.client(), server.client()].map((holder) =>
      holder.send(`/query?given=${encodeURIComponent(kind.sleep(5))}`)
    )
    await asleep(2, url)

    const [reading, beginning, plain] = await Promise.all([
      client.send("/read"),
      server.client().send("/increment"),
      server.client().send("/plain")
    ])
    await Promise.all(holders)

    expect([reading, beginning]).toMatchObject([refused, refused])
    expect(plain).toMatchObject({ status: 200 })
    expect(await recovered(client)).toMatchObject(counted(2))
  })

  it("X17 that takes no more connections lets requests fail with 503 until it does", async () => {
    const url = await aMigratedDatabase(database)
    const server = await startServer({ url })
    const client = await visited(server.client())
    await kind.disconnect(database, url)
    const release = await kind.exhaust(url)

    const writing = await client.send("/increment")
    const reading = await client.send("/read")
    await release()

    expect(reading).toMatchObject(refused)
    expect(writing).toMatchObject(refused)
    expect(await recovered(client)).toMatchObject(counted(2))
  })

  it("X20 that takes no writes serves reads, also of sessions whose last activity is due, and refuses writes", async () => {
    const url = await aMigratedDatabase(database)
    const server = await startServer({ url, touchMillis: 1 })
    const client = await visited(server.client())
    await kind.setReadOnly(database, url, true)

    const writing = await client.send("/increment")
    const reading = await client.send("/read")
    const beginning = await server.client().send("/increment")
    await kind.setReadOnly(database, url, false)

    expect(writing).toMatchObject(refused)
    expect(beginning).toMatchObject(refused)
    expect(reading).toMatchObject(counted(1))
    expect(await recovered(client)).toMatchObject(counted(2))
  })
}

for (const kind of kinds)
  describe.skipIf(kind.isLacking)(`a ${kind.name} server`, () => faults(kind))
