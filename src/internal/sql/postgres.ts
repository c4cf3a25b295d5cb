/** PostgreSQL, from version 12. */
import * as Effect from "effect/Effect"
import type { Dialect, DriverFailure, Failure, GivenRow, UpdateMany } from "./dialect.js"
import { changedOf, hourMillis } from "./dialect.js"
import type { TableNames } from "./tableNames.js"

const quote = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`

export const postgres: Dialect = {
  name: "postgres",
  native: (text) => {
    let count = 0
    return text.replaceAll("?", () => `$${++count}`)
  },
  quote,
  takesSchema: true,
  hasOneConnection: false,
  skipTaken: " on conflict do nothing",
  greatest: "greatest",
  least: "least",
  byteLength: (column) => `octet_length(${column})`,
  inOrder: "",
  nowMillis: "(extract(epoch from statement_timestamp()) * 1000)::bigint",
  classify: (failure) => failures[failure.code] ?? classifyOther(failure),
  // By ctid, which is the cheapest way. By the row's number as well: in a partitioned table a ctid is not unique, and only
  // rows that this statement has locked may be changed.
  changeSome: ({ query }, { change: head, table, condition, order, limit }) =>
    Effect.map(
      query(
        `with due as (select ctid as place, row_id from ${table} where ${condition.text} ` +
          `order by ${order.join(", ")} limit ? for update skip locked) ${head} ` +
          "where ctid = any(array(select place from due)) and row_id in (select row_id from due) returning row_id",
        [...condition.parameters, limit]
      ),
      changedOf
    ),
  inList: (column, values) => ({ text: `${column} = any(?::text[])`, parameters: [values] }),
  updateMany: (statements, update) => updateMany(statements, update),
  createSessions: (names) => createSessions(names),
  createMigrations: ({ migrations }) => `create table if not exists ${migrations} (
  migration_id integer primary key,
  created_at timestamp with time zone not null default now(),
  name text not null
)`,
  exclusion: ({ name }) => ({
    begin: "begin",
    lock: `select pg_advisory_xact_lock(hashtext('effect-session:${name}'))`,
    end: "commit",
    abort: "rollback"
  })
}

// The statement first locks the rows, and passes over those that are locked already. So two of these statements never wait
// for each other in a circle, and a transaction that keeps one row locked does not hold up the others. It then finds the
// rows by ctid, which costs nothing more; by id as well, because in a partitioned table a ctid is not unique. The last
// condition, that the row has not ended, leaves out the partitions of a table that keeps ended rows apart.
const updateMany: UpdateMany = ({ query }, { table, set, given }) => {
  const names = ["id", "version", "now", ...given.map((column) => `new_${column}`)]
  const types = ["text", "integer", "bigint", ...given.map(typeOf)]
  const text = `with given as (
  select session.ctid as place, given.* from unnest(${types.map((type) => `?::${type}[]`).join(", ")}) as given(${names.join(", ")})
  join ${table} as session on session.id = given.id and session.version = given.version
  where session.expires_at > given.now and session.ended_at is null
  for no key update of session skip locked
) update ${table} as session set ${set.join(", ")}
from given where session.ctid = given.place and session.id = given.id and session.ended_at is null returning given.id`
  return (rows) =>
    Effect.map(
      query(text, listsOf(rows, given.length)),
      (changed) => new Set(changed.map(({ id }) => String(id)))
    )
}

/** One list for each column. */
const listsOf = (rows: ReadonlyArray<GivenRow>, width: number) => [
  rows.map(({ id }) => id),
  rows.map(({ version }) => version),
  rows.map(({ now }) => now),
  ...Array.from({ length: width }, (_, index) => rows.map(({ values }) => values[index] ?? null))
]

const typeOf = (column: string): string =>
  column === "version" ? "integer" : bigints.has(column) ? "bigint" : "text"

const bigints = new Set(["created_at", "last_activity", "expires_at", "ended_at", "previous_until"])

const failures: Readonly<Record<string, Failure>> = {
  "23505": "duplicate",
  "40001": "deadlock",
  "40P01": "deadlock",
  "42P01": "noTable",
  "3F000": "noTable",
  "42703": "noColumn",
  // Statement timeout or cancelled, lock timeout, transaction timeout.
  "57014": "timeout",
  "55P03": "timeout",
  "25P04": "timeout",
  // Out of memory, disk full, too many connections, a standby that takes no writes.
  "53200": "unavailable",
  "53100": "unavailable",
  "53300": "unavailable",
  "25006": "unavailable",
  "22001": "tooLarge",
  "54000": "tooLarge",
  XX001: "corrupt",
  XX002: "corrupt"
}

// Class 08: a lost connection; 57P: a server that stops or starts; 28 and 3D: a refused login. A failure without SQLSTATE
// did not come from the server: the connection could not be made or was lost.
const classifyOther = ({ code }: DriverFailure): Failure =>
  !/^(?=.*\d)[0-9A-Z]{5}$/.test(code) || /^(08|57P|28|3D)/.test(code) ? "unavailable" : "unknown"

// Updates stay HOT (they touch no index) while the expiry stays in its hour. `expires_hour` is a column and not an indexed
// expression, because then PostgreSQL would take every change of `expires_at` for a change of the index. The fill factor
// leaves room for the new versions of a row.
const createSessions = ({ sessions, revocations, index }: TableNames): ReadonlyArray<string> => [
  `create table if not exists ${sessions} (
  id text collate "C" primary key,
  namespace text collate "C" not null,
  user_id text collate "C",
  ip_address varchar(45),
  user_agent text,
  payload text not null,
  created_at bigint not null,
  last_activity bigint not null,
  expires_at bigint not null,
  ended_at bigint,
  version integer not null,
  previous_id text collate "C",
  previous_kind text,
  previous_until bigint,
  previous_token text,
  expires_hour bigint generated always as (expires_at / ${hourMillis}) stored,
  row_id bigserial not null
) with (fillfactor = 75)`,
  `create index if not exists ${index("row_id")} on ${sessions} (row_id)`,
  `create index if not exists ${index("user_id")} on ${sessions} (user_id, row_id) where user_id is not null`,
  `create index if not exists ${index("previous_id")} on ${sessions} (previous_id) where previous_id is not null`,
  `create index if not exists ${index("ended_at")} on ${sessions} (ended_at, expires_hour, row_id, namespace, user_id)`,
  `create index if not exists ${index("previous_token")} on ${sessions} (previous_until) where previous_token is not null`,
  `create table if not exists ${revocations} (
  namespace text collate "C" not null,
  user_id text collate "C" not null,
  except_id text collate "C",
  revoked_at bigint not null
)`,
  `create index if not exists ${index("revocations_user")} on ${revocations} (user_id, revoked_at)`,
  `create index if not exists ${index("revocations_at")} on ${revocations} (revoked_at)`
]
