import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as EnvSessionStore from "../src/EnvSessionStore.js"
import { SessionStore } from "../src/SessionStore.js"
import * as SqlSessionStore from "../src/SqlSessionStore.js"
import { aRecord } from "./cli/support.js"
import { clientOf, lacksDriver } from "./support/sqlClients.js"

const inEnvironment = (variables: Readonly<Record<string, string>>) =>
  Layer.setConfigProvider(
    ConfigProvider.fromMap(new Map(Object.entries(variables)), { pathDelim: "_" })
  )

/** Stores a session in the store of an environment, and finds it there again. */
const storing = (variables: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const store = yield* SessionStore
    const record = aRecord()
    yield* store.insert(record)
    return Option.exists(yield* store.find(record.id), ({ id }) => id === record.id)
  }).pipe(Effect.provide(EnvSessionStore.layer), Effect.provide(inEnvironment(variables)))

const refusal = (variables: Readonly<Record<string, string>>) =>
  Effect.flip(
    Effect.provide(Effect.scoped(Layer.build(EnvSessionStore.layer)), inEnvironment(variables))
  )

const inDirectory = <A, E>(body: (directory: string) => Effect.Effect<A, E>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-session-env-"))),
    body,
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )

describe("EnvSessionStore", () => {
  for (const driver of ["memory", "array", "ARRAY"]) {
    it.live(`takes the memory for SESSION_DRIVER=${driver}`, () =>
      Effect.gen(function* () {
        expect(yield* storing({ SESSION_DRIVER: driver })).toBe(true)
      })
    )
  }

  it.live("takes the directory of SESSION_FILES for files, the default driver", () =>
    inDirectory((directory) =>
      Effect.gen(function* () {
        const files = join(directory, "sessions")

        const stored = yield* storing({ SESSION_FILES: files })

        expect(stored).toBe(true)
        expect(readdirSync(files)).not.toEqual([])
      })
    )
  )

  for (const variable of lacksDriver("sqlite") ? [] : ["SESSION_CONNECTION", "DATABASE_URL"]) {
    it.live(`takes the database of ${variable}, and its table of SESSION_TABLE`, () =>
      inDirectory((directory) =>
        Effect.gen(function* () {
          const filename = join(directory, "app.db")
          yield* Effect.provide(
            SqlSessionStore.migrateWith({ table: "logins" }),
            clientOf(filename)
          )

          const stored = yield* storing({
            SESSION_DRIVER: "database",
            SESSION_TABLE: "logins",
            [variable]: `sqlite://${filename}`
          })

          expect(stored).toBe(true)
        })
      )
    )
  }

  it.live("keeps ended sessions as long as SESSION_KEEP_ENDED says", () =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      const record = aRecord()
      yield* store.insert(record)

      yield* store.remove(record.id)

      expect(yield* store.count({ state: "all" })).toEqual({ sessions: 1, users: 0 })
    }).pipe(
      Effect.provide(EnvSessionStore.layer),
      Effect.provide(inEnvironment({ SESSION_DRIVER: "memory", SESSION_KEEP_ENDED: "7 days" }))
    )
  )

  const refused: ReadonlyArray<readonly [Readonly<Record<string, string>>, string]> = [
    [{ SESSION_DRIVER: "papyrus" }, "SESSION_DRIVER"],
    [{ SESSION_DRIVER: "database" }, "SESSION_CONNECTION"],
    [{ SESSION_DRIVER: "database", SESSION_CONNECTION: "null" }, "DATABASE_URL"],
    [{ SESSION_DRIVER: "database", SESSION_CONNECTION: "mongodb://hush/x" }, "SESSION_CONNECTION"],
    [{ SESSION_DRIVER: "database", DATABASE_URL: "postgres://hush@:x:y" }, "DATABASE_URL"],
    [{ SESSION_DRIVER: "memory", SESSION_KEEP_ENDED: "long" }, "SESSION_KEEP_ENDED"]
  ]

  const refusedOfSqlite: typeof refused = [
    [{ SESSION_DRIVER: "database", DATABASE_URL: "sqlite:" }, "DATABASE_URL"],
    [{ SESSION_DRIVER: "database", DATABASE_URL: "sqlite:/not/there/app.db" }, "/not/there"]
  ]

  for (const [variables, named] of lacksDriver("sqlite")
    ? refused
    : [...refused, ...refusedOfSqlite]) {
    it.live(`refuses ${JSON.stringify(variables)} with a sentence that names ${named}`, () =>
      Effect.gen(function* () {
        const error = yield* refusal(variables)

        expect(error._tag).toBe("SessionConfigError")
        expect(error.message).toContain(named)
        expect(error.message).not.toContain("hush")
      })
    )
  }

  it.live("fails with a store error when the database does not answer", () =>
    Effect.gen(function* () {
      const error = yield* refusal({
        SESSION_DRIVER: "database",
        SESSION_CONNECTION: "postgres://ada@127.0.0.1:1/app"
      })

      expect(error).toMatchObject({ _tag: "SessionStoreError", reason: "unavailable" })
    })
  )
})
