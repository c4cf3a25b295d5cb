/** Every library on every store; and the tables of it, which the main table of `npm run bench` has too. */
import { readFileSync } from "node:fs"
import * as Contest from "../support/contest.js"
import * as Page from "../support/page.js"
import type { Curve } from "./curve.js"

const paths = ["/bare", "/read", "/write", "/login", "/flash"]

const versionOf = (name: string): string => {
  const file = new URL(`../peers/node_modules/${name}/package.json`, import.meta.url)
  return `${name} ${JSON.parse(readFileSync(file, "utf8")).version}`
}

const libraries = [
  "@fastify/session",
  "express-session",
  "hono-sessions",
  "iron-session",
  "@adonisjs/session",
  "better-auth"
]

const head = [
  "server",
  "requests/s",
  "this library to it",
  "CPU, µs",
  "CPU over its `/bare`, µs",
  "database CPU, µs",
  "statements",
  "rows written",
  "p50, ms",
  "p99, ms"
]

const rowsOf = (path: string, results: ReadonlyArray<Contest.Result>) => {
  const ofPath = results.filter((one) => one.path === path)
  const ours = ofPath[0]?.rounds ?? []
  return ofPath.map(({ name, rounds }) => {
    const own = (figure: keyof Contest.Figures) => Page.rounded(Contest.medianOf(rounds, figure))
    const bare = results.find((one) => one.name === name && one.path === "/bare")?.rounds ?? []
    const { least, median, most } = Contest.ratioOf(ours, rounds, "perSecond")
    return [
      name,
      Math.round(own("perSecond")),
      `${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`,
      own("cpuMicros"),
      Math.round(own("cpuMicros") - Contest.medianOf(bare, "cpuMicros")),
      own("databaseMicros"),
      own("statements"),
      own("rowWrites"),
      own("medianMillis"),
      own("p99Millis")
    ]
  })
}

const libraryVersions = () => `${libraries.map(versionOf).join(", ")}.`

const textOf = async (
  section: string,
  store: Contest.Store,
  results: ReadonlyArray<Contest.Result>
): Promise<string> => {
  const plot = await Page.picture(`${section}-${store}`, {
    title: `Requests a second: ${Contest.titles[store]}`,
    kind: "bars",
    x: "server",
    y: "requests/s",
    points: results
      // Beside the routes with a session it would only make them small.
      .filter(({ path }) => path !== "/bare" || store === "memory")
      .map(({ name, path, rounds }) => ({
        x: name,
        y: Math.round(Contest.medianOf(rounds, "perSecond")),
        series: name,
        panel: path
      }))
  })
  const routes = paths.flatMap((path) => [`\`${path}\``, Page.table(head, rowsOf(path, results))])
  const resident = new Map(results.map((one) => [one.name, Math.round(one.resident / 2 ** 20)]))
  const memory = Page.table(["server", "resident memory, MiB"], [...resident])
  return [`### ${Contest.titles[store]}`, plot, ...routes, memory].join("\n\n")
}

/** Tables of some contestants, one point for each store. */
export const tables = (
  name: string,
  wanted: (one: Contest.Contestant) => boolean
): Curve<ReadonlyArray<Contest.Result>> => {
  const all = Contest.contestants().filter(wanted)
  return {
    name,
    keys: () => Contest.stores.filter((store) => all.some((one) => one.store === store)),
    measure: async (key, { rounds, seconds }) => {
      const some = all.filter(({ store }) => store === key)
      const [first] = some
      if (first === undefined) throw new Error(`Nobody keeps sessions in ${key}.`)
      const place = await Contest.openPlace(first.store)
      try {
        return await Contest.contest(some, place, { connections: 64, paths, rounds, seconds })
      } finally {
        await place.stop()
      }
    },
    show: async (points) => {
      const texts: Array<string> = [libraryVersions()]
      for (const [store, results] of points) {
        // The keys are stores.
        texts.push(await textOf(name, store as Contest.Store, results))
      }
      return texts.join("\n\n")
    }
  }
}

export const peers = () => tables("peers", () => true)
