/** A store that would change or confuse texts does not open, and writes nothing to find out. */
import { SqlClient } from "@effect/sql/SqlClient"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted } from "effect"
import { expect, test } from "vitest"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { type Kind, messageOf, mysql, onEach, postgres, sqlite, withClient } from "./servers.js"

const statements = (...texts: ReadonlyArray<string>) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.forEach(texts, (text) => sql.unsafe(text).unprepared, { discard: true })
  )

const opening = Effect.exit(Effect.scoped(Layer.build(SqlSessionStore.layer)))

const withParameter = (url: string, name: string, value: string): string => {
  const changed = new URL(url)
  changed.searchParams.set(name, value)
  return changed.href
}

/** Expects that the store does not open. */
const expectRefused = async (kind: Kind, url: string, sentence: RegExp) => {
  const opened = await withClient(kind, url, opening)

  expect(messageOf(opened)).toMatch(/^SessionConfigError: The session setting client /)
  expect(messageOf(opened)).toMatch(sentence)
}

onEach([postgres, mysql, sqlite], (kind, aDatabase) => {
  test("a table as the migrations make it opens, and no row is written", async () => {
    const url = await aDatabase()
    await withClient(kind, url, SqlSessionStore.migrate)

    const opened = await withClient(kind, url, opening)

    expect(opened._tag).toBe("Success")
    const last = await withClient(
      kind,
      url,
      Effect.flatMap(SqlClient, (sql) => sql.unsafe("select * from sessions"))
    )
    expect(last).toEqual([])
  })
})

onEach([mysql], (kind, aDatabase) => {
  for (const charset of ["latin1", "cp1251", "utf8", "ascii", "utf8_general_ci", "koi8r"]) {
    test(`charset=${charset} in the URL is refused`, async () => {
      const url = await aDatabase()
      await withClient(kind, url, SqlSessionStore.migrate)

      await expectRefused(
        kind,
        withParameter(url, "charset", charset),
        /cannot keep every text: its connection is in .*charset=utf8mb4/
      )
    })
  }

  test("charset=utf8mb4 in the URL opens, in a database of another charset too", async () => {
    const url = await aDatabase()
    const name = new URL(url).pathname.slice(1)
    await withClient(kind, url, statements(`alter database ${name} character set latin1`))

    const opened = await withClient(
      kind,
      withParameter(url, "charset", "utf8mb4"),
      Effect.zipRight(SqlSessionStore.migrate, opening)
    )

    expect(opened._tag).toBe("Success")
  })

  for (const column of ["payload longtext", "user_agent varchar(512)"]) {
    test(`a column in latin1 is refused: ${column}`, async () => {
      const url = await aDatabase()
      const change = `alter table sessions modify ${column} character set latin1`
      await withClient(kind, url, Effect.zipRight(SqlSessionStore.migrate, statements(change)))

      await expectRefused(kind, url, /the column \w+ is in latin1\. .*convert to character set/)

      const convert = "alter table sessions convert to character set utf8mb4 collate utf8mb4_bin"
      const opened = await withClient(kind, url, Effect.zipRight(statements(convert), opening))
      expect(opened._tag).toBe("Success")
    })
  }

  for (const collation of ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"]) {
    for (const column of ["user_id", "namespace"]) {
      test(`a ${column} that compares by ${collation} is refused`, async () => {
        const url = await aDatabase()
        const change = `alter table sessions modify ${column} varchar(191) character set utf8mb4 collate ${collation} not null`
        await withClient(kind, url, Effect.zipRight(SqlSessionStore.migrate, statements(change)))

        await expectRefused(kind, url, /takes different texts for the same/)
      })
    }
  }
})

onEach([postgres], (kind, aDatabase) => {
  for (const encoding of ["LATIN1", "SQL_ASCII", "WIN1251", "EUC_JP"]) {
    test(`a database in ${encoding} is refused`, async () => {
      const url = await aDatabase()
      const other = new URL(url)
      other.pathname = `${other.pathname}_${encoding.toLowerCase()}`
      await withClient(
        kind,
        url,
        statements(
          `create database "${other.pathname.slice(1)}" encoding '${encoding}' template template0 lc_collate 'C' lc_ctype 'C'`
        )
      )
      await withClient(kind, other.href, SqlSessionStore.migrate)

      await expectRefused(
        kind,
        other.href,
        new RegExp(
          `cannot keep every text: its database is in ${encoding}\\. Use a database in UTF8`
        )
      )
    })
  }

  test("a connection in another encoding is refused", async () => {
    const url = await aDatabase()
    const client = PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })

    const [refused, opened] = await Effect.runPromise(
      Effect.gen(function* () {
        yield* SqlSessionStore.migrate
        yield* statements("set client_encoding to 'LATIN1'")
        const refused = yield* opening
        yield* statements("set client_encoding to 'utf-8'")
        return [refused, yield* opening] as const
      }).pipe(Effect.provide(client))
    )

    expect(messageOf(refused)).toMatch(/its connection is in LATIN1/)
    expect(opened._tag).toBe("Success")
  })

  test("a client that maps texts is refused", async () => {
    const url = await aDatabase()
    await withClient(kind, url, SqlSessionStore.migrate)
    const client = PgClient.layer({
      url: Redacted.make(url),
      // The driver's type asks for one signature a format.
      types: { getTypeParser: () => (value: string) => value.toUpperCase() } as never
    })

    const opened = await Effect.runPromise(Effect.provide(opening, client))

    expect(messageOf(opened)).toMatch(/gives back other texts than it is given|cannot keep/)
  })

  test("a user id that compares by a collation that ignores the case is refused", async () => {
    const url = await aDatabase()
    await withClient(
      kind,
      url,
      Effect.zipRight(
        SqlSessionStore.migrate,
        statements(
          "create collation blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
          "alter table sessions alter column user_id type text collate blind"
        )
      )
    )

    await expectRefused(kind, url, /takes different texts for the same/)
  })
})

onEach([sqlite], (kind, aDatabase) => {
  for (const collation of ["nocase", "rtrim"]) {
    test(`a user id that compares by ${collation} is refused`, async () => {
      const url = await aDatabase()
      await withClient(
        kind,
        url,
        Effect.gen(function* () {
          yield* SqlSessionStore.migrate
          const sql = yield* SqlClient
          const [made] = yield* sql.unsafe<{ sql: string }>(
            "select sql from sqlite_master where name = 'sessions'"
          )
          const text = (made?.sql ?? "").replace(
            "user_id text",
            `user_id text collate ${collation}`
          )
          yield* statements("drop table sessions", text)
          yield* SqlSessionStore.migrate
        })
      )

      await expectRefused(kind, url, /takes different texts for the same/)
    })
  }
})
