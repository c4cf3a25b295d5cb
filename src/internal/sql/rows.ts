/** Translates between rows and records. */
import type { PreviousId, SessionEntry, SessionRecord } from "../../core/record/record.js"
import { SessionStoreError } from "../errors/errors.js"
import type { Dialect, Row, Value } from "./dialect.js"

/** The values of a record, in the order of `columns`. */
export const valuesOf = (record: SessionRecord): ReadonlyArray<Value> => [
  record.id,
  record.namespace,
  record.userId,
  record.ipAddress,
  record.userAgent,
  record.payload,
  record.createdAtMillis,
  record.lastActivityMillis,
  record.expiresAtMillis,
  record.endedAtMillis,
  record.version,
  record.previous?.id ?? null,
  record.previous?.kind ?? null,
  record.previous?.untilMillis ?? null,
  record.previous?.sealedToken ?? null
]

/** The columns that a query must select for `toEntry`. */
export const entryColumns = (dialect: Dialect): string =>
  `row_id, id, namespace, user_id, ip_address, user_agent, created_at, last_activity, expires_at, ended_at, previous_id, ${dialect.byteLength("payload")} as payload_bytes`

/** Reads a record; throws `SessionStoreError` (`corrupt`) if no store can have written the row. */
export const toRecord = (operation: string, row: Row): SessionRecord => {
  const read = new Reader(operation, row)
  return {
    version: read.number("version"),
    previous: previousOf(read),
    payload: read.text("payload"),
    ...common(read)
  }
}

/** Reads an entry; throws as `toRecord` does. */
export const toEntry = (operation: string, row: Row): SessionEntry => {
  const read = new Reader(operation, row)
  return {
    previousId: read.optionalText("previous_id"),
    payloadBytes: read.number("payload_bytes"),
    ...common(read)
  }
}

// Spread last: fields behind a spread cost more than the rest of a row.
const common = (read: Reader) => ({
  id: read.text("id"),
  namespace: read.text("namespace"),
  userId: read.optionalText("user_id"),
  ipAddress: read.optionalText("ip_address"),
  userAgent: read.optionalText("user_agent"),
  createdAtMillis: read.number("created_at"),
  lastActivityMillis: read.number("last_activity"),
  expiresAtMillis: read.number("expires_at"),
  endedAtMillis: read.optionalNumber("ended_at")
})

const previousOf = (read: Reader): PreviousId | null => {
  const id = read.optionalText("previous_id")
  if (id === null) return null
  const kind = read.text("previous_kind")
  if (kind !== "quarantine" && kind !== "alias") return read.fail("previous_kind")
  const untilMillis = read.number("previous_until")
  return { id, kind, untilMillis, sealedToken: read.optionalText("previous_token") }
}

/** Reads columns in every type that a driver may give them: `bigint` comes as text, binary text as bytes. */
export class Reader {
  constructor(
    private readonly operation: string,
    private readonly row: Row
  ) {}

  text(column: string): string {
    const value = this.row[column]
    if (typeof value === "string") return value
    return value instanceof Uint8Array ? Buffer.from(value).toString() : this.fail(column)
  }

  optionalText(column: string): string | null {
    return this.row[column] === null ? null : this.text(column)
  }

  number(column: string): number {
    const value = this.row[column]
    const number = value === null || value === "" ? Number.NaN : Number(value)
    return Number.isSafeInteger(number) ? number : this.fail(column)
  }

  optionalNumber(column: string): number | null {
    return this.row[column] === null ? null : this.number(column)
  }

  fail(column: string): never {
    throw new SessionStoreError({
      operation: this.operation,
      reason: "corrupt",
      cause: new Error(`The column ${column} of a session's row cannot be read.`)
    })
  }
}
