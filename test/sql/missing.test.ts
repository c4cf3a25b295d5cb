/** Whatever a database lacks of the store: `migrate` makes it, or says what is in the way. */

import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Exit, Layer, Logger } from "effect"
import { expect, test } from "vitest"
import { inspectTable } from "../../src/internal/sql/inspect.js"
import { SessionStore } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { aRecord } from "../support/record.js"
import {
  idOf,
  type Kind,
  messageOf,
  mysql,
  onEach,
  postgres,
  sqlite,
  withClient
} from "./servers.js"

const run = (kind: Kind, url: string, ...texts: ReadonlyArray<string>) =>
  withClient(
    kind,
    url,
    Effect.flatMap(SqlClient, (sql) =>
      Effect.forEach(texts, (text) => sql.unsafe(text).unprepared, { discard: true })
    )
  )

const migrate = (kind: Kind, url: string) =>
  withClient(kind, url, Effect.exit(SqlSessionStore.migrate))

const open = (kind: Kind, url: string) =>
  withClient(kind, url, Effect.exit(Effect.scoped(Layer.build(SqlSessionStore.layer))))

/** What `doctor` asks. */
const inspect = (kind: Kind, url: string) =>
  withClient(
    kind,
    url,
    Effect.exit(Effect.flatMap(SqlClient, (sql) => inspectTable(sql, "sessions")))
  )

/** Uses a store, and tells whether it worked and what was logged. */
const use = (kind: Kind, url: string) => {
  const logged: Array<string> = []
  const listening = Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ message }) => logged.push(String(message)))
  )
  return withClient(
    kind,
    url,
    Effect.gen(function* () {
      const store = yield* SessionStore
      const record = aRecord({ id: idOf(Math.floor(Math.random() * 1e9)), userId: "ada" })
      yield* store.insert(record)
      const found = yield* store.find(record.id)
      const ended = yield* store.revokeUser({ namespace: record.namespace, userId: "ada" })
      return { works: found._tag === "Some" && ended > 0, logged }
    }).pipe(Effect.provide(Layer.provideMerge(SqlSessionStore.layer, listening)))
  )
}

const inOrder = { works: true, logged: [] }

interface Lost {
  readonly what: string
  readonly drop: string
  readonly isBearable?: boolean
}

const lostOn: Readonly<Record<Kind["name"], ReadonlyArray<Lost>>> = {
  postgres: [
    { what: "the index on (row_id)", drop: "drop index sessions_row_id" },
    { what: "the index on (user_id, row_id)", drop: "drop index sessions_user_id" },
    { what: "the unique key on (id)", drop: "alter table sessions drop constraint sessions_pkey" },
    { what: "the index on (revoked_at)", drop: "drop index sessions_revocations_at" },
    {
      what: "the primary key",
      drop: "alter table sessions_revocations drop constraint sessions_revocations_pkey, drop column row_id"
    }
  ],
  mysql: [
    { what: "the index on (user_id, row_id)", drop: "drop index user_id on sessions" },
    {
      what: "the index on (previous_token, previous_until)",
      drop: "drop index previous_token on sessions"
    },
    { what: "the unique key on (id)", drop: "drop index id on sessions" },
    { what: "the index on (revoked_at)", drop: "drop index revoked_at on sessions_revocations" },
    { what: "the primary key", drop: "alter table sessions_revocations drop column row_id" }
  ],
  sqlite: [
    { what: "the index on (user_id, row_id)", drop: "drop index sessions_user_id" },
    { what: "the index on (previous_until)", drop: "drop index sessions_previous_token" },
    { what: "the index on (revoked_at)", drop: "drop index sessions_revocations_at" }
  ]
}

const tables: ReadonlyArray<Lost> = [
  { what: 'the table "sessions"', drop: "drop table sessions" },
  { what: 'the table "sessions_revocations"', drop: "drop table sessions_revocations" }
]

