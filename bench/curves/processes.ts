/** Requests over the number of processes that share one PostgreSQL. */
import * as Contest from "../support/contest.js"
import * as Load from "../support/load.js"
import * as Page from "../support/page.js"
import { type Curve, ours } from "./curve.js"

const counts = [1, 2, 4]
const connections = 64

/** Several processes as one contestant. */
const start = async (place: Contest.Place, count: number): Promise<Contest.Running> => {
  const all: Array<Contest.Running> = []
  for (let index = 0; index < count; index++) {
    all.push(await Contest.start(ours(), place.env, connections / count))
  }
  return {
    name: `${count}`,
    // There are visitors enough to warm all of them up.
    port: all[0]?.port ?? 0,
    routes: ["/read", "/write", "/login"],
    visitors: all.flatMap(({ visitors }) => visitors),
    used: async () => {
      const used = await Promise.all(all.map((one) => one.used()))
      return {
        cpuMicros: used.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
        rss: used.reduce((sum, { rss }) => sum + rss, 0)
      }
    },
    stop: async () => {
      for (const one of all) await one.stop()
    }
  }
}

export const processes: Curve<ReadonlyArray<Contest.Result>> = {
  name: "processes",
  keys: () => ["all"],
  measure: async (_, { rounds, seconds }) => {
    const place = await Contest.openPlace("postgres")
    const servers: Array<Contest.Running> = []
    try {
      for (const count of counts) servers.push(await start(place, count))
      const paths = ["/read", "/write", "/login"]
      return await Contest.compare(servers, place, paths, rounds, seconds)
    } finally {
      for (const one of servers) await one.stop()
      await place.stop()
    }
  },
  show: async (points) => {
    const results = points.flatMap(([, results]) => results)
    const picture = await Page.picture("processes", {
      title: "Requests a second over the number of processes",
      kind: "lines",
      x: "processes",
      y: "requests/s",
      log: true,
      points: results.map(({ name, path, rounds }) => ({
        x: Number(name),
        y: Contest.medianOf(rounds, "perSecond"),
        series: path
      }))
    })
    const rows = results.map(({ name, path, resident, rounds }) => {
      const one = results.find((other) => other.path === path)?.rounds ?? []
      const own = (figure: keyof Contest.Figures) => Page.rounded(Contest.medianOf(rounds, figure))
      const ratios = rounds.map((round, index) => round.perSecond / (one[index]?.perSecond ?? 0))
      return [
        path,
        Number(name),
        Math.round(own("perSecond")),
        Load.median(ratios).toFixed(2),
        own("cpuMicros"),
        own("databaseMicros"),
        own("statements"),
        own("p99Millis"),
        Math.round(resident / 2 ** 20)
      ]
    })
    const head = ["route", "processes", "requests/s", "to one process", "CPU, µs"]
    const more = ["database CPU, µs", "statements", "p99, ms", "resident memory, MiB"]
    return [picture, Page.table([...head, ...more], rows)].join("\n\n")
  }
}
