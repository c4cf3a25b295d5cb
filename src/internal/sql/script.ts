/** The migrations as text, for people who run SQL by hand. */
import * as Effect from "effect/Effect"
import type { SessionConfigError } from "../errors/errors.js"
import type { Dialect } from "./dialect.js"
import { fileName, migrations } from "./migrate.js"
import { mysql } from "./mysql.js"
import { postgres } from "./postgres.js"
import { sqlite } from "./sqlite.js"
import { makeTableNames } from "./tableNames.js"

/** The dialects by their names in the files of `migrations/`. */
export const dialects = { postgres, mysql, sqlite } as const

/** One migration as a script. */
export interface Script {
  /** `0001_create_sessions` */
  readonly name: string
  readonly text: string
}

/** The migrations of a table in one dialect, oldest first. */
export const scripts = (
  dialect: Dialect,
  tableName: string
): Effect.Effect<ReadonlyArray<Script>, SessionConfigError> =>
  Effect.map(makeTableNames(dialect, tableName), (names) =>
    migrations.map((migration) => ({
      name: fileName(migration),
      text: migration
        .statements(dialect, names)
        .map((statement) => `${statement};\n`)
        .join("\n")
    }))
  )
