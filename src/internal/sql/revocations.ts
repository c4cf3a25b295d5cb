/**
 * What `revokeUser` leaves behind, so that a login in flight notices it: one row a revocation, dated by the database.
 *
 * Servers' clocks differ, so no instant of a server is compared with one of another: the age of the login by the server's
 * monotonic clock is compared with the age of the revocation by the database's clock.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { pause } from "../effect/pause.js"
import type { SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import { localNow } from "../store/revocations.js"
import type { Place } from "./sessions.js"

// A login takes seconds; a day is plenty.
const keptMillis = 86_400_000

/** How exactly ages compare: two instants that are rounded to milliseconds. */
const roundingMillis = 1

/** How old a revocation is when its caller hears of it, so that a login that begins then is told from one in flight. */
const settledMillis = 2 * roundingMillis + 1

const tries = 5

/** Remembers the revocation, then ends the sessions: a login that commits between the two is found by one or the other. */
export const revokeUser = (
  { database, table }: Place,
  removeWhere: Service["removeWhere"]
): Service["revokeUser"] => {
  const insert = `insert into ${table.revocations} (namespace, user_id, except_id, revoked_at) values (?, ?, ?, ${database.dialect.nowMillis})`
  return ({ namespace, userId, except }) =>
    database.call("revokeUser", database.change(insert, [namespace, userId, except ?? null])).pipe(
      Effect.zipRight(
        Effect.zipLeft(removeWhere({ namespace, userId }, { except }), settled, {
          concurrent: true
        })
      )
    )
}

// In real time: it is the database's clock that has to go on.
const settled = pause(() => settledMillis)

/** Tells whether the user was revoked since an instant of this process. */
export const revokedWithin = ({ database, table }: Place): Service["revokedWithin"] => {
  const { nowMillis } = database.dialect
  const select = `select ${nowMillis} - max(revoked_at) as age from ${table.revocations} where user_id = ? and namespace = ? and (except_id is null or except_id <> ?)`
  return ({ namespace, userId, since, exceptId }) => {
    const ageOfLogin = () => localNow().monotonicMillis - since.monotonicMillis
    const ask = (left: number): Effect.Effect<boolean, SqlError> =>
      Effect.suspend(() => {
        const before = ageOfLogin()
        return Effect.flatMap(
          database.query(select, [userId, namespace, exceptId ?? ""]),
          ([row]) => {
            const age = row?.age ?? null
            if (age === null) return Effect.succeed(false)
            // The database read its clock between the two ages of the login, so this is how much older the revocation is,
            // at least and at most. As long as it may be either, it is asked again; what stays unclear counts as revoked.
            const least = Number(age) - ageOfLogin() - roundingMillis
            const most = Number(age) - before + roundingMillis
            if (least > 0) return Effect.succeed(false)
            return most < 0 || left <= 1 ? Effect.succeed(true) : ask(left - 1)
          }
        )
      })
    return database.call("revokedWithin", ask(tries))
  }
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
