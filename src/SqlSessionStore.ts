/**
 * The store that keeps sessions in a table of PostgreSQL, MySQL, MariaDB, SQLite or libSQL, through the app's `SqlClient`.
 * Any number of servers may share one database.
 *
 * The store never takes part in the app's transactions: a session that was stored stays stored when the app rolls back.
 *
 * @since 0.1.0
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SessionConfigError, SessionStoreError } from "./internal/errors/errors.js"
import * as Migrate from "./internal/sql/migrate.js"
import { openStore } from "./internal/sql/store.js"
import { defaultTable } from "./internal/sql/tableNames.js"
import type { Service } from "./SessionStore.js"
import { SessionStore } from "./SessionStore.js"

/**
 * The settings of the SQL store.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The name of the table (default `sessions`): a letter or `_`, then up to 35 letters, digits, `_`, `-` and `$`. On
   * PostgreSQL a schema may precede it, on MySQL a database, with a dot. A second table, `<table>_revocations`, lies beside
   * it.
   */
  readonly table?: string | undefined
  /** How long the store keeps a session that has ended, without its payload (default 0). */
  readonly keepEnded?: Duration.DurationInput | undefined
}

/**
 * Opens the store in the table `sessions`: see `makeWith`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Service, SessionStoreError | SessionConfigError, SqlClient> =
  Effect.suspend(() => makeWith({}))

/**
 * Opens the store.
 *
 * Fails with `SessionConfigError` if `table` is not a valid name, if a table or a column is missing (the message says what to
 * do), or if the database or the client could not give back every text as it was given. Warns if a key or an index is missing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeWith = (
  options: Options
): Effect.Effect<Service, SessionStoreError | SessionConfigError, SqlClient> =>
  Effect.flatMap(SqlClient, (client) =>
    openStore(client, {
      table: options.table ?? defaultTable,
      keepEnded: options.keepEnded ?? 0
    })
  )

/**
 * Provides the store in the table `sessions`: see `layerWith`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<SessionStore, SessionStoreError | SessionConfigError, SqlClient> =
  Layer.suspend(() => layerWith({}))

/**
 * Provides a `SessionStore` that keeps sessions in a table of the app's database. A migration must have made the table: see
 * `layerMigrated`.
 *
 * Each call of a request is one statement that commits by itself, outside any transaction of the caller; the statement may
 * serve several requests at once. A call takes at most two seconds, then it fails with the reason `timeout`. Listings,
 * counts, collections and removals of many sessions have 30 seconds for each page.
 *
 * Effect's `Clock` decides whether a session is live, so servers agree as far as their clocks do. The database's clock dates
 * revocations.
 *
 * A SQLite client has one connection. Inside a transaction of that client a call fails at once with the reason
 * `unavailable`; with libSQL it fails with `timeout`. Give the store a client of its own there.
 *
 * Fails with `SessionConfigError` as `makeWith` does.
 *
 * @example
 * ```ts
 * import { PgClient } from "@effect/sql-pg"
 * import { Config, Layer } from "effect"
 * import * as SqlSessionStore from "effect-session/SqlSessionStore"
 *
 * export const layer = SqlSessionStore.layerWith({ table: "app.sessions", keepEnded: "30 days" }).pipe(
 *   Layer.provide(PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (
  options: Options
): Layer.Layer<SessionStore, SessionStoreError | SessionConfigError, SqlClient> =>
  Layer.effect(SessionStore, makeWith(options))

/**
 * Provides the store in the table `sessions` and brings its tables up to date first: see `layerMigratedWith`.
 *
 * @example
 * ```ts
 * import { PgClient } from "@effect/sql-pg"
 * import { Config, Layer } from "effect"
 * import * as SqlSessionStore from "effect-session/SqlSessionStore"
 *
 * export const layer = SqlSessionStore.layerMigrated.pipe(
 *   Layer.provide(PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMigrated: Layer.Layer<
  SessionStore,
  SessionStoreError | SessionConfigError,
  SqlClient
> = Layer.suspend(() => layerMigratedWith({}))

/**
 * Provides the store of `layerWith` and brings its tables up to date first, as `migrateWith` does.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMigratedWith = (
  options: Options
): Layer.Layer<SessionStore, SessionStoreError | SessionConfigError, SqlClient> =>
  Layer.effect(SessionStore, Effect.zipRight(migrateWith(options), makeWith(options)))

/**
 * Brings the table `sessions` and its companions up to date: see `migrateWith`.
 *
 * @since 0.1.0
 * @category migrations
 */
export const migrate: Effect.Effect<
  ReadonlyArray<string>,
  SessionStoreError | SessionConfigError,
  SqlClient
> = Effect.suspend(() => migrateWith({}))

/**
 * Brings the tables up to date. Succeeds with the names of the migrations that it ran, an empty list if there were none to
 * run.
 *
 * Any number of servers may call it at once: one migrates, the others wait. It needs the right to create tables.
 *
 * It makes what the database lacks, also a table, a key or an index that was dropped after an earlier migration. Fails with
 * `SessionConfigError` if something is in the way, such as a view or an app's table of the same name, or a lost column.
 *
 * The library records what has run in a table of its own, `effect_session_migrations`, or for another `table`
 * `effect_session_migrations_<table>`. It neither reads nor writes the app's own table of migrations.
 *
 * @since 0.1.0
 * @category migrations
 */
export const migrateWith = (
  options: Pick<Options, "table">
): Effect.Effect<ReadonlyArray<string>, SessionStoreError | SessionConfigError, SqlClient> =>
  Migrate.migrate(options.table ?? defaultTable)

/**
 * The migrations of the table `sessions`: see `migrationsWith`.
 *
 * @since 0.1.0
 * @category migrations
 */
export const migrations: Record<
  string,
  Effect.Effect<void, SqlError | SessionConfigError, SqlClient>
> = Migrate.migrationsByName(defaultTable)

/**
 * The migrations by name, for an app that runs them together with its own. `Migrator.fromRecord` of `@effect/sql` takes the
 * record.
 *
 * A migration does no harm if it runs again. The package's folder `migrations/` holds the same statements as SQL.
 *
 * @example
 * ```ts
 * import { Migrator } from "@effect/sql"
 * import * as SqlSessionStore from "effect-session/SqlSessionStore"
 *
 * export const migrated = Migrator.make({})({
 *   loader: Migrator.fromRecord(SqlSessionStore.migrations),
 *   table: "effect_session_migrations"
 * })
 * ```
 *
 * @since 0.1.0
 * @category migrations
 */
export const migrationsWith = (
  options: Pick<Options, "table">
): Record<string, Effect.Effect<void, SqlError | SessionConfigError, SqlClient>> =>
  Migrate.migrationsByName(options.table ?? defaultTable)
