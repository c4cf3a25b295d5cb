/** The example of several servers, on a real PostgreSQL: two processes, a proxy between. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Cluster, startCluster } from "../../examples/multi-server/cluster.js"
import { tour } from "../../examples/multi-server/tour.js"
import { makeVisitor } from "../../examples/multi-server/visitor.js"
import { type PostgresServer, startPostgres } from "../support/postgres.js"

describe("examples/multi-server", { timeout: 120_000 }, () => {
  let database: PostgresServer
  let cluster: Cluster

  beforeAll(async () => {
    database = await startPostgres()
    cluster = await startCluster({
      databaseUrl: await database.aDatabase(),
      names: ["one", "two"],
      port: 0
    })
  }, 120_000)

  afterAll(async () => {
    await cluster?.stop()
    await database?.close()
  }, 60_000)

  it("the proxy gives requests to both servers in turn", async () => {
    const visitor = makeVisitor(cluster.url)

    const servers = [await visitor.look(), await visitor.look()].map(({ server }) => server)

    expect(servers.sort()).toEqual(["one", "two"])
  })

  it("a session is one whichever server answers", async () => {
    const visitor = makeVisitor(cluster.url)
    await visitor.look()

    await visitor.send("/login", { user: "bob" })
    const sights = [await visitor.look(), await visitor.look()]

    expect(sights.map(({ user }) => user)).toEqual(["bob", "bob"])
  })

  it("the tour holds: a killed server loses nobody, a session that was ended is over", async () => {
    const told: Array<string> = []

    await tour(cluster, (line) => told.push(line))

    expect(told).toEqual([
      expect.stringMatching(/^A guest's page was made by (one|two)\.$/),
      expect.stringMatching(/^Ada logged in; (one|two) knows ada\.$/),
      expect.stringMatching(/^Whichever server took them, (one|two) shows apple and pear\.$/),
      "Server one was killed; two still knows ada.",
      "Her session was ended from the admin page; two sees a guest."
    ])
  })
})
