/**
 * What `revokeUser` leaves behind for a login in flight, dated by the server.
 *
 * The clocks of apps differ, so none compares its instants with those of another. It compares the age of its own login, by its
 * monotonic clock, with the age of the revocation, by the clock of Redis.
 */
import * as Effect from "effect/Effect"
import { pause } from "../effect/pause.js"
import type { Service } from "../store/contract.js"
import { isRevokedSince, markThenEnd, neverRevoked, type Revoked } from "../store/revocations.js"
import type { Calls } from "./calls.js"
import * as Scripts from "./scripts.js"

/** Both clocks are read in microseconds; ages compare as exactly as this. */
const roundingMillis = 0.01

/** How old a revocation is when `revokeUser` answers, so that a login that begins then is not taken for one in flight. */
const answeredAfterMillis = 1

/** Remembers the revocation, then ends the sessions. */
export const revokeUser = (
  { run }: Calls,
  removeWhere: Service["removeWhere"]
): Service["revokeUser"] => {
  const wait = pause(() => answeredAfterMillis)
  return ({ except, namespace, userId }) =>
    markThenEnd(
      run("revokeUser", Scripts.revoke, [namespace, userId, except ?? ""]),
      Effect.zipLeft(removeWhere({ namespace, userId }, { except }), wait, { concurrent: true })
    )
}

/** Tells whether a user was revoked since an instant of this process. */
export const revokedWithin =
  ({ run }: Calls): Service["revokedWithin"] =>
  ({ exceptId, namespace, since, userId }) => {
    const newest = Effect.suspend(() => {
      const askedMillis = performance.now()
      return Effect.map(
        run("revokedWithin", Scripts.revoked, [namespace, userId, exceptId ?? ""]),
        (answer): Revoked => {
          if (answer === null) return neverRevoked
          const ageMillis = Number(answer) / 1000
          return {
            earliestMillis: askedMillis - ageMillis - roundingMillis,
            latestMillis: performance.now() - ageMillis + roundingMillis
          }
        }
      )
    })
    return isRevokedSince(newest, since.monotonicMillis)
  }
