/** SQLite, from version 3.35, and libSQL. */
import * as Effect from "effect/Effect"
import type { Condition, Dialect, DriverFailure, Failure } from "./dialect.js"
import { changedOf, hourMillis, where } from "./dialect.js"
import type { TableNames } from "./tableNames.js"
import { revocationIndexes, sessionIndexes, tableColumns } from "./tables.js"

const quote = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`

export const sqlite: Dialect = {
  name: "sqlite",
  native: (text) => text,
  quote,
  takesSchema: false,
  hasOneConnection: true,
  skipTaken: " on conflict do nothing",
  greatest: "max",
  least: "min",
  byteLength: (column) => `length(cast(${column} as blob))`,
  inOrder: "",
  // Rounded: the day is a floating point number that may lie a little below its millisecond.
  nowMillis: "cast(round((julianday('now') - 2440587.5) * 86400000) as integer)",
  classify: (failure) => classify(failure),
  changeSome: ({ query }, { change: head, table, condition, order, limit }) =>
    Effect.map(
      query(
        `${head} where row_id in (select row_id from ${table} where ${condition.text} order by ${order.join(", ")} limit ?) returning row_id`,
        [...condition.parameters, limit]
      ),
      changedOf
    ),
  // A statement has ended before the next call is made, so no call ever waits for others.
  inList: undefined,
  updateMany: undefined,
  tables: (names) => tables(names),
  look: (names) => look(names),
  unfit: () => ({ query: where("select '' as unfit where 1 = 0"), advice: "Use another client." }),
  exclusion: () => ({ begin: "begin immediate", end: "commit", abort: "rollback" })
}

// Extended codes begin with the plain one: SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_READ.
const families: ReadonlyArray<readonly [prefix: string, failure: Failure]> = [
  ["SQLITE_CONSTRAINT_PRIMARYKEY", "duplicate"],
  ["SQLITE_CONSTRAINT_UNIQUE", "duplicate"],
  ["SQLITE_BUSY", "timeout"],
  ["SQLITE_LOCKED", "timeout"],
  ["SQLITE_CORRUPT", "corrupt"],
  ["SQLITE_NOTADB", "corrupt"],
  ["SQLITE_TOOBIG", "tooLarge"],
  ["SQLITE_CANTOPEN", "unavailable"],
  ["SQLITE_IOERR", "unavailable"],
  ["SQLITE_FULL", "unavailable"],
  ["SQLITE_READONLY", "unavailable"],
  ["SQLITE_NOMEM", "unavailable"]
]

const classify = ({ code, message }: DriverFailure): Failure => {
  if (/no such table/.test(message)) return "noTable"
  if (/database connection is not open/.test(message)) return "unavailable"
  return families.find(([prefix]) => code.startsWith(prefix))?.[1] ?? "unknown"
}

// `row_id` is SQLite's own number of the row, so it needs no index.
const tables = (names: TableNames) => ({
  sessions: {
    columns: tableColumns.sessions,
    create: `create table if not exists ${names.sessions} (
  row_id integer primary key,
  id text not null unique,
  namespace text not null,
  user_id text,
  ip_address text,
  user_agent text,
  payload text not null,
  created_at integer not null,
  last_activity integer not null,
  expires_at integer not null,
  ended_at integer,
  version integer not null,
  previous_id text,
  previous_kind text,
  previous_until integer,
  previous_token text,
  expires_hour integer generated always as (expires_at / ${hourMillis}) virtual
)`,
    indexes: sessionIndexes(names)
  },
  revocations: {
    columns: tableColumns.revocations,
    create: createRevocations(names.revocations),
    indexes: [
      { kind: "primary" as const, columns: "row_id", create: addKey(names), isInTable: true },
      ...revocationIndexes(names)
    ]
  },
  migrations: {
    columns: tableColumns.migrations,
    create: `create table if not exists ${names.migrations} (
  migration_id integer primary key not null,
  created_at datetime not null default current_timestamp,
  name varchar(255) not null
)`,
    indexes: []
  }
})

const createRevocations = (table: string): string => `create table if not exists ${table} (
  row_id integer primary key,
  namespace text not null,
  user_id text not null,
  except_id text,
  revoked_at integer not null
)`

/** A table cannot be given a key, so its rows go to another one. */
const addKey = (names: TableNames): ReadonlyArray<string> => {
  const { index, revocations } = names
  const made = index("revocations_keyed")
  const copied = "namespace, user_id, except_id, revoked_at"
  return [
    createRevocations(made),
    `insert into ${made} (${copied}) select ${copied} from ${revocations}`,
    `drop table ${revocations}`,
    `alter table ${made} rename to ${revocations}`,
    ...revocationIndexes(names).flatMap(({ create }) => create)
  ]
}

const look = ({ plain }: TableNames): Condition => {
  const these = `from sqlite_master as made`
  const named = `lower(made.name) in (lower('${plain.sessions}'), lower('${plain.revocations}'), lower('${plain.migrations}')) and made.type <> 'trigger'`
  return where(`select 'table' as kind, made.name as owner, made.type as name ${these} where ${named}
union all
select 'column', made.name, shown.name ${these} join pragma_table_xinfo(made.name) as shown where ${named}
union all
select 'primary', made.name, shown.name ${these} join pragma_table_xinfo(made.name) as shown where shown.pk > 0 and ${named}
union all
select case when shown."unique" and not shown.partial then 'unique' else 'index' end, made.name, (select group_concat(name, ', ') from (select name from pragma_index_info(shown.name) order by seqno)) ${these} join pragma_index_list(made.name) as shown where ${named}`)
}
