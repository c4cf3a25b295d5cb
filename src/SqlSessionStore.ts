/**
 * The store that keeps the sessions in a table: PostgreSQL, MySQL, MariaDB, SQLite or libSQL, by the `SqlClient` of the app. For any
 * number of servers on one database.
 *
 * It never joins the app's transactions: what the session stores stays stored when the app rolls back.
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
   * The table, `sessions` by default: at most 36 letters, digits, `_`, `-` and `$`. On PostgreSQL a schema, on MySQL a
   * database may stand before it, with a dot. Beside it stands a second table, `<table>_revocations`.
   */
  readonly table?: string | undefined
  /** How long a session that ended is kept, without its payload (default 0). */
  readonly keepEnded?: Duration.DurationInput | undefined
}

/**
 * Opens the store; fails when its tables are missing or older than this version, with a sentence that names the
 * migration.
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
      keepEnded: options.keepEnded ?? 0,
      batches: true
    })
  )

/**
 * Opens the store in the table `sessions`: see `makeWith`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Service, SessionStoreError | SessionConfigError, SqlClient> =
  makeWith({})

/**
 * Provides a `SessionStore` in the database of the app's `SqlClient`, in a table that a migration made.
 *
 * Each call of a request is one statement that commits by itself, outside any transaction of the caller, and takes at most
 * two seconds; then it fails with `timeout`. Listings, counts, collections and removals of many have 30 seconds a page.
 * Whether a session is live is judged by Effect's `Clock`, so that servers agree up to their skew; a revocation is dated
 * by the database's clock.
 *
 * SQLite has one connection a client: a session cannot be stored inside a transaction of the same client, which fails at
 * once with `unavailable`. Give the store a client of its own there.
 *
 * Fails with `SessionConfigError` when `table` is no name, or names no table of this version: see `layerMigrated`.
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
export const layerWith = (options: Options): SqlLayer =>
  Layer.effect(SessionStore, makeWith(options))

/**
 * Provides the store in the table `sessions`: see `layerWith`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: SqlLayer = layerWith({})

/**
 * Provides the same store after bringing its tables up to date, as `migrateWith` does.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMigratedWith = (options: Options): SqlLayer =>
  Layer.effect(SessionStore, Effect.zipRight(migrateWith(options), makeWith(options)))

/**
 * Provides the store in the table `sessions` after bringing it up to date: see `layerMigratedWith`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMigrated: SqlLayer = Layer.suspend(() => layerMigratedWith({}))

type SqlLayer = Layer.Layer<SessionStore, SessionStoreError | SessionConfigError, SqlClient>

/**
 * Brings the tables of the default name, `sessions`, up to date: see `migrateWith`.
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
 * Brings the tables up to date; succeeds with the names of the migrations that were missing, none when there were none.
 *
 * Any number of servers may do so at once: one migrates, the others wait for it. What was done is written down in a table
 * of the library, `effect_session_migrations` (for another `table` `effect_session_migrations_<table>`); the app's own
 * table of migrations is neither read nor written. Needs the right to create tables.
 *
 * @since 0.1.0
 * @category migrations
 */
export const migrateWith = (
  options: Pick<Options, "table">
): Effect.Effect<ReadonlyArray<string>, SessionStoreError | SessionConfigError, SqlClient> =>
  Migrate.migrate(options.table ?? defaultTable)

/**
 * The migrations by their names, for those who run them with their own: `Migrator.fromRecord` of `@effect/sql` takes the
 * record as it is. Each may run again without harm. The same statements lie as SQL in the package's folder `migrations/`.
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
  Object.fromEntries(
    Migrate.migrations.map((migration) => [
      Migrate.fileName(migration),
      Migrate.runMigration(migration, options.table ?? defaultTable)
    ])
  )

/**
 * The migrations of the table `sessions`: see `migrationsWith`.
 *
 * @since 0.1.0
 * @category migrations
 */
export const migrations: Record<
  string,
  Effect.Effect<void, SqlError | SessionConfigError, SqlClient>
> = migrationsWith({})
