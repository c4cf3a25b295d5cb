import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted } from "effect"
import { afterAll, beforeAll } from "vitest"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { type PostgresServer, startPostgres } from "../support/postgres.js"

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

const store = (options: SqlSessionStore.Options = {}) =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.promise(() => server.aDatabase()),
      (url) =>
        SqlSessionStore.layerMigratedWith(options).pipe(
          Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 8 }))
        )
    )
  )

SessionStoreTest.suite("postgres", store(), {
  layerKeeping7Days: store({ keepEnded: "7 days" })
})
