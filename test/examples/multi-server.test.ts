/** The multi-server example on a real PostgreSQL: two server processes behind a proxy. */
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

  it("both servers show the same session", async () => {
    const visitor = makeVisitor(cluster.url)
    await visitor.look()

    await visitor.send("/login", { user: "bob" })
    const sights = [await visitor.look(), await visitor.look()]

    expect(sights.map(({ user }) => user)).toEqual(["bob", "bob"])
  })

  it("the tour shows that a killed server logs nobody out, and that an ended session is over", async () => {
    const told: Array<string> = []

    await tour(cluster, (line) => told.push(line))

    expect(told).toEqual([
      expect.stringMatching(/^Server (one|two) made a guest's page\.$/),
      expect.stringMatching(/^Ada logged in\. Server (one|two) shows the user ada\.$/),
      expect.stringMatching(/^Ada added two items\. Server (one|two) shows apple and pear\.$/),
      "Server one was killed. Server two still shows the user ada.",
      "Her session was ended from the admin page. Server two shows a guest."
    ])
  })
})
