/** MySQL, from version 8, and MariaDB, from version 10.5. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type { Condition, Dialect, DriverFailure, Failure, InList } from "./dialect.js"
import { changedOf, hourMillis, where } from "./dialect.js"
import type { TableNames } from "./tableNames.js"
import { type Index, tableColumns } from "./tables.js"

const quote = (identifier: string): string => `\`${identifier.replaceAll("`", "``")}\``

export const mysql: Dialect = {
  name: "mysql",
  native: (text) => text,
  quote,
  takesSchema: true,
  hasOneConnection: false,
  // `insert ignore` would hide other failures as well.
  skipTaken: "",
  greatest: "greatest",
  least: "least",
  byteLength: (column) => `octet_length(${column})`,
  inOrder: "force index (primary)",
  // Not `unix_timestamp`, which goes back an hour with the session's time zone in autumn.
  nowMillis: "(timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000)",
  classify: (failure) => failures[failure.code] ?? classifyOther(failure),
  // Read without locks, then changed by key: `delete ... limit` would lock all rows that it passes, live sessions too.
  changeSome: ({ change, query }, { change: head, table, condition, order, limit }) =>
    Effect.gen(function* () {
      const rows = yield* query(
        // By the last column alone: MySQL sorts the rows if a constant column is named before it.
        `select row_id from ${table} where ${condition.text} order by ${order[order.length - 1]} limit ?`,
        // As text: a number would be sent as a floating point number, which `limit` refuses.
        [...condition.parameters, `${limit}`]
      )
      let count = 0
      for (const part of Arr.chunksOf(rows, longestList)) {
        const isOne = inList(
          "row_id",
          part.map((row) => String(row.row_id))
        )
        count += yield* change(`${head} where ${isOne.text} and ${condition.text}`, [
          ...isOne.parameters,
          ...condition.parameters
        ])
      }
      return { count, lastRowId: changedOf(rows).lastRowId }
    }),
  inList: (column, values) => inList(column, values),
  // The server does not say which of several rows it changed.
  updateMany: undefined,
  tables: (names) => tables(names),
  look: (names) => look(names),
  unfit: ({ plain, schema }, text) => ({
    query: where(
      `select concat('its connection is in ', @@character_set_client) as unfit from dual where coalesce(hex(convert(? using utf8mb4)), '') <> '${Buffer.from(text).toString("hex").toUpperCase()}'
union all
select concat('the column ', column_name, ' is in ', character_set_name) from information_schema.columns where table_schema = ${schemaOf(schema)} and table_name = '${plain.sessions}' and column_name in ('namespace', 'user_id', 'user_agent', 'payload', 'previous_token') and character_set_name not in ('utf8mb4', 'utf16', 'utf32')`,
      text
    ),
    advice:
      "Connect with charset=utf8mb4, and convert the table: alter table ... convert to character set utf8mb4 collate utf8mb4_bin."
  }),
  // In MySQL the definition of a table ends a transaction, so the lock belongs to the connection.
  exclusion: ({ name }) => {
    const lock = `'effect-session:${name.slice(-40)}'`
    const release = `select release_lock(${lock})`
    return {
      begin: "select 1",
      lock: `select get_lock(${lock}, 60) as locked`,
      end: release,
      abort: release
    }
  }
}

/** How many values a list has at most. */
const longestList = 256

// Filled up to a power of two by repeating the last, so that the server keeps nine prepared statements and not 256.
const inList: InList = (column, values) => {
  const length = 2 ** Math.ceil(Math.log2(values.length))
  const last = values[values.length - 1] ?? ""
  const parameters = Array.from({ length }, (_, index) => values[index] ?? last)
  return { text: `${column} in (${parameters.map(() => "?").join(",")})`, parameters }
}

const failures: Readonly<Record<string, Failure>> = {
  ER_DUP_ENTRY: "duplicate",
  ER_LOCK_DEADLOCK: "deadlock",
  ER_NO_SUCH_TABLE: "noTable",
  ER_BAD_DB_ERROR: "noTable",
  ER_DUP_KEYNAME: "nameTaken",
  ER_LOCK_WAIT_TIMEOUT: "timeout",
  ER_QUERY_TIMEOUT: "timeout",
  ER_STATEMENT_TIMEOUT: "timeout",
  ER_QUERY_INTERRUPTED: "timeout",
  PROTOCOL_SEQUENCE_TIMEOUT: "timeout",
  ER_DATA_TOO_LONG: "tooLarge",
  ER_NET_PACKET_TOO_LARGE: "tooLarge",
  ER_NOT_KEYFILE: "corrupt",
  ER_CRASHED_ON_USAGE: "corrupt",
  ER_CON_COUNT_ERROR: "unavailable",
  ER_TOO_MANY_USER_CONNECTIONS: "unavailable",
  ER_SERVER_SHUTDOWN: "unavailable",
  ER_NORMAL_SHUTDOWN: "unavailable",
  ER_ACCESS_DENIED_ERROR: "unavailable",
  ER_DBACCESS_DENIED_ERROR: "unavailable",
  ER_OPTION_PREVENTS_STATEMENT: "unavailable",
  ER_READ_ONLY_MODE: "unavailable",
  ER_DISK_FULL: "unavailable",
  ER_RECORD_FILE_FULL: "unavailable",
  ER_OUTOFMEMORY: "unavailable",
  ER_CONNECTION_KILLED: "unavailable"
}

