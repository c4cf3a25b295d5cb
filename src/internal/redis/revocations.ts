/**
 * What `revokeUser` leaves behind for a login in flight, dated by the server.
 *
 * The clocks of apps differ, so none compares its instants with those of another. It compares the age of its own login, by its
 * monotonic clock, with the age of the revocation, by the clock of Redis.
 */
import * as Effect from "effect/Effect"
import { pause } from "../effect/pause.js"
import type { Service } from "../store/contract.js"
import type { Calls } from "./calls.js"
import * as Scripts from "./scripts.js"

/** Both clocks are read in microseconds; ages compare as exactly as this. */
const roundingMillis = 0.01

/** How old a revocation is when `revokeUser` answers, so that a login that begins then is not taken for one in flight. */
const answeredAfterMillis = 1

const tries = 5

/** Remembers the revocation, then ends the sessions: one or the other meets a login that commits between the two. */
export const revokeUser = (
  { run }: Calls,
  removeWhere: Service["removeWhere"]
): Service["revokeUser"] => {
  const wait = pause(() => answeredAfterMillis)
  return ({ except, namespace, userId }) =>
    Effect.zipRight(
      run("revokeUser", Scripts.revoke, [namespace, userId, except ?? ""]),
      Effect.zipLeft(removeWhere({ namespace, userId }, { except }), wait, { concurrent: true })
    )
}

/** Asks again while the revocation may have been before or after `since`; what stays unclear counts as revoked. */
export const revokedWithin = ({ run }: Calls): Service["revokedWithin"] => {
  const asked = (
    { exceptId, namespace, since, userId }: Parameters<Service["revokedWithin"]>[0],
    left: number
  ): ReturnType<Service["revokedWithin"]> =>
    Effect.suspend(() => {
      const askedMillis = performance.now()
      return Effect.flatMap(
        run("revokedWithin", Scripts.revoked, [namespace, userId, exceptId ?? ""]),
        (answer) => {
          if (answer === null) return Effect.succeed(false)
          const ageMillis = Number(answer) / 1000
          // The server read its clock between these two readings of ours.
          const earliestMillis = askedMillis - ageMillis - roundingMillis
          const latestMillis = performance.now() - ageMillis + roundingMillis
          if (latestMillis < since.monotonicMillis) return Effect.succeed(false)
          return earliestMillis > since.monotonicMillis || left <= 1
            ? Effect.succeed(true)
            : asked({ exceptId, namespace, since, userId }, left - 1)
        }
      )
    })
  return (options) => asked(options, tries)
}
