/** SQLite, from version 3.35, and libSQL. */
import * as Effect from "effect/Effect"
import type { Dialect, DriverFailure, Failure } from "./dialect.js"
import { changedOf, hourMillis } from "./dialect.js"
import type { TableNames } from "./tableNames.js"

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
  createSessions: (names) => createSessions(names),
  createMigrations: ({ migrations }) => `create table if not exists ${migrations} (
  migration_id integer primary key not null,
  created_at datetime not null default current_timestamp,
  name varchar(255) not null
)`,
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
  if (/no such column|has no column/.test(message)) return "noColumn"
  if (/database connection is not open/.test(message)) return "unavailable"
  return families.find(([prefix]) => code.startsWith(prefix))?.[1] ?? "unknown"
}

// `row_id` is SQLite's own number of the row, so it needs no index.
const createSessions = ({ sessions, revocations, index }: TableNames): ReadonlyArray<string> => [
  `create table if not exists ${sessions} (
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
  `create index if not exists ${index("user_id")} on ${sessions} (user_id, row_id) where user_id is not null`,
  `create index if not exists ${index("previous_id")} on ${sessions} (previous_id) where previous_id is not null`,
  `create index if not exists ${index("ended_at")} on ${sessions} (ended_at, expires_hour, row_id, namespace, user_id)`,
  `create index if not exists ${index("previous_token")} on ${sessions} (previous_until) where previous_token is not null`,
  `create table if not exists ${revocations} (
  namespace text not null,
  user_id text not null,
  except_id text,
  revoked_at integer not null
)`,
  `create index if not exists ${index("revocations_user")} on ${revocations} (user_id, revoked_at)`,
  `create index if not exists ${index("revocations_at")} on ${revocations} (revoked_at)`
]
