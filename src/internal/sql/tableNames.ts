/** The names of the store's tables and indexes, checked and quoted. */
import * as Effect from "effect/Effect"
import { SessionConfigError } from "../errors/errors.js"

/** The table the store uses unless told otherwise. */
export const defaultTable = "sessions"

/** How a database names its tables. */
export interface Naming {
  readonly quote: (identifier: string) => string
  /** Whether a table may be named with its schema (or database): `schema.table`. */
  readonly takesSchema: boolean
}

/** The names that belong to one session table. */
export interface TableNames {
  /** The name as it was given. */
  readonly name: string
  /** The schema that was given with it; without quotes, as are the names in `plain`. */
  readonly schema: string | undefined
  readonly plain: Readonly<Record<TableKey, string>>
  /** Quoted, with its schema. */
  readonly sessions: string
  /** The table of revocations, in the same way; so are the others. */
  readonly revocations: string
  /** The table that records the migrations. */
  readonly migrations: string
  /** The quoted name of an index of the session table. */
  readonly index: (suffix: string) => string
}

/** The tables of the store. */
export const tableKeys = ["sessions", "revocations", "migrations"] as const
export type TableKey = (typeof tableKeys)[number]

// PostgreSQL cuts names after 63 bytes; the longest name that is made of this one is 27 longer.
const part = /^[A-Za-z_][A-Za-z0-9_$-]{0,35}$/

/** Checks the name of a table. */
export const makeTableNames = (
  naming: Naming,
  name: string
): Effect.Effect<TableNames, SessionConfigError> => {
  const parts = typeof name === "string" ? name.split(".") : []
  const most = naming.takesSchema ? 2 : 1
  if (parts.length < 1 || parts.length > most || !parts.every((one) => part.test(one))) {
    return Effect.fail(new SessionConfigError({ field: "table", reason: rule(naming) }))
  }
  const base = parts[parts.length - 1] ?? name
  const schema = parts.length === 2 ? parts[0] : undefined
  const plain = {
    sessions: base,
    revocations: `${base}_revocations`,
    migrations: migrationsOf(base)
  }
  const quoted = (table: string) =>
    schema === undefined ? naming.quote(table) : `${naming.quote(schema)}.${naming.quote(table)}`
  return Effect.succeed({
    name,
    schema,
    plain,
    sessions: quoted(plain.sessions),
    revocations: quoted(plain.revocations),
    migrations: quoted(plain.migrations),
    index: (suffix) => naming.quote(`${base}_${suffix}`)
  })
}

// A number may stand for only one migration in a table, so each further session table has its own table of migrations.
const migrationsOf = (base: string): string =>
  base === defaultTable ? "effect_session_migrations" : `effect_session_migrations_${base}`

const rule = ({ takesSchema }: Naming): string => {
  const plain =
    "must be a name of at most 36 letters, digits, _, - and $ that begins with a letter or _"
  return takesSchema ? `${plain}; a schema may stand before it, with a dot.` : `${plain}.`
}
