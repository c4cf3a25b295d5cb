/** What it costs, and brings, that requests share statements: against the same server that sends each by itself. */
import * as Contest from "../support/contest.js"
import * as Load from "../support/load.js"
import * as Page from "../support/page.js"
import { startServer } from "../support/process.js"
import type { Curve } from "./curve.js"

/** Beside each other this many turns of a round: a visitor alone shows differences of microseconds. */
const turns = 6

const start = async (name: string, env: Record<string, string>, connections: number) => {
  const server = await startServer(env)
  return {
    name,
    port: server.port,
    routes: ["/read", "/write", "/login"],
    visitors: await Load.visitors(server.port, connections),
    used: async () => ({ cpuMicros: await server.cpuMicros(), rss: Number.NaN }),
    stop: server.stop
  }
}

export const sharing: Curve<ReadonlyArray<Contest.Result>> = {
  name: "sharing",
  keys: () => ["1", "2", "4", "8", "16", "64"],
  measure: async (key, { rounds, seconds }) => {
    const place = await Contest.openPlace("postgres")
    const BENCH_URL = place.env.DATABASE_URL ?? ""
    const servers: Array<Contest.Running> = []
    try {
      servers.push(await start("shared", { BENCH_URL }, Number(key)))
      servers.push(await start("each by itself", { BENCH_URL, BENCH_BATCHES: "off" }, Number(key)))
      const paths = ["/read", "/write", "/login"]
      return await Contest.compare(servers, place, paths, rounds * turns, seconds / turns)
    } finally {
      for (const one of servers) await one.stop()
      await place.stop()
    }
  },
  show: async (points) => {
    const all = points.flatMap(([key, results]) =>
      ["/read", "/write", "/login"].map((path) => {
        const rounds = (name: string) =>
          results.find((one) => one.path === path && one.name === name)?.rounds ?? []
        const [shared, single] = [rounds("shared"), rounds("each by itself")]
        const ratio = (figure: keyof Contest.Figures) =>
          Contest.ratioOf(shared, single, figure).median
        return { connections: Number(key), path, shared, ratio }
      })
    )
    const picture = await Page.picture("sharing", {
      title: "Latency with shared statements, compared with none shared",
      kind: "lines",
      x: "connections",
      y: "p50, shared to single",
      log: true,
      points: all.map(({ connections, path, ratio }) => ({
        x: connections,
        y: ratio("medianMillis"),
        series: path
      }))
    })
    const rows = all.map(({ connections, path, ratio, shared }) => [
      path,
      connections,
      Page.rounded(Contest.medianOf(shared, "statements")),
      ratio("medianMillis").toFixed(2),
      ratio("perSecond").toFixed(2),
      ratio("cpuMicros").toFixed(2),
      ratio("databaseMicros").toFixed(2)
    ])
    rows.sort(([a = ""], [b = ""]) => String(a).localeCompare(String(b)))
    const head = ["route", "connections", "statements", "p50, shared to single"]
    const more = ["requests/s", "CPU", "database CPU"]
    return [picture, Page.table([...head, ...more], rows)].join("\n\n")
  }
}
