/** The names of the store's tables and indexes, checked and quoted. */
import * as Effect from "effect/Effect"
import { SessionConfigError } from "../errors/errors.js"
import type { Dialect } from "./dialect.js"

/** The table the store uses unless told otherwise. */
export const defaultTable = "sessions"

/** The names that belong to one session table. */
export interface Table {
  /** As it was given. */
  readonly name: string
  /** Quoted, with its schema. */
  readonly sessions: string
  /** The quoted table of `revokeUser`. */
  readonly revocations: string
  /** The quoted table that remembers the migrations. */
  readonly migrations: string
  /** The quoted name of an index of the session table. */
  readonly index: (suffix: string) => string
}

// PostgreSQL cuts names after 63 bytes; the longest name made of it adds 27 to these.
const part = /^[A-Za-z_][A-Za-z0-9_$-]{0,35}$/

/** Checks the name of a table. */
export const makeTable = (
  dialect: Dialect,
  name: string
): Effect.Effect<Table, SessionConfigError> => {
  const parts = typeof name === "string" ? name.split(".") : []
  const most = dialect.takesSchema ? 2 : 1
  if (parts.length < 1 || parts.length > most || !parts.every((one) => part.test(one))) {
    return Effect.fail(new SessionConfigError({ field: "table", reason: rule(dialect) }))
  }
  const base = parts[parts.length - 1] ?? name
  const schema = parts.length === 2 ? `${dialect.quote(parts[0] ?? "")}.` : ""
  return Effect.succeed({
    name,
    sessions: schema + dialect.quote(base),
    revocations: schema + dialect.quote(`${base}_revocations`),
    migrations: schema + dialect.quote(migrationsOf(base)),
    index: (suffix) => dialect.quote(`${base}_${suffix}`)
  })
}

// One number means one thing in one table of migrations, so each further session table has a table of its own.
const migrationsOf = (base: string): string =>
  base === defaultTable ? "effect_session_migrations" : `effect_session_migrations_${base}`

const rule = ({ takesSchema }: Dialect): string => {
  const plain =
    "must be a name of at most 36 letters, digits, _, - and $ that begins with a letter or _"
  return takesSchema ? `${plain}; a schema may stand before it, with a dot.` : `${plain}.`
}
