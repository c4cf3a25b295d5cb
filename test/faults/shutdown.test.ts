/** SIGTERM with requests in flight (X28), on every store. */
import { afterEach, describe, expect, it } from "vitest"
import { ask, dial, type ServerProcess, startServer } from "../shutdown/harness.js"
import { type Backing, lacks, openBacking } from "../support/backing.js"
import type { StoreName } from "../support/serverStores.js"

const inFlight = 50
const stores: ReadonlyArray<StoreName> = ["memory", "files", "sqlite", "postgres", "mariadb"]

/** What was answered and what was stored by a server that got SIGTERM while all were waiting for it. */
const stopUnderLoad = async (backing: Backing, servers: Array<ServerProcess>) => {
  const start = async () => {
    const server = await startServer(backing.store, backing.argument)
    servers.push(server)
    return server
  }
  const server = await start()
  const begun = await Promise.all(
    Array.from({ length: inFlight }, () => ask(server.port, "/slow?millis=1"))
  )
  const cookies = begun.map(({ cookie }) => cookie ?? "")
  await dial(server.port)
  const flying = cookies.map((cookie, index) =>
    ask(server.port, `/slow?millis=${1500 + 10 * index}`, cookie)
  )
  await server.entered(2 * inFlight)
  server.stop()
  const answers = await Promise.all(flying)
  const code = await server.exited
  const endedMillis = performance.now() - Math.max(...answers.map(({ atMillis }) => atMillis))
  const isKept = backing.store !== "memory"
  const after = isKept ? await start() : undefined
  const stored =
    after && (await Promise.all(cookies.map((cookie) => ask(after.port, "/visits", cookie))))
  return {
    statuses: new Set(answers.map(({ status }) => status)),
    stored: stored && new Set(stored.map(({ text }) => text)),
    code,
    endedMillis
  }
}

describe.each(stores)("a graceful server with %s that gets SIGTERM", (store) => {
  const servers: Array<ServerProcess> = []
  let backing: Backing | undefined

  afterEach(async () => {
    await Promise.all(servers.map((server) => server.kill()))
    await backing?.close()
  })

  it.skipIf(lacks(store))(
    `X28 answers and stores its ${inFlight} requests in flight, and ends with 0 within two seconds`,
    async () => {
      backing = await openBacking(store)

      const outcome = await stopUnderLoad(backing, servers)

      expect(outcome).toMatchObject({ statuses: new Set([200]), code: 0 })
      expect(outcome.stored).toEqual(store === "memory" ? undefined : new Set(["2"]))
      expect(outcome.endedMillis).toBeLessThan(2000)
    },
    60_000
  )
})
