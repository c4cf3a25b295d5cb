/** SIGTERM with requests in flight (X28), on every store, in whatever order the layers are provided. */
import { afterEach, describe, expect, it } from "vitest"
import { ask, dial, type ServerProcess, type Setup, startServer } from "../shutdown/harness.js"
import { type Backing, lacks, openBacking } from "../support/backing.js"
import type { StoreName } from "../support/serverStores.js"

const inFlight = 50
const stores: ReadonlyArray<StoreName> = ["memory", "files", "sqlite", "postgres", "mariadb"]

const arrangements: ReadonlyArray<Pick<Setup, "server" | "outermost">> = [
  { server: "graceful", outermost: "server" },
  { server: "platform", outermost: "server" },
  { server: "platform", outermost: "store" }
]

/** What was answered and what was stored by a server that got SIGTERM while all were waiting for it. */
const stopUnderLoad = async (
  { argument, store }: Backing,
  arrangement: Pick<Setup, "server" | "outermost">,
  servers: Array<ServerProcess>
) => {
  const start = async () => {
    const server = await startServer({ store, argument, ...arrangement })
    servers.push(server)
    return server
  }
  const server = await start()
  const begun = await Promise.all(
    Array.from({ length: inFlight }, () => ask(server.port, "/slow?millis=1"))
  )
  const cookies = begun.map(({ cookie }) => cookie ?? "")
  // Node lets a stopping server wait for a connection that was never used.
  if (arrangement.server === "graceful") await dial(server.port)
  const flying = cookies.map((cookie, index) =>
    ask(server.port, `/slow?millis=${1500 + 10 * index}`, cookie)
  )
  await server.entered(2 * inFlight)
  server.stop()
  const answers = await Promise.all(flying)
  const code = await server.exited
  const endedMillis = performance.now() - Math.max(...answers.map(({ atMillis }) => atMillis))
  const isKept = store !== "memory"
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

describe.each(arrangements)("a $server server with the $outermost outermost", (arrangement) => {
  const servers: Array<ServerProcess> = []
  let backing: Backing | undefined

  afterEach(async () => {
    await Promise.all(servers.map((server) => server.kill()))
    await backing?.close()
  })

  for (const store of stores) {
    it.skipIf(lacks(store))(
      `X28 answers and stores its ${inFlight} requests in flight on SIGTERM, with ${store}, and ends with 0`,
      async () => {
        backing = await openBacking(store)

        const outcome = await stopUnderLoad(backing, arrangement, servers)

        expect(outcome).toMatchObject({ statuses: new Set([200]), code: 0 })
        expect(outcome.stored).toEqual(store === "memory" ? undefined : new Set(["2"]))
        // The platform's server leaves it to Node when idle connections close.
        if (arrangement.server === "graceful") expect(outcome.endedMillis).toBeLessThan(2000)
      },
      60_000
    )
  }
})
