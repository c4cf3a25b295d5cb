/** Requests over the size of the table, partitioned and not, each beside a table of 1,000 rows; and what a row takes. */
import * as Contest from "../support/contest.js"
import * as Fill from "../support/fill.js"
import * as Load from "../support/load.js"
import * as Page from "../support/page.js"
import { type Curve, ours, type Settings } from "./curve.js"

const small = 1000
const connections = 64

/** What is asked: `begin` is a write of a visitor without a session. */
const actions = { read: "/read", write: "/write", begin: "/write" } as const
type Action = keyof typeof actions

export interface Point {
  readonly rows: number
  readonly partitioned: boolean
  readonly small: Readonly<Record<Action, ReadonlyArray<Contest.Figures>>>
  readonly large: Readonly<Record<Action, ReadonlyArray<Contest.Figures>>>
  /** Bytes of a row, right after it was filled. */
  readonly heap: number
  readonly indexes: number
  readonly eachIndex: ReadonlyArray<readonly [string, number]>
  readonly hot: number
  readonly fillSeconds: number
}

const open = async (place: Contest.Place, rows: number, partitioned: boolean) => {
  const url = await Fill.newDatabase(place, `rows_${rows}`)
  if (partitioned) await Fill.partition(url)
  const server = await Contest.start(ours(), { DATABASE_URL: url }, connections)
  const began = performance.now()
  const cookies = await Fill.fill(url, rows)
  return { url, server, cookies, fillSeconds: (performance.now() - began) / 1000 }
}

const measure = async (rows: number, partitioned: boolean, settings: Settings): Promise<Point> => {
  const place = await Contest.openPlace("postgres")
  const tables: Array<Awaited<ReturnType<typeof open>>> = []
  try {
    tables.push(await open(place, small, false), await open(place, rows, partitioned))
    const [one, other] = tables
    if (one === undefined || other === undefined) throw new Error("There are two tables.")
    const sizes = await Fill.sizeOf(other.url)
    const eachIndex = partitioned ? [] : await Fill.indexesOf(other.url)
    const figures = tables.map(() => ({
      read: [] as Array<Contest.Figures>,
      write: [] as Array<Contest.Figures>,
      begin: [] as Array<Contest.Figures>
    }))
    const round = async (actionsOfRound: ReadonlyArray<Action>, isWarmUp: boolean) => {
      for (const action of actionsOfRound) {
        for (const [index, { cookies, server }] of tables.entries()) {
          const asked = action === "begin" ? [""] : cookies
          const path = actions[action]
          const seconds = isWarmUp ? Contest.warmUpSeconds : settings.seconds
          const found = await Contest.measure(server, path, place, seconds, asked)
          if (!isWarmUp) figures[index]?.[action].push(found)
        }
      }
    }
    // Sessions that begin make the tables larger, so they come last.
    for (const some of [["read", "write"], ["begin"]] as const) {
      for (let number = 0; number <= settings.rounds; number++) await round(some, number === 0)
    }
    const [smallFigures, largeFigures] = figures
    if (smallFigures === undefined || largeFigures === undefined) throw new Error("Two tables.")
    // A connection that ends reports its statistics.
    for (const { server } of tables) await server.stop()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    return {
      rows,
      partitioned,
      small: smallFigures,
      large: largeFigures,
      ...sizes,
      eachIndex,
      hot: await Fill.hotShare(other.url),
      fillSeconds: other.fillSeconds
    }
  } finally {
    for (const { server } of tables) await server.stop()
    await place.stop()
  }
}

/** CPU of the server and the database together. */
const costOf = (rounds: ReadonlyArray<Contest.Figures>) =>
  rounds.map(({ cpuMicros, databaseMicros }) => cpuMicros + databaseMicros)

const ratioOf = ({ large, small }: Point, action: Action): string => {
  const before = costOf(small[action])
  const ratios = costOf(large[action]).map((cost, round) => cost / (before[round] ?? Number.NaN))
  return `${Load.median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
}

const titleOf = (partitioned: boolean) => (partitioned ? "partitioned" : "one table")

export const rows: Curve<Point> = {
  name: "rows",
  keys: (settings) =>
    [10_000, 100_000, 1_000_000, 10_000_000]
      .filter((count) => count <= settings.rows)
      .flatMap((count) => [`${count}`, `${count} partitioned`]),
  measure: (key, settings) =>
    measure(Number(key.split(" ", 1)[0]), key.endsWith("partitioned"), settings),
  show: async (points) => {
    const all = points.map(([, point]) => point)
    const picture = await Page.picture("rows", {
      title: "CPU of a request over the rows of the table",
      kind: "lines",
      x: "rows",
      y: "CPU of server and database, µs",
      log: true,
      points: all.flatMap((point) =>
        (["read", "write", "begin"] as const).map((action) => ({
          x: point.rows,
          y: Load.median(costOf(point.large[action])),
          series: titleOf(point.partitioned),
          panel: action
        }))
      )
    })
    const head = ["rows", "table", "read", "write", "begin", "p99 of writes, ms"]
    const more = ["HOT updates", "bytes a row", "of its indexes", "rows filled a second"]
    const lines = all.map((point) => [
      point.rows,
      titleOf(point.partitioned),
      ...(["read", "write", "begin"] as const).map((action) => ratioOf(point, action)),
      Page.rounded(Contest.medianOf(point.large.write, "p99Millis")),
      `${(100 * point.hot).toFixed(1)} %`,
      Math.round(point.heap),
      Math.round(point.indexes),
      Math.round(point.rows / point.fillSeconds)
    ])
    return [
      picture,
      "CPU of server and database, compared with a table of 1,000 rows; `begin` is a write of a visitor without a session.",
      Page.table([...head, ...more], lines)
    ].join("\n\n")
  }
}
