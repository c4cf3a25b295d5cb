/**
 * What `revokeUser` leaves behind for a login in flight: one row for each revocation, dated by the database.
 *
 * The clocks of servers differ, so no server compares its instants with those of another. It compares the age of its own
 * login, by its monotonic clock, with the age of the revocation, by the database's clock.
 */
import * as Effect from "effect/Effect"
import { pause } from "../effect/pause.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import { isRevokedSince, markThenEnd, neverRevoked, type Revoked } from "../store/revocations.js"
import { batched } from "./batchedCalls.js"
import { where } from "./dialect.js"
import { Reader } from "./rows.js"
import { decoding, type SessionTable } from "./sessionTable.js"

// A login takes seconds; a day is plenty.
const keptMillis = 86_400_000

/** Ages compare as exactly as this: both instants are rounded to milliseconds. */
const roundingMillis = 1

/** How old a revocation is when `revokeUser` answers, so that a login that begins then is not taken for one in flight. */
const answeredAfterMillis = 2 * roundingMillis + 1

/** Remembers the revocation, then ends the sessions. */
export const revokeUser = (
  { database, names }: SessionTable,
  removeWhere: Service["removeWhere"]
): Service["revokeUser"] => {
  const insert = `insert into ${names.revocations} (namespace, user_id, except_id, revoked_at) values (?, ?, ?, ${database.dialect.nowMillis})`
  // In real time: the database's clock has to go on.
  const wait = pause(() => answeredAfterMillis)
  return ({ namespace, userId, except }) =>
    markThenEnd(
      database.call("revokeUser", database.change(insert, [namespace, userId, except ?? null])),
      Effect.zipLeft(removeWhere({ namespace, userId }, { except }), wait, { concurrent: true })
    )
}

/** Whose revocations a login asks for. */
interface Login {
  readonly namespace: string
  readonly userId: string
  readonly exceptId?: string | undefined
}

/** Makes the call that tells whether a user was revoked since an instant of this process. */
export const revokedWithin = (table: SessionTable): Effect.Effect<Service["revokedWithin"]> => {
  const ask = newestRevocations(table)
  return Effect.map(
    batched(
      ({ userId }: Login) => userId,
      (login) => Effect.map(ask([login]), ([newest = neverRevoked]) => newest),
      table.database.dialect.inList && { allowsSameKey: true, inFlight: 2, batch: ask }
    ),
    (newest) => (options) => isRevokedSince(newest(options), options.since.monotonicMillis)
  )
}

/** Asks for the newest revocation of each login, of only one where the database takes no lists. */
const newestRevocations = ({ database, names }: SessionTable) => {
  const { inList = (column, values) => where(`${column} = ?`, ...values), nowMillis } =
    database.dialect
  return (logins: ReadonlyArray<Login>) => {
    const { text, parameters } = inList("user_id", [...new Set(logins.map(({ userId }) => userId))])
    const select = `select namespace, user_id, except_id, ${nowMillis} - max(revoked_at) as age from ${names.revocations} where ${text} group by namespace, user_id, except_id`
    return database.call(
      "revokedWithin",
      Effect.gen(function* () {
        // The database reads its clock between these two readings of ours. Every login of a batch asked before the first,
        // so the statement sees each revocation that it has to know of, and both bounds hold for all of them.
        const askedMillis = performance.now()
        const found = yield* database.query(select, parameters)
        const answeredMillis = performance.now()
        return yield* decoding("revokedWithin", () => {
          const rows = found.map((row) => new Reader("revokedWithin", row))
          return logins.map((login): Revoked => {
            const age = leastAge(rows, login)
            return {
              earliestMillis: askedMillis - age - roundingMillis,
              latestMillis: answeredMillis - age + roundingMillis
            }
          })
        })
      })
    )
  }
}

/** Infinity if the login has no revocation to know of. */
const leastAge = (rows: ReadonlyArray<Reader>, login: Login): number =>
  Math.min(...rows.filter((row) => concerns(row, login)).map((row) => row.number("age")))

/** Whether a row is about the login's user and does not spare the login's session. */
const concerns = (row: Reader, { namespace, userId, exceptId }: Login): boolean => {
  const spared = row.optionalText("except_id")
  return (
    row.text("user_id") === userId &&
    row.text("namespace") === namespace &&
    (spared === null || spared !== exceptId)
  )
}

/** Deletes the rows of revocations that are a day old. */
export const forgetRevocations = ({
  database,
  names
}: SessionTable): Effect.Effect<void, SessionStoreError> => {
  const text = `delete from ${names.revocations} where revoked_at < ${database.dialect.nowMillis} - ${keptMillis}`
  return Effect.asVoid(database.longCall("collect", database.change(text, [])))
}
