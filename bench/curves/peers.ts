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

/** What the others are compared with: this library, and its edition for Effect 4 where it takes part. */
const leadersOf = (results: ReadonlyArray<Contest.Result>) =>
  results.filter(({ name }, index) => index === 0 || name.startsWith("effect-session for Effect 4"))

const tableOf = (path: string, results: ReadonlyArray<Contest.Result>): string => {
  const ofPath = results.filter((one) => one.path === path)
  const leaders = leadersOf(ofPath)
  const rows = ofPath.map(({ name, rounds }) => {
    const own = (figure: keyof Contest.Figures) => Page.rounded(Contest.medianOf(rounds, figure))
    const bare = results.find((one) => one.name === name && one.path === "/bare")?.rounds ?? []
    const over = own("cpuMicros") - Contest.medianOf(bare, "cpuMicros")
    const factor = Contest.ratioOf(rounds, bare, "cpuMicros").median
    return [
      name,
      Math.round(own("perSecond")),
      ...leaders.map((leader) => {
        const { least, median, most } = Contest.ratioOf(leader.rounds, rounds, "perSecond")
        return `${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`
      }),
      own("cpuMicros"),
      path === "/bare" ? "" : `${Math.round(over)} (${factor.toFixed(2)}x)`,
      own("databaseMicros"),
      own("statements"),
      own("rowWrites"),
      own("medianMillis"),
      own("p99Millis")
    ]
  })
  const ratios = ["this library to it", "its edition for Effect 4 to it"].slice(0, leaders.length)
  const cpu = ["CPU, µs", "CPU over its `/bare`, µs", "database CPU, µs"]
  const more = ["statements", "rows written", "p50, ms", "p99, ms"]
  return Page.table(["server", "requests/s", ...ratios, ...cpu, ...more], rows)
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
  const routes = paths.flatMap((path) => [`\`${path}\``, tableOf(path, results)])
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
