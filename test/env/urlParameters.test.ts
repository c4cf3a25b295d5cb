/** A parameter of a database's URL is honoured, or refused with a sentence that names it. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer, Redacted } from "effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { chooseAt, type DatabaseChoice } from "../../src/internal/env/choice.js"
import { connect } from "../../src/internal/env/connection.js"
import type { SessionConfigError } from "../../src/internal/errors/errors.js"
import { SessionStore } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { mysql, onEach, postgres } from "../sql/servers.js"
import { aRecord } from "../support/record.js"

const given = (url: string) => ({ source: "DATABASE_URL", url: Redacted.make(url) })

const refusal = (url: string): string => {
  const error: SessionConfigError = Effect.runSync(Effect.flip(connect(given(url))))
  return error.message
}

const chosen = async (url: string, table = "sessions"): Promise<DatabaseChoice> => {
  const choice = await Effect.runPromise(chooseAt("DATABASE_URL", url, table))
  if (choice.driver !== "database") throw new Error("It is no database.")
  return choice
}

const asked = <A>(choice: DatabaseChoice, text: string) =>
  Effect.runPromise(
    Effect.flatMap(SqlClient, (sql) => sql.unsafe<A & object>(text)).pipe(
      Effect.provide(choice.client)
    )
  )

describe("what no driver understands is refused by its name", () => {
  const hosts = ["postgres://ada:hush@h/app", "postgresql://ada:hush@h/app"]
  const mysqlHosts = ["mysql://ada:hush@h/app", "mariadb://ada:hush@h/app"]
  const unknown: ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<string>]> = [
    [
      hosts,
      [
        "currentSchema=app",
        "search_path=app",
        "Schema=app",
        "sslaccept=strict",
        "sslMode=require",
        "socket_timeout=5",
        "pool_timeout=5",
        "statement_cache_size=0",
        "channel_binding=require",
        "charset=utf8",
        "max=5",
        "constructor=x",
        "__proto__=x"
      ]
    ],
    [
      mysqlHosts,
      [
        "schema=app",
        "sslaccept=strict",
        "sslmode=require",
        "ssl-mode=REQUIRED",
        "pool_timeout=5",
        "socket=/tmp/x",
        "rowsAsArray=true",
        "typeCast=false",
        "nestTables=true",
        "useSSL=false",
        "application_name=app"
      ]
    ]
  ]
  for (const [bases, parameters] of unknown) {
    for (const [index, parameter] of parameters.entries()) {
      const base = bases[index % bases.length]
      test(`${base}?${parameter}`, () => {
        const message = refusal(`${base}?${parameter}`)

        expect(message).toContain(`DATABASE_URL has the parameter ${parameter.split("=")[0]}, `)
        expect(message).not.toContain("hush")
      })
    }
  }
})

describe("a value that a parameter does not take is refused by the parameter's name", () => {
  const wrong: ReadonlyArray<readonly [string, string]> = [
    ["postgres://h/app?schema=a.b", "schema"],
    ["postgres://h/app?schema=", "schema"],
    ["postgres://h/app?connection_limit=many", "connection_limit"],
    ["postgres://h/app?connection_limit=0", "connection_limit"],
    ["postgres://h/app?sslmode=allow", "sslmode"],
    ["postgres://h/app?client_encoding=LATIN1", "client_encoding"],
    ["mysql://h/app?charset=latin1", "charset"],
    ["mysql://h/app?charset=utf8", "charset"],
    ["mysql://h/app?ssl=true", "ssl"],
    ["mysql://h/app?connectionLimit=x", "connectionLimit"]
  ]
  for (const [url, parameter] of wrong) {
    test(url, () => {
      expect(refusal(url)).toContain(`DATABASE_URL has the parameter ${parameter} with a value`)
    })
  }
})

// Another client knows no such parameter.
test("ssl takes no false", () => {
  expect(refusal("postgres://h/app?ssl=false")).toContain("the parameter ssl with a value")
})

describe("what may be the rest of a password is refused and not shown", () => {
  for (const url of [
    "postgres://ada:12?hush@host/app",
    "postgres://ada:12?hush=1&x=hush@host/app",
    "postgres://ada:12#hush@host/app",
    "mysql://ada:12?a#hush@host/app",
    "postgres://ada:1/hush?x=1@host"
  ]) {
    test(url, () => {
      expect(refusal(url)).toMatch(/DATABASE_URL (has a #|is not a URL)/)
      expect(refusal(url)).not.toContain("hush")
    })
  }
})

describe("SQLite", () => {
  const directory = mkdtempSync(join(tmpdir(), "effect-session-url-"))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const refused: ReadonlyArray<readonly [string, RegExp]> = [
    [`sqlite:${directory}/app.db?mode=rwc`, /has the parameter mode, /],
    [`sqlite://${directory}/app.db?cache=shared&mode=ro`, /has the parameter cache, /],
    [`sqlite:${directory}/app.db?connection_limit=1`, /has the parameter connection_limit, /],
    ["sqlite::memory:", /names a database in memory.*SESSION_DRIVER to memory/],
    ["sqlite://:memory:", /names a database in memory/],
    ["sqlite:///:memory:", /names a database in memory/],
    ["sqlite:file::memory:?cache=shared", /names a database in memory/],
    ["sqlite:file:app?mode=memory", /names a database in memory/],
    [`sqlite:file:${directory}/app.db`, /must name a file/],
    ["sqlite:", /must name a file/]
  ]
  for (const [url, sentence] of refused) {
    test(`${url.replace(directory, "...")} is refused and makes no file`, () => {
      expect(refusal(url)).toMatch(sentence)
      expect(readdirSync(directory)).toEqual([])
      expect(existsSync(":memory:")).toBe(false)
    })
  }
})

onEach([postgres], (_kind, aDatabase) => {
  let url = ""
  beforeAll(async () => {
    url = await aDatabase()
  })

  test("schema is honoured: the tables are there, and the sessions in them", async () => {
    const choice = await chosen(`${url}?schema=app`)
    await asked(choice, "create schema app")

    await Effect.runPromise(
      Effect.provide(SqlSessionStore.migrateWith({ table: choice.table }), choice.client)
    )
    const found = await Effect.runPromise(
      Effect.gen(function* () {
        const store = yield* SessionStore
        const record = aRecord({})
        yield* store.insert(record)
        return (yield* store.find(record.id))._tag
      }).pipe(Effect.provide(choice.store))
    )

    expect(found).toBe("Some")
    expect(choice.description).toContain("the table app.sessions of ")
    const tables = await asked(
      choice,
      "select schemaname, tablename from pg_tables where schemaname in ('app', 'public') order by 2"
    )
    expect(tables).toEqual(
      ["effect_session_migrations", "sessions", "sessions_revocations"].map((tablename) => ({
        schemaname: "app",
        tablename
      }))
    )
  })

  test("a table that names its schema keeps it", async () => {
    expect((await chosen(`${url}?schema=app`, "auth.logins")).table).toBe("auth.logins")
  })

  test("what the driver knows is honoured", async () => {
    const parameters =
      "application_name=shop&options=-c%20work_mem%3D2MB&sslmode=disable&connection_limit=3&connect_timeout=5&pgbouncer=true&client_encoding=utf8"

    const rows = await asked(
      await chosen(`${url}?${parameters}`),
      "select current_setting('application_name') as name, current_setting('work_mem') as memory"
    )

    expect(rows).toEqual([{ name: "shop", memory: "2MB" }])
  })

  test("a timeout that the driver sets is honoured", async () => {
    const rows = await asked(
      await chosen(`${url}?statement_timeout=1234`),
      "select current_setting('statement_timeout') as timeout"
    )

    expect(rows).toEqual([{ timeout: "1234ms" }])
  })

  test("connection_limit is the size of the pool", async () => {
    const { client } = await chosen(`${url}?connection_limit=2`)
    const alone = Effect.flatMap(SqlClient, (sql) =>
      Effect.forEach(
        Array.from({ length: 6 }),
        () => sql.unsafe<{ pid: number }>("select pg_backend_pid() as pid, pg_sleep(0.05)"),
        { concurrency: "unbounded" }
      )
    )

    const rows = await Effect.runPromise(Effect.provide(alone, client))

    expect(new Set(rows.flat().map(({ pid }) => pid)).size).toBe(2)
  })
})

onEach([mysql], (_kind, aDatabase) => {
  for (const name of ["connection_limit", "connectionLimit"]) {
    test(`${name} is the size of the pool, for mariadb: too`, async () => {
      const url = (await aDatabase()).replace(/^mysql:/, "mariadb:")
      const { client } = await chosen(`${url}?${name}=2&charset=utf8mb4&timezone=Z`)
      const alone = Effect.flatMap(SqlClient, (sql) =>
        Effect.forEach(
          Array.from({ length: 6 }),
          () => sql.unsafe<{ id: number }>("select connection_id() as id, sleep(0.05)"),
          { concurrency: "unbounded" }
        )
      )

      const rows = await Effect.runPromise(Effect.provide(alone, client))

      expect(new Set(rows.flat().map(({ id }) => id)).size).toBe(2)
    })
  }

  test("ssl reaches the driver", async () => {
    const url = await aDatabase()
    const choice = await chosen(`${url}?ssl={"rejectUnauthorized":true}`)

    // The tests' server has no TLS, or a certificate of its own.
    const error = await Effect.runPromise(Effect.flip(Effect.scoped(Layer.build(choice.client))))

    expect(error).toMatchObject({ _tag: "SessionStoreError" })
  })
})