onEach([postgres, mysql, sqlite], (kind, aDatabase) => {
  for (const { what, drop } of tables) {
    test(`${what} that was dropped is named when the store opens, and made again`, async () => {
      const url = await aDatabase()
      await migrate(kind, url)
      await run(kind, url, drop)

      const [opened, inspected] = [await open(kind, url), await inspect(kind, url)]
      const migrated = await migrate(kind, url)

      expect(messageOf(opened)).toMatch(
        `SessionConfigError: The session setting table is "sessions", but the database lacks ${what}. Run`
      )
      expect(messageOf(inspected)).toBe(messageOf(opened))
      expect(migrated).toEqual(Exit.succeed(["0001_create_sessions"]))
      expect(await use(kind, url)).toEqual(inOrder)
      expect(await migrate(kind, url)).toEqual(Exit.succeed([]))
    })
  }

  for (const { what, drop } of lostOn[kind.name]) {
    test(`${what} that was dropped is named by the doctor and made again`, async () => {
      const url = await aDatabase()
      await migrate(kind, url)
      await run(kind, url, drop)

      const inspected = await inspect(kind, url)
      const used = await use(kind, url)
      const migrated = await migrate(kind, url)

      expect(messageOf(inspected)).toContain(`lacks ${what.split(" on (")[0]}`)
      expect(messageOf(inspected)).toContain(what.split(" on ")[1] ?? "")
      expect(used).toEqual({
        works: true,
        logged: [expect.stringContaining(what.split(" on (")[0] ?? what)]
      })
      expect(migrated).toMatchObject({ _tag: "Success", value: [expect.stringMatching(/^000/)] })
      expect(await inspect(kind, url)).toEqual(Exit.void)
      expect(await use(kind, url)).toEqual(inOrder)
    })
  }

  test("all of it is made again where only the record of the migrations is left", async () => {
    const url = await aDatabase()
    await migrate(kind, url)
    await run(kind, url, "drop table sessions", "drop table sessions_revocations")

    expect(await migrate(kind, url)).toEqual(Exit.succeed(["0001_create_sessions"]))
    expect(await use(kind, url)).toEqual(inOrder)
  })

  test("nothing is made where only the record is gone", async () => {
    const url = await aDatabase()
    await migrate(kind, url)
    await use(kind, url)
    await run(kind, url, "drop table effect_session_migrations")

    expect(await migrate(kind, url)).toMatchObject({ _tag: "Success" })
    expect(await inspect(kind, url)).toEqual(Exit.void)
    expect(await migrate(kind, url)).toEqual(Exit.succeed([]))
  })

  test("a column that was dropped is named, with an advice that is true", async () => {
    const url = await aDatabase()
    await migrate(kind, url)
    const isIndexed = kind.name === "mysql" ? [] : ["drop index sessions_previous_token"]
    await run(kind, url, ...isIndexed, "alter table sessions drop column previous_token")

    for (const exit of [await open(kind, url), await migrate(kind, url)]) {
      expect(messageOf(exit)).toMatch(
        /^SessionConfigError: .*lacks columns of the table "sessions": previous_token\. .*Add the columns/
      )
    }
    await run(kind, url, "alter table sessions add column previous_token varchar(512)")
    if (kind.name === "mysql") {
      // The server took the column out of the index, and kept the rest of it.
      expect(messageOf(await migrate(kind, url))).toMatch(
        /SessionConfigError: .*Its name belongs to/
      )
      await run(kind, url, "drop index previous_token on sessions")
    }
    expect(await migrate(kind, url)).toMatchObject({ _tag: "Success" })
    expect(await inspect(kind, url)).toEqual(Exit.void)
    expect(await use(kind, url)).toEqual(inOrder)
  })

  for (const name of ["sessions", "sessions_revocations", "effect_session_migrations"]) {
    test(`a view called ${name} is refused with a sentence, and nothing is recorded`, async () => {
      const url = await aDatabase()
      await run(kind, url, `create view ${name} as select 1 as one`)

      const migrated = await migrate(kind, url)

      expect(messageOf(migrated)).toMatch(
        `lacks the table "${name}": that name has a view. Rename or drop the view`
      )
      await run(kind, url, `drop view ${name}`)
      expect(await migrate(kind, url)).toMatchObject({ _tag: "Success" })
      expect(await use(kind, url)).toEqual(inOrder)
    })
  }

  test("an app's table of revocations, or of migrations, is refused and left alone", async () => {
    for (const name of ["sessions_revocations", "effect_session_migrations"]) {
      const url = await aDatabase()
      await run(kind, url, `create table ${name} (thing integer)`, `insert into ${name} values (7)`)

      expect(messageOf(await migrate(kind, url))).toMatch(
        new RegExp(`SessionConfigError: .*lacks columns of the table "${name}": `)
      )
      const rows = await withClient(
        kind,
        url,
        Effect.flatMap(SqlClient, (sql) => sql.unsafe(`select * from ${name}`))
      )
      expect(rows).toEqual([{ thing: 7 }])
    }
  })

  test("rows of a table of revocations without a key stay when it gets one", async () => {
    const url = await aDatabase()
    await migrate(kind, url)
    const text = kind.name === "mysql" ? "varbinary(255)" : "text"
    await run(
      kind,
      url,
      "drop table sessions_revocations",
      `create table sessions_revocations (namespace ${text} not null, user_id ${text} not null, except_id varchar(40), revoked_at bigint not null)`,
      "insert into sessions_revocations values ('session', 'ada', null, 7), ('session', 'eve', 'x', 8)",
      "delete from effect_session_migrations where migration_id = 2"
    )

    const migrated = await migrate(kind, url)

    expect(migrated).toMatchObject({ value: expect.arrayContaining(["0002_key_revocations"]) })
    const rows = await withClient(
      kind,
      url,
      Effect.flatMap(SqlClient, (sql) =>
        sql.unsafe(
          "select revoked_at, row_id, except_id from sessions_revocations order by revoked_at"
        )
      )
    )
    expect(rows.map((row) => Object.values(row).map(String))).toEqual([
      ["7", "1", "null"],
      ["8", "2", "x"]
    ])
    expect(await inspect(kind, url)).toEqual(Exit.void)
  })
})

