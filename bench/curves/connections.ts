/** Requests over the number of visitors at once. */
import * as Contest from "../support/contest.js"
import { type Curve, onPostgres, overX } from "./curve.js"

export const connections: Curve<ReadonlyArray<Contest.Result>> = {
  name: "connections",
  keys: () => ["1", "4", "16", "64", "256"],
  measure: async (key, { rounds, seconds }) => {
    const place = await Contest.openPlace("postgres")
    try {
      return await Contest.contest(onPostgres(), place, {
        connections: Number(key),
        paths: ["/read", "/write", "/login"],
        rounds,
        seconds
      })
    } finally {
      await place.stop()
    }
  },
  show: (points) => overX("connections", "connections", points)
}
