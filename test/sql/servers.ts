/** The three databases, for tests that claim the same of each. */
import { rm } from "node:fs/promises"
import { join } from "node:path"
import type { SqlClient } from "@effect/sql/SqlClient"
import { Cause, Effect, Exit, Layer, ManagedRuntime, Option } from "effect"
import { afterAll, beforeAll, describe } from "vitest"
import { SessionStore } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { lacksMariadb, startMariadb } from "../support/mariadb.js"
import { startPostgres } from "../support/postgres.js"
import { temporaryDirectory } from "../support/process.js"
import { clientOf, lacksDriver } from "../support/sqlClients.js"

export interface Server {
  readonly aDatabase: () => Promise<string>
  readonly close: () => Promise<void>
}

export interface Kind {
  readonly name: "postgres" | "mysql" | "sqlite"
  readonly isMissing: boolean
  readonly start: () => Promise<Server>
  /** A client with a pool of its own. */
  readonly client: (url: string) => Layer.Layer<SqlClient, unknown>
}

const startSqlite = async (): Promise<Server> => {
  const directory = await temporaryDirectory("sqlite")
  let count = 0
  return {
    aDatabase: async () => join(directory, `${++count}.db`),
    close: () => rm(directory, { recursive: true, force: true })
  }
}

export const postgres: Kind = {
  name: "postgres",
  isMissing: false,
  start: startPostgres,
  client: clientOf
}

export const mysql: Kind = {
  name: "mysql",
  isMissing: lacksMariadb || lacksDriver("mysql"),
  start: startMariadb,
  client: clientOf
}

export const sqlite: Kind = {
  name: "sqlite",
  isMissing: lacksDriver("sqlite"),
  start: startSqlite,
  client: clientOf
}

/** Claims something of each database; a database that cannot be had is reported as skipped. */
export const onEach = (
  kinds: ReadonlyArray<Kind>,
  claims: (kind: Kind, aDatabase: () => Promise<string>) => void
): void => {
  for (const kind of kinds) {
    describe.skipIf(kind.isMissing)(kind.name, () => {
      let server: Server
      beforeAll(async () => {
        server = await kind.start()
      })
      afterAll(() => server.close())
      claims(kind, () => server.aDatabase())
    })
  }
}

/** Runs an effect with a client of its own. */
export const withClient = <A, E>(
  kind: Kind,
  url: string,
  effect: Effect.Effect<A, E, SqlClient>
): Promise<A> => Effect.runPromise(Effect.provide(effect, kind.client(url)))

/** Opens a store, with its client, that lives until `dispose`. */
export const openStore = async (kind: Kind, url: string, options: SqlSessionStore.Options = {}) => {
  const layer = SqlSessionStore.layerMigratedWith(options).pipe(
    Layer.provideMerge(kind.client(url))
  )
  const runtime = ManagedRuntime.make(layer)
  const store = await runtime.runPromise(SessionStore)
  return { store, runtime, run: runtime.runPromise, dispose: () => runtime.dispose() }
}

/** What an effect failed with. */
export const failureIn = <E>(exit: Exit.Exit<unknown, E>): Option.Option<E> =>
  Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none()

export const messageOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Option.match(failureIn(exit), { onNone: () => String(exit), onSome: String })

export const hourMillis = 3_600_000

/** An id of 40 characters that tells a number. */
export const idOf = (number: number): string => number.toString(16).padStart(40, "0")
