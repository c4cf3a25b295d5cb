/** Requests over the size of a session: up to nearly the limit of 64 KiB. */
import * as Contest from "../support/contest.js"
import { type Curve, onPostgres, overX } from "./curve.js"

export const payload: Curve<ReadonlyArray<Contest.Result>> = {
  name: "payload",
  keys: () => ["200", "1000", "4000", "8000", "16000", "32000", "64000"],
  measure: async (key, { rounds, seconds }) => {
    const place = await Contest.openPlace("postgres")
    try {
      return await Contest.contest(onPostgres(), place, {
        connections: 64,
        paths: ["/read", "/write"],
        rounds,
        seconds,
        env: { PAYLOAD: key }
      })
    } finally {
      await place.stop()
    }
  },
  show: (points) => overX("payload", "characters", points)
}
