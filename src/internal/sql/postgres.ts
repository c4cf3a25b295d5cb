/** PostgreSQL, from version 12. */
import * as Effect from "effect/Effect"
import type { Condition, Dialect, DriverFailure, Failure, GivenRow, UpdateMany } from "./dialect.js"
import { changedOf, hourMillis, where } from "./dialect.js"
import { type TableNames, tableKeys } from "./tableNames.js"
import { type Index, indexOn, revocationIndexes, sessionIndexes, tableColumns } from "./tables.js"

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
  tables: (names) => tables(names),
  look: (names) => look(names),
  unfit: () => ({
    query: where(
      "select 'its database is in ' || getdatabaseencoding() as unfit where getdatabaseencoding() <> 'UTF8' union all select 'its connection is in ' || pg_client_encoding() where pg_client_encoding() <> 'UTF8'"
    ),
    advice: "Use a database in UTF8, and no other client_encoding."
  }),
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
const listsOf = (rows: ReadonlyArray<GivenRow>, width: number): ReadonlyArray<string> =>
  [
    rows.map(({ id }) => id),
    rows.map(({ version }) => version),
    rows.map(({ now }) => now),
    ...Array.from({ length: width }, (_, index) => rows.map(({ values }) => values[index] ?? null))
  ].map(literalOf)

/** A list as text: a client may read the type of a list from its elements, and cannot where all of them are null. */
const literalOf = (elements: ReadonlyArray<unknown>): string => {
  const quoted = elements.map((element) => {
    if (element === null) return "NULL"
    if (typeof element === "number") return String(element)
    return `"${escaped(escaped(String(element), "\\"), '"')}"`
  })
  return `{${quoted.join(",")}}`
}

// A regular expression would take three times as long, and most texts have nothing to escape.
const escaped = (text: string, character: string): string =>
  text.includes(character) ? text.replaceAll(character, `\\${character}`) : text

const typeOf = (column: string): string =>
  column === "version" ? "integer" : bigints.has(column) ? "bigint" : "text"

const bigints = new Set(["created_at", "last_activity", "expires_at", "ended_at", "previous_until"])

const failures: Readonly<Record<string, Failure>> = {
  "23505": "duplicate",
  "40001": "deadlock",
  "40P01": "deadlock",
  "42P01": "noTable",
  "3F000": "noTable",
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
const tables = (names: TableNames) => ({
  sessions: {
    columns: tableColumns.sessions,
    create: `create table if not exists ${names.sessions} (
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
    indexes: [
      keyOf("unique", "id", names.sessions, "add primary key (id)"),
      indexOn(names.sessions, names.index("row_id"), "row_id"),
      ...sessionIndexes(names)
    ]
  },
  revocations: {
    columns: tableColumns.revocations,
    create: `create table if not exists ${names.revocations} (
  namespace text collate "C" not null,
  user_id text collate "C" not null,
  except_id text collate "C",
  revoked_at bigint not null,
  row_id ${rowId}
)`,
    indexes: [
      keyOf("primary", "row_id", names.revocations, `add column row_id ${rowId}`),
      ...revocationIndexes(names)
    ]
  },
  migrations: {
    columns: tableColumns.migrations,
    create: `create table if not exists ${names.migrations} (
  migration_id integer primary key,
  created_at timestamp with time zone not null default now(),
  name text not null
)`,
    indexes: []
  }
})

// An identity needs no right to its sequence, which a server that may only write its tables lacks.
const rowId = "bigint generated by default as identity primary key"

const keyOf = (
  kind: "unique" | "primary",
  columns: string,
  table: string,
  change: string
): Index => ({
  kind,
  columns,
  create: [
    `do $$ begin
  if not exists (select from pg_index where indrelid = '${table}'::regclass and indisprimary) then
    alter table ${table} ${change};
  end if;
end $$`
  ],
  isInTable: true
})

const look = ({ schema, ...names }: TableNames): Condition =>
  where(
    `with given as (select owner, to_regclass(name) as oid from (values (?, ?), (?, ?), (?, ?)) as names (owner, name))
select 'schema' as kind, '' as owner, nspname::text as name from pg_namespace where nspname = ?
union all
select 'table', owner, case relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' when 'S' then 'sequence' else 'index or a type' end from given join pg_class using (oid)
union all
select 'column', owner, attname::text from given join pg_attribute on attrelid = oid where attnum > 0 and not attisdropped
union all
select case when indisprimary then 'primary' when indisunique and indpred is null then 'unique' else 'index' end, owner, (select string_agg(attname, ', ' order by array_position(indkey::int2[], attnum)) from pg_attribute where attrelid = indrelid and attnum = any(indkey)) from given join pg_index on indrelid = oid where indisvalid`,
    ...tableKeys.flatMap((key) => [names.plain[key], names[key]]),
    schema ?? null
  )