// A code without ER_ did not come from the server: the connection could not be made or was lost.
const classifyOther = ({ code, message }: DriverFailure): Failure => {
  // The driver has no names for MariaDB's own codes.
  if (/max_statement_time exceeded/.test(message)) return "timeout"
  if (/server is going down|connection was killed/i.test(message)) return "unavailable"
  return /^(ER_|WARN_|UNKNOWN_)/.test(code) ? "unknown" : "unavailable"
}

// The rows lie in the order of the primary key. With a random id as key each insert would go to another page, and a listing
// would read as many pages. User ids and namespaces are binary, because every other collation that both servers know
// ignores blanks at the end.
const tables = (names: TableNames) => ({
  sessions: {
    columns: tableColumns.sessions,
    create: `create table if not exists ${names.sessions} (
  id varchar(40) not null,
  namespace varbinary(255) not null,
  user_id varbinary(255),
  ip_address varchar(45),
  user_agent varchar(512),
  payload longtext not null,
  created_at bigint not null,
  last_activity bigint not null,
  expires_at bigint not null,
  ended_at bigint,
  version integer not null,
  previous_id varchar(40),
  previous_kind varchar(10),
  previous_until bigint,
  previous_token varchar(512),
  expires_hour bigint generated always as (expires_at div ${hourMillis}) stored,
  row_id bigint not null auto_increment,
  primary key (row_id),
  unique key id (id),
  key user_id (user_id, row_id),
  key previous_id (previous_id),
  key ended_at (ended_at, expires_hour, row_id, namespace, user_id),
  key previous_token (previous_token(1), previous_until)
) character set utf8mb4 collate utf8mb4_bin`,
    indexes: [
      indexIn(names.sessions, "id", "id", "unique"),
      indexIn(names.sessions, "user_id", "user_id, row_id"),
      indexIn(names.sessions, "previous_id", "previous_id"),
      indexIn(names.sessions, "ended_at", "ended_at, expires_hour, row_id, namespace, user_id"),
      {
        ...indexIn(names.sessions, "previous_token", "previous_token(1), previous_until"),
        columns: "previous_token, previous_until"
      }
    ]
  },
  revocations: {
    columns: tableColumns.revocations,
    create: `create table if not exists ${names.revocations} (
  namespace varbinary(255) not null,
  user_id varbinary(255) not null,
  except_id varchar(40),
  revoked_at bigint not null,
  row_id bigint not null auto_increment,
  primary key (row_id),
  key user_id (user_id, revoked_at),
  key revoked_at (revoked_at)
) character set utf8mb4 collate utf8mb4_bin`,
    indexes: [
      {
        kind: "primary" as const,
        columns: "row_id",
        create: [addKey(names)],
        isInTable: true
      },
      indexIn(names.revocations, "user_id", "user_id, revoked_at"),
      indexIn(names.revocations, "revoked_at", "revoked_at")
    ]
  },
  migrations: {
    columns: tableColumns.migrations,
    create: `create table if not exists ${names.migrations} (
  migration_id integer unsigned not null,
  created_at timestamp not null default current_timestamp,
  name varchar(255) not null,
  primary key (migration_id)
)`,
    indexes: []
  }
})

const indexIn = (
  table: string,
  name: string,
  columns: string,
  kind: "index" | "unique" = "index"
): Index => ({
  kind,
  columns,
  create: [
    `create ${kind === "unique" ? "unique index" : "index"} ${name} on ${table} (${columns})`
  ],
  isInTable: true
})

// A table may have a key already that the server gave it by itself (`sql_generate_invisible_primary_key`). MySQL has no
// `if` outside a procedure.
const addKey = ({ plain, revocations, schema }: TableNames): string =>
  `set @effect_session = if(exists(select 1 from information_schema.statistics where table_schema = ${schemaOf(schema)} and table_name = '${plain.revocations}' and index_name = 'PRIMARY'), 'do 0', 'alter table ${revocations} add column row_id bigint not null auto_increment primary key');
prepare effect_session from @effect_session;
execute effect_session;
deallocate prepare effect_session`

const schemaOf = (schema: string | undefined): string =>
  schema === undefined ? "database()" : `'${schema}'`

const look = ({ plain, schema }: TableNames): Condition => {
  const these = `table_schema = ${schemaOf(schema)} and table_name in ('${plain.sessions}', '${plain.revocations}', '${plain.migrations}')`
  return where(`select 'schema' as kind, '' as owner, schema_name as name from information_schema.schemata where schema_name = ${schemaOf(schema)}
union all
select 'table', table_name, case when table_type in ('VIEW', 'SEQUENCE') then lower(table_type) else 'table' end from information_schema.tables where ${these}
union all
select 'column', table_name, column_name from information_schema.columns where ${these}
union all
select case when index_name = 'PRIMARY' then 'primary' when min(non_unique) = 0 then 'unique' else 'index' end, table_name, group_concat(column_name order by seq_in_index separator ', ') from information_schema.statistics where ${these} group by table_name, index_name`)
}
