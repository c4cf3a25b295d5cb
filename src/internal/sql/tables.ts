/** What the tables of the store are made of, as far as the databases have it in common. */
import type { TableNames } from "./tableNames.js"

/** A table as the migrations make it. */
export interface Table {
  readonly columns: ReadonlyArray<string>
  readonly create: string
  readonly indexes: ReadonlyArray<Index>
}

/** A key or an index of a table. */
export interface Index {
  /** An `index` may have more columns behind these; a `unique` key may be the primary one; a `primary` key may be any. */
  readonly kind: "index" | "unique" | "primary"
  /** With a comma and a blank between them. */
  readonly columns: string
  /** Statements that make it, or do nothing if it is there. */
  readonly create: ReadonlyArray<string>
  /** Whether `create` of the table makes it, too. */
  readonly isInTable: boolean
}

/** The columns of a record, in the order of `valuesOf`. */
export const columns = [
  "id",
  "namespace",
  "user_id",
  "ip_address",
  "user_agent",
  "payload",
  "created_at",
  "last_activity",
  "expires_at",
  "ended_at",
  "version",
  "previous_id",
  "previous_kind",
  "previous_until",
  "previous_token"
] as const

/** The columns of each table. */
export const tableColumns = {
  sessions: [...columns, "expires_hour", "row_id"],
  revocations: ["namespace", "user_id", "except_id", "revoked_at"],
  migrations: ["migration_id", "name"]
}

/** Makes an index apart from its table. */
export const indexOn = (table: string, name: string, columns: string, where = ""): Index => ({
  kind: "index",
  columns,
  create: [
    `create index if not exists ${name} on ${table} (${columns})${where && ` where ${where}`}`
  ],
  isInTable: false
})

/** The indexes of sessions that PostgreSQL and SQLite have in common. */
export const sessionIndexes = ({ sessions, index }: TableNames): ReadonlyArray<Index> => [
  indexOn(sessions, index("user_id"), "user_id, row_id", "user_id is not null"),
  indexOn(sessions, index("previous_id"), "previous_id", "previous_id is not null"),
  indexOn(sessions, index("ended_at"), "ended_at, expires_hour, row_id, namespace, user_id"),
  indexOn(sessions, index("previous_token"), "previous_until", "previous_token is not null")
]

/** The indexes of revocations that they have in common. */
export const revocationIndexes = ({ revocations, index }: TableNames): ReadonlyArray<Index> => [
  indexOn(revocations, index("revocations_user"), "user_id, revoked_at"),
  indexOn(revocations, index("revocations_at"), "revoked_at")
]
