/**
 * What `revokeUser` leaves behind, so that a login in flight notices it: one row a revocation, dated by the database.
 *
 * Servers' clocks differ, so no instant of a server is compared with one of another: the age of the login by the server's
 * monotonic clock is compared with the age of the revocation by the database's clock.
 */
import * as Effect from "effect/Effect"
import type { Service } from "../../SessionStore.js"
import type { SessionStoreError } from "../errors.js"
import { localNow } from "../revocations.js"
import type { Place } from "./sessions.js"

// A login takes seconds; a day is plenty.
const keptMillis = 86_400_000

/** Remembers the revocation, then ends the sessions: a login that commits between the two is found by one or the other. */
export const revokeUser = (
  { database, table }: Place,
  removeWhere: Service["removeWhere"]
): Service["revokeUser"] => {
  const insert = `insert into ${table.revocations} (namespace, user_id, except_id, revoked_at) values (?, ?, ?, ${database.dialect.nowMillis})`
  return ({ namespace, userId, except }) =>
    Effect.zipRight(
      database.call("revokeUser", database.change(insert, [namespace, userId, except ?? null])),
      removeWhere({ namespace, userId }, { except })
    )
}

/** Tells whether the user was revoked since an instant of this process. */
export const revokedWithin = ({ database, table }: Place): Service["revokedWithin"] => {
  const { nowMillis } = database.dialect
  const select = `select ${nowMillis} - max(revoked_at) as age from ${table.revocations} where user_id = ? and namespace = ? and (except_id is null or except_id <> ?)`
  return ({ namespace, userId, since, exceptId }) =>
    database.call(
      "revokedWithin",
      Effect.map(database.query(select, [userId, namespace, exceptId ?? ""]), (rows) => {
        const age = rows[0]?.age ?? null
        // Read after the answer, and with a millisecond for rounding: the login rather looks too old than too young.
        const ageOfLogin = localNow().monotonicMillis - since.monotonicMillis + 1
        return age !== null && Number(age) <= ageOfLogin
      })
    )
}

/** Deletes the rows of revocations that are a day old. */
export const forgetRevocations = ({
  database,
  table
}: Place): Effect.Effect<void, SessionStoreError> =>
  Effect.asVoid(
    database.call(
      "collect",
      database.change(
        `delete from ${table.revocations} where revoked_at < ${database.dialect.nowMillis} - ${keptMillis}`,
        []
      )
    )
  )
