/**
 * What a session costs here and in other libraries, in one interleaved run: `npm run bench`. Names of stores behind it (`memory`,
 * `files`, `sqlite`, `postgres`, `mariadb`, `redis`) choose; `--all` takes every contestant instead of those of the main table,
 * and `--rounds`, `--seconds` and `--connections` say how long.
 *
 * Every contestant is a server of its own (`bench/peers/servers.mjs`, `bench/effect4/servers.mjs`). All are asked in turn in every
 * round, so that each sees the same machine. The figures are medians of the rounds. Each ratio is taken within its round and
 * compares with the first server of the same store, which is this library. Absolute figures depend on the machine.
 *
 * Prints the tables, and writes them with plots into docs/benchmark.md.
 */
import { cpSync, existsSync, readFileSync, rmSync } from "node:fs"
import { parseArgs } from "node:util"
import * as Contest from "./support/contest.js"
import * as Page from "./support/page.js"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    connections: { type: "string", default: "64" }
  }
})
const connections = Number(values.connections)
const rounds = Number(values.rounds ?? (values.all ? 5 : 3))
const seconds = Number(values.seconds ?? (values.all ? 1 : 0.3))
const paths = ["/bare", "/read", "/write", "/login", "/flash"]
const section = values.all ? "peers" : "main"

const here = (path: string) => new URL(path, import.meta.url)

/** The edition for Effect 4 is measured as its package holds it. */
const installEdition = () => {
  const [from, to] = [
    here("../editions/effect4/out/package/"),
    here("effect4/node_modules/effect-session/")
  ]
  rmSync(to, { recursive: true, force: true })
  if (!existsSync(new URL("dist/index.js", from))) {
    return console.log("Without the edition for Effect 4: `npm run effect4` has not built it.\n")
  }
  for (const part of ["dist", "package.json"]) {
    cpSync(new URL(part, from), new URL(part, to), { recursive: true })
  }
}

const versionOf = (name: string): string => {
  const file = here(`./peers/node_modules/${name}/package.json`)
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

const textOf = async (
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
  const tables = paths.flatMap((path) => [`\`${path}\``, Page.table(head, rowsOf(path, results))])
  const resident = new Map(results.map((one) => [one.name, Math.round(one.resident / 2 ** 20)]))
  const memory = Page.table(["server", "resident memory, MiB"], [...resident])
  return [`### ${Contest.titles[store]}`, plot, ...tables, memory].join("\n\n")
}

const main = async () => {
  if (!existsSync(here("../dist/index.js"))) throw new Error("Run `npm run build`.")
  installEdition()
  const all = Contest.contestants().filter((one) => values.all || one.main)
  const texts: Array<string> = []
  const versions: Array<string> = []
  for (const store of Contest.stores) {
    const some = all.filter((one) => one.store === store)
    if (some.length === 0 || (positionals.length > 0 && !positionals.includes(store))) continue
    const place = await Contest.openPlace(store)
    try {
      const results = await Contest.contest(some, place, { connections, paths, rounds, seconds })
      texts.push(await textOf(store, results))
      if (store !== "memory" && store !== "files") versions.push(place.version)
      console.log(`${texts.at(-1)}\n`)
    } finally {
      await place.stop()
    }
  }
  const how = `${Page.machine(...versions)}; ${connections} connections, medians of ${rounds} rounds of ${seconds} s, ratios within a round with the least and the most. ${libraries.map(versionOf).join(", ")}.`
  console.log(how)
  Page.insert(section, [how, ...texts].join("\n\n"))
}

await main()
