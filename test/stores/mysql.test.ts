import { MysqlClient } from "@effect/sql-mysql2"
import { Effect, Layer, Redacted } from "effect"
import { afterAll, beforeAll, describe } from "vitest"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { lacksMariadb, type MariadbServer, startMariadb } from "../support/mariadb.js"

describe.skipIf(lacksMariadb)("MySQL or MariaDB", () => {
  let server: MariadbServer

  beforeAll(async () => {
    server = await startMariadb()
  })

  afterAll(() => server.close())

  const store = (options: SqlSessionStore.Options = {}) =>
    Layer.unwrapEffect(
      Effect.map(
        Effect.promise(() => server.aDatabase()),
        (url) =>
          SqlSessionStore.layerMigratedWith(options).pipe(
            Layer.provide(MysqlClient.layer({ url: Redacted.make(url), maxConnections: 8 }))
          )
      )
    )

  SessionStoreTest.suite("mysql", store(), {
    layerKeeping7Days: store({ keepEnded: "7 days" })
  })
})
