/** What MySQL and MariaDB can share: concurrent reads. */
import { MysqlClient } from "@effect/sql-mysql2"
import { Effect, Layer, Option, Redacted } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { anId } from "../../src/internal/conformance/records.js"
import { SessionStore } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { lacksMariadb, type MariadbServer, startMariadb } from "../support/mariadb.js"
import { aRecord } from "../support/record.js"
import { questionsAbout } from "../support/revocations.js"

describe.skipIf(lacksMariadb)("MySQL or MariaDB: concurrent reads", () => {
  let server: MariadbServer
  let url: string

  beforeAll(async () => {
    server = await startMariadb()
    url = await server.aDatabase()
  })

  afterAll(() => server.close())

  /** How many prepared statements the server has run; the store sends no others. */
  const executed = async (): Promise<number> => {
    const [row] = await server.run(url, "show global status like 'Com_stmt_execute'")
    return Number(row?.Value)
  }

  const withStore = <A, E>(test: Effect.Effect<A, E, SessionStore>): Promise<A> => {
    const client = MysqlClient.layer({ url: Redacted.make(url), maxConnections: 8 })
    return Effect.runPromise(
      Effect.provide(test, SqlSessionStore.layerMigrated.pipe(Layer.provide(client)))
    )
  }

  it("of sessions take three statements for thirty: alone, by id, by previous id", async () => {
    const untilMillis = Date.now() + 60_000
    const moved = () =>
      aRecord({ previous: { id: anId(), kind: "alias", untilMillis, sealedToken: "sealed" } })
    const records = [
      ...Array.from({ length: 20 }, () => aRecord()),
      ...Array.from({ length: 10 }, moved)
    ]
    const ids = [...records.map((record) => record.previous?.id ?? record.id), anId()]

    const { found, statements } = await withStore(
      Effect.gen(function* () {
        const store = yield* SessionStore
        yield* Effect.forEach(records, store.insert)
        const before = yield* Effect.promise(executed)
        const found = yield* Effect.forEach(ids, store.find, { concurrency: "unbounded" })
        return { found, statements: (yield* Effect.promise(executed)) - before }
      })
    )

    expect(found).toEqual([...records.map(Option.some), Option.none()])
    expect(statements).toBe(3)
  })

  it("of revocations take two statements for sixty, and each hears of its own", async () => {
    const users = Array.from({ length: 10 }, (_, n) => ({
      namespace: "session",
      userId: `revoked ${n}`
    }))
    const spared = anId()

    const { answers, statements } = await withStore(
      Effect.gen(function* () {
        const store = yield* SessionStore
        yield* Effect.forEach(users, (user) => store.revokeUser({ ...user, except: spared }))
        const before = yield* Effect.promise(executed)
        const answers = yield* Effect.forEach(
          users.flatMap((user) => questionsAbout(user, spared)),
          ({ asked, revoked }) =>
            Effect.map(store.revokedWithin(asked), (found) => ({ asked, revoked, found })),
          { concurrency: "unbounded" }
        )
        return { answers, statements: (yield* Effect.promise(executed)) - before }
      })
    )

    expect(answers.filter(({ found, revoked }) => found !== revoked)).toEqual([])
    expect(answers.length).toBe(60)
    expect(statements).toBe(2)
  })
})
