/** Every table has a primary key, as servers with replication ask, and housekeeping never fails a collection. */
import { Migrator } from "@effect/sql"
import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Logger } from "effect"
import { expect, test } from "vitest"
import { SessionStore } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { aRecord } from "../support/record.js"
import { idOf, mysql, onEach, openStore, postgres, sqlite, withClient } from "./servers.js"

const statements = (...texts: ReadonlyArray<string>) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.forEach(texts, (text) => sql.unsafe(text).unprepared, { discard: true })
  )

/** Inserts sessions that expired, and a revocation of long ago. */
const expire = (count: number) =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    yield* Effect.forEach(
      Array.from({ length: count }, (_, index) => idOf(index)),
      (id) => store.insert(aRecord({ id, expiresAtMillis: Date.now() - 1000 })),
      { concurrency: 8, discard: true }
    )
    yield* store.revokeUser({ namespace: "session", userId: "ada" })
    yield* statements("update sessions_revocations set revoked_at = 7")
  })

const keyless = Effect.flatMap(SqlClient, (sql) =>
  sql.onDialectOrElse({
    pg: () =>
      sql.unsafe(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and not exists (select from pg_index where indrelid = pg_class.oid and indisprimary)"
      ),
    mysql: () =>
      sql.unsafe(
        "select table_name from information_schema.tables where table_schema = database() and not exists (select 1 from information_schema.statistics where statistics.table_schema = tables.table_schema and statistics.table_name = tables.table_name and index_name = 'PRIMARY')"
      ),
    orElse: () =>
      sql.unsafe(
        "select name from sqlite_master where type = 'table' and not exists (select 1 from pragma_table_info(sqlite_master.name) where pk > 0)"
      )
  })
)

onEach([postgres, mysql, sqlite], (kind, aDatabase) => {
  test("every table has a primary key", async () => {
    const url = await aDatabase()

    const done = await withClient(kind, url, Effect.zipRight(SqlSessionStore.migrate, keyless))

    expect(done).toEqual([])
  })

  test("every table that the Migrator of @effect/sql makes has a primary key", async () => {
    const migrator = Migrator.make({})({
      loader: Migrator.fromRecord(SqlSessionStore.migrations),
      table: "effect_session_migrations"
    })

    const done = await withClient(kind, await aDatabase(), Effect.zipRight(migrator, keyless))

    expect(done).toEqual([])
  })

  test("a collection counts what it collected although the housekeeping fails, and warns", async () => {
    const { run, dispose } = await openStore(kind, await aDatabase())
    await run(expire(25))
    await run(statements("drop table sessions_revocations"))
    const warnings: Array<unknown> = []
    const recorded = Logger.replace(
      Logger.defaultLogger,
      Logger.make(({ logLevel, message }) => {
        if (logLevel.label === "WARN") warnings.push(message)
      })
    )

    const collect = Effect.flatMap(SessionStore, (store) =>
      Effect.all([store.collect(10), store.collect(10), store.collect(10), store.collect(10)])
    )
    const collected = await run(Effect.provide(collect, recorded))

    await dispose()
    expect(collected).toEqual([10, 10, 5, 0])
    expect(warnings).toHaveLength(4)
    expect(String(warnings[0])).toContain("Old revocations were not deleted.")
  })
})

onEach([postgres], (kind, aDatabase) => {
  test("a publication for all tables stops no collection and no revocation", async () => {
    const url = await aDatabase()
    const { run, dispose } = await openStore(kind, url)
    await run(statements("create publication everything for all tables"))
    await run(expire(2500))

    const collected = await run(
      Effect.flatMap(SessionStore, (store) =>
        Effect.all([store.collect(1000), store.collect(1000), store.collect(1000)])
      )
    )
    const left = await run(
      Effect.flatMap(SqlClient, (sql) => sql.unsafe("select 1 from sessions_revocations"))
    )

    await dispose()
    expect(collected).toEqual([1000, 1000, 500])
    expect(left).toEqual([])
  })
})

onEach([mysql], (kind, aDatabase) => {
  test("a key that the server made by itself is left as it is", async () => {
    const url = await aDatabase()
    await withClient(
      kind,
      url,
      statements(
        "create table sessions_revocations (my_row_id bigint not null auto_increment invisible primary key, namespace varbinary(255) not null, user_id varbinary(255) not null, except_id varchar(40), revoked_at bigint not null)"
      )
    )

    await withClient(kind, url, SqlSessionStore.migrate)

    const { run, dispose } = await openStore(kind, url)
    await run(expire(1))
    expect(await run(Effect.flatMap(SessionStore, (store) => store.collect(10)))).toBe(1)
    await dispose()
  })

  test("a server that refuses tables without a primary key is migrated", async () => {
    const url = await aDatabase()
    const setting = await withClient(
      kind,
      url,
      Effect.flatMap(SqlClient, (sql) =>
        sql.unsafe<{ Variable_name: string }>(
          "show variables where variable_name in ('innodb_force_primary_key', 'sql_require_primary_key')"
        )
      )
    )
    const name = setting[0]?.Variable_name ?? ""
    await withClient(kind, url, statements(`set global ${name} = 1`))

    const refused = await withClient(
      kind,
      url,
      Effect.exit(statements("create table keyless (one integer)"))
    )
    const done = await withClient(kind, url, SqlSessionStore.migrate)
    await withClient(kind, url, statements(`set global ${name} = 0`))

    expect(refused._tag).toBe("Failure")
    expect(done).toEqual(["0001_create_sessions", "0002_key_revocations"])
  })
})
