import { Migrator } from "@effect/sql"
import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer } from "effect"
import { expect, test } from "vitest"
import { SessionStore } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { aRecord } from "../support/record.js"
import { idOf, messageOf, mysql, onEach, postgres, sqlite, withClient } from "./servers.js"

const statement = (text: string) => Effect.flatMap(SqlClient, (sql) => sql.unsafe(text))

const all = ["0001_create_sessions", "0002_key_revocations"]

/** What the store says when it is opened. */
const opened = (options: SqlSessionStore.Options = {}) =>
  Effect.exit(Effect.scoped(Layer.build(SqlSessionStore.layerWith(options))))

const storesASession = (options: SqlSessionStore.Options = {}) =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    yield* store.insert(aRecord({ id: idOf(1) }))
    return (yield* store.find(idOf(1)))._tag
  }).pipe(Effect.provide(SqlSessionStore.layerWith(options)))

onEach([postgres, mysql, sqlite], (kind, aDatabase) => {
  test("eight pools that migrate at once all succeed, and one of them migrates", async () => {
    const url = await aDatabase()

    const done = await Promise.all(
      Array.from({ length: 8 }, () => withClient(kind, url, SqlSessionStore.migrate))
    )

    expect(done.flat()).toEqual(all)
    expect(await withClient(kind, url, storesASession())).toBe("Some")
  })

  test("migrating again does nothing and keeps the sessions", async () => {
    const url = await aDatabase()
    await withClient(kind, url, Effect.zipRight(SqlSessionStore.migrate, storesASession()))

    const again = await withClient(kind, url, SqlSessionStore.migrate)

    expect(again).toEqual([])
    const found = Effect.flatMap(SessionStore, (store) => store.find(idOf(1)))
    const kept = await withClient(kind, url, Effect.provide(found, SqlSessionStore.layer))
    expect(kept._tag).toBe("Some")
  })

  test("a missing table is a sentence that names the migration", async () => {
    const exit = await withClient(kind, await aDatabase(), opened())

    expect(messageOf(exit)).toBe(
      'SessionConfigError: The session setting table is "sessions", but the database lacks the table "sessions", the table "sessions_revocations". Run the migration 0001_create_sessions: with "npx effect-session migrate", with SqlSessionStore.migrate or layerMigrated, or from the package\'s folder migrations/.'
    )
  })

  test("a table of the app with the same name is refused, also when it is migrated", async () => {
    const url = await aDatabase()
    await withClient(kind, url, statement("create table sessions (id varchar(40) primary key)"))

    const migrated = await withClient(kind, url, Effect.exit(SqlSessionStore.migrate))
    const exit = await withClient(kind, url, opened())

    expect(messageOf(migrated)).toMatch(
      /SessionConfigError: .*lacks columns of the table "sessions": /
    )
    expect(messageOf(exit)).toMatch(/SessionConfigError: .*lacks columns of the table "sessions": /)
  })

  test("two tables stand side by side, each with migrations of its own", async () => {
    const url = await aDatabase()
    const table = "Admin-sessions_2$"
    await withClient(kind, url, SqlSessionStore.migrate)

    const done = await withClient(kind, url, SqlSessionStore.migrateWith({ table }))

    expect(done).toEqual(all)
    expect(await withClient(kind, url, storesASession({ table }))).toBe("Some")
    expect(await withClient(kind, url, SqlSessionStore.migrateWith({ table }))).toEqual([])
  })

  test("the app's own table of migrations is not touched", async () => {
    const url = await aDatabase()
    const app = Migrator.make({})({
      loader: Migrator.fromRecord({
        "0007_app": statement("create table app (id integer)") as never
      })
    })
    await withClient(kind, url, app)

    await withClient(kind, url, SqlSessionStore.migrate)

    const rows = await withClient(kind, url, statement("select name from effect_sql_migrations"))
    expect(rows).toEqual([{ name: "app" }])
  })

  test("the migrations run with the Migrator of @effect/sql, which migrate then agrees with", async () => {
    const url = await aDatabase()
    const migrator = Migrator.make({})({
      loader: Migrator.fromRecord(SqlSessionStore.migrations),
      table: "effect_session_migrations"
    })

    const done = await withClient(kind, url, migrator)

    expect(done).toEqual([
      [1, "create_sessions"],
      [2, "key_revocations"]
    ])
    expect(await withClient(kind, url, SqlSessionStore.migrate)).toEqual([])
    expect(await withClient(kind, url, storesASession())).toBe("Some")
  })

  test("a name that is none is refused with a sentence", async () => {
    const url = await aDatabase()
    const names = ["", "a b", "a;b", 'a"b', "a`b", "1a", "a.b.c", ".a", "x".repeat(37), "ä"]

    const exits = await withClient(
      kind,
      url,
      Effect.forEach(names, (table) => opened({ table }))
    )

    for (const exit of exits) {
      expect(messageOf(exit)).toMatch(
        /^SessionConfigError: The session setting table must be a name of at most 36 letters/
      )
    }
  })
})

onEach([postgres], (kind, aDatabase) => {
  test("a table in a schema works", async () => {
    const url = await aDatabase()
    const table = "auth.Sessions"
    await withClient(kind, url, statement("create schema auth"))

    const done = await withClient(kind, url, SqlSessionStore.migrateWith({ table }))

    expect(done).toEqual(all)
    expect(await withClient(kind, url, storesASession({ table }))).toBe("Some")
    expect(await withClient(kind, url, SqlSessionStore.migrateWith({ table }))).toEqual([])
  })

  test("a migration that fails leaves nothing behind", async () => {
    const url = await aDatabase()
    await withClient(kind, url, statement("create table sessions (id varchar(40) primary key)"))

    await withClient(kind, url, Effect.exit(SqlSessionStore.migrate))

    const rows = await withClient(
      kind,
      url,
      statement("select tablename from pg_tables where schemaname = 'public'")
    )
    expect(rows).toEqual([{ tablename: "sessions" }])
  })
})
