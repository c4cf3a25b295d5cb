import { Effect, Option } from "effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { existingPostgres, type PostgresServer, startPostgres } from "../support/postgres.js"
import { eventually } from "../support/process.js"
import { aRecord } from "../support/record.js"
import { failureIn, idOf, openStore, postgres } from "./servers.js"

// Only a server that the tests started may be stopped.
describe.skipIf(existingPostgres !== undefined)("PostgreSQL stopped and started", () => {
  let server: PostgresServer

  beforeAll(async () => {
    server = await startPostgres()
  })

  afterAll(() => server.close())

  test("calls fail as unavailable while it is down, and succeed again without a new layer", async () => {
    const { store, run, dispose } = await openStore(postgres, await server.aDatabase())
    const record = aRecord({ id: idOf(1) })
    await run(store.insert(record))

    await server.stop()
    const down = await run(
      Effect.forEach(
        [
          Effect.asVoid(store.find(record.id)),
          Effect.asVoid(store.update({ ...record, version: 2 }, 1)),
          Effect.asVoid(store.count({}))
        ],
        Effect.exit,
        { concurrency: "unbounded" }
      )
    )
    await server.start()
    const found = await eventually(() => run(store.find(record.id)))

    for (const exit of down) {
      expect(failureIn(exit)).toMatchObject({ value: { reason: "unavailable" } })
    }
    expect(found).toEqual(Option.some(record))
    await dispose()
  })
})
