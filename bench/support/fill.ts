/** Tables of PostgreSQL with many sessions, as they would be in use. */
import { readFileSync } from "node:fs"
import Pg from "pg"
import { makeToken, tokenId } from "../../src/core/record/token.js"
import type * as Contest from "./contest.js"

export const query = async (
  url: string,
  text: string,
  parameters: ReadonlyArray<unknown> = []
): Promise<ReadonlyArray<Record<string, unknown>>> => {
  const client = new Pg.Client({ connectionString: url })
  await client.connect()
  try {
    const answer: unknown = await client.query(text, [...parameters])
    // Several statements in one text have several answers.
    return Array.isArray(answer) ? [] : (answer as Pg.QueryResult).rows
  } finally {
    await client.end()
  }
}

/** A new database beside the one of the place; its URL. */
export const newDatabase = async (place: Contest.Place, name: string): Promise<string> => {
  const url = place.env.DATABASE_URL ?? ""
  await query(url, `create database ${name}`)
  return url.replace(/[^/]*$/, name)
}

/** Makes the table partitioned by the hash of the id, by the statements of the documentation. */
export const partition = async (url: string): Promise<void> => {
  const page = readFileSync(new URL("../../docs/partitioning.md", import.meta.url), "utf8")
  const statements = /<!-- sql: hash -->\n```sql\n([\s\S]*?)```/.exec(page)?.[1]
  if (statements === undefined) throw new Error("docs/partitioning.md has no such block.")
  await query(url, statements)
}

const batch = 1_000_000
const agent =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"

/**
 * Fills the table with copies of a row that the server wrote, under other ids and users, which expire within a day. The cookies of
 * `known` sessions, which lie evenly among the others, are given: guests, as the copied payload says,
 * who were just active.
 */
export const fill = async (
  url: string,
  rows: number,
  known = Math.min(rows, 20_000)
): Promise<ReadonlyArray<string>> => {
  const tokens = Array.from({ length: known }, makeToken)
  const ids = tokens.map((token) => tokenId(token, "session"))
  const step = Math.floor(rows / known)
  for (let first = 1; first <= rows; first += batch) {
    const last = Math.min(rows, first + batch - 1)
    await query(
      url,
      `insert into sessions (id, namespace, user_id, ip_address, user_agent, payload, created_at,
         last_activity, expires_at, version)
       select coalesce(known.id, substr(encode(sha256(n::text::bytea), 'hex'), 1, 40)), namespace,
         case when known.id is null then 'user-' || n / 3 end, '192.0.2.' || n % 256, $2, payload, created_at, last_activity,
         expires_at + case when known.id is null then (random() * 79200000)::bigint else 0 end, version
       from (select * from sessions limit 1) as template
       cross join generate_series($3::int, $4::int) as n
       left join unnest($1::text[]) with ordinality as known(id, place) on n = place * $5::int`,
      [ids, agent, first, last, step]
    )
  }
  await query(url, "vacuum analyze sessions")
  return tokens.map((token) => `__Host-session=${token}`)
}

/** Bytes of a row: of the table with what it keeps apart, and of its indexes. */
export const sizeOf = async (url: string) => {
  const [size] = await query(
    url,
    `select sum(pg_table_size(relid))::float8 as heap, sum(pg_indexes_size(relid))::float8 as indexes,
       (select count(*) from sessions)::float8 as rows
     from pg_stat_user_tables where relname ~ '^sessions(_[0-9]+)?$'`
  )
  const rows = Number(size?.rows)
  return { heap: Number(size?.heap) / rows, indexes: Number(size?.indexes) / rows }
}

/** The bytes a row takes in each index. */
export const indexesOf = async (url: string): Promise<ReadonlyArray<readonly [string, number]>> => {
  const rows = await query(
    url,
    `select indexrelname as name, pg_relation_size(indexrelid)::float8
       / (select count(*) from sessions) as bytes
     from pg_stat_user_indexes where relname = 'sessions' order by 2 desc`
  )
  return rows.map(({ bytes, name }) => [String(name), Number(bytes)])
}

/** The share of updates that touched no index, since the table was made. */
export const hotShare = async (url: string): Promise<number> => {
  const [share] = await query(
    url,
    `select sum(n_tup_hot_upd)::float8 / nullif(sum(n_tup_upd), 0)::float8 as share
     from pg_stat_user_tables where relname like 'sessions%'`
  )
  return Number(share?.share)
}