onEach([postgres, sqlite], (kind, aDatabase) => {
  test("an index whose name another table has is a sentence, and nothing is recorded", async () => {
    const url = await aDatabase()
    await run(
      kind,
      url,
      "create table app (user_id text)",
      "create index sessions_user_id on app (user_id)"
    )

    const migrated = await migrate(kind, url)

    expect(messageOf(migrated)).toMatch(
      /lacks the index of the table "sessions" on \(user_id, row_id\)\. Its name belongs to something else/
    )
    await run(kind, url, "drop index sessions_user_id")
    expect(await migrate(kind, url)).toMatchObject({ _tag: "Success" })
    expect(await inspect(kind, url)).toEqual(Exit.void)
  })
})

onEach([postgres, mysql], (kind, aDatabase) => {
  test("a schema that is missing is named, when the store opens and when it is migrated", async () => {
    const url = await aDatabase()
    const options = { table: "nowhere_7.sessions" }

    const migrated = await withClient(kind, url, Effect.exit(SqlSessionStore.migrateWith(options)))
    const opened = await withClient(
      kind,
      url,
      Effect.exit(Effect.scoped(Layer.build(SqlSessionStore.layerWith(options))))
    )

    for (const exit of [migrated, opened]) {
      expect(messageOf(exit)).toMatch(
        'SessionConfigError: The session setting table is "nowhere_7.sessions", but the database lacks the schema "nowhere_7". Create the schema, then migrate.'
      )
    }
  })
})

onEach([postgres], (kind, aDatabase) => {
  test("a search path without a schema is a sentence", async () => {
    const url = `${await aDatabase()}?options=-c%20search_path%3Dnowhere`

    expect(messageOf(await migrate(kind, url))).toMatch(/SessionConfigError: .*no schema/)
  })
})
