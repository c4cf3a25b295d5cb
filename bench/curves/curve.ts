/** A curve of `npm run bench:full`: points that are measured one by one and kept, and a text made of them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import * as Contest from "../support/contest.js"
import * as Page from "../support/page.js"

export interface Settings {
  readonly rounds: number
  /** Seconds of a route in a round. */
  readonly seconds: number
  /** Rows of the largest table. */
  readonly rows: number
}

export interface Curve<A> {
  readonly name: string
  readonly keys: (settings: Settings) => ReadonlyArray<string>
  readonly measure: (key: string, settings: Settings) => Promise<A>
  /** Draws plots and gives Markdown. */
  readonly show: (points: ReadonlyArray<readonly [key: string, point: A]>) => Promise<string>
}

interface Kept<A> {
  readonly settings: Settings
  readonly machine: string
  /** Of the databases. */
  readonly versions: ReadonlyArray<string>
  readonly points: Record<string, A>
}

const directory = new URL("../results/", import.meta.url)

export const kept = <A>(name: string): Kept<A> | undefined => {
  try {
    return JSON.parse(readFileSync(new URL(`${name}.json`, directory), "utf8"))
  } catch {
    return undefined
  }
}

const keep = <A>(name: string, result: Kept<A>): void => {
  mkdirSync(directory, { recursive: true })
  writeFileSync(new URL(`${name}.json`, directory), JSON.stringify(result))
}

const sameHow = (a: Settings, b: Settings): boolean =>
  a.rounds === b.rounds && a.seconds === b.seconds

/** Measures the points that are not kept already under the same settings, and writes the pages. */
export const run = async <A>(
  curve: Curve<A>,
  settings: Settings,
  fresh: boolean
): Promise<void> => {
  const before = fresh ? undefined : kept<A>(curve.name)
  const goesOn = before !== undefined && sameHow(before.settings, settings)
  let result: Kept<A> = goesOn ? before : { settings, machine: "", versions: [], points: {} }
  const keys = curve.keys(settings)
  for (const key of keys) {
    if (key in result.points) continue
    const began = performance.now()
    const point = await curve.measure(key, settings)
    const versions = [...new Set([...result.versions, ...Contest.versions])]
    const machine = Page.machine(...versions)
    result = { settings, machine, versions, points: { ...result.points, [key]: point } }
    keep(curve.name, result)
    console.log(`${curve.name} ${key}: ${((performance.now() - began) / 1000).toFixed(0)} s`)
  }
  const points = keys.flatMap((key): ReadonlyArray<readonly [string, A]> => {
    const point = result.points[key]
    return point === undefined ? [] : [[key, point]]
  })
  const { rounds, seconds } = settings
  const how = `${result.machine}; medians of ${rounds} rounds of ${seconds} s.`
  const text = [how, await curve.show(points)].join("\n\n")
  Page.insert(curve.name, text)
  console.log(`\n${text}\n`)
}

/** The contestants on PostgreSQL that the curves compare: this library, and the quickest of the others. */
export const onPostgres = (): ReadonlyArray<Contest.Contestant> =>
  Contest.contestants().filter(({ main, store }) => main && store === "postgres")

/** This library on PostgreSQL. */
export const ours = (): Contest.Contestant => {
  const [first] = onPostgres()
  if (first === undefined) throw new Error("There is no contestant on PostgreSQL.")
  return first
}

/** A table and a plot of contestants over x, for each route. */
export const overX = async (
  name: string,
  label: string,
  points: ReadonlyArray<readonly [key: string, results: ReadonlyArray<Contest.Result>]>
): Promise<string> => {
  const all = points.flatMap(([key, results]) => {
    const ours = (path: string) => results.find((one) => one.path === path)?.rounds ?? []
    return results.map((one) => ({
      ...one,
      x: Number(key),
      ratio: Contest.ratioOf(ours(one.path), one.rounds, "perSecond")
    }))
  })
  const picture = await Page.picture(name, {
    title: `Requests a second over ${label}`,
    kind: "lines",
    x: label,
    y: "requests/s",
    log: true,
    points: all.map(({ name, path, rounds, x }) => ({
      x,
      y: Contest.medianOf(rounds, "perSecond"),
      series: name,
      panel: path
    }))
  })
  const rows = all.map(({ name, path, ratio, rounds, x }) => {
    const own = (figure: keyof Contest.Figures) => Page.rounded(Contest.medianOf(rounds, figure))
    return [
      path,
      x,
      name,
      Math.round(own("perSecond")),
      `${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)})`,
      own("cpuMicros"),
      own("databaseMicros"),
      own("statements"),
      own("medianMillis"),
      own("p99Millis")
    ]
  })
  rows.sort(([a = ""], [b = ""]) => String(a).localeCompare(String(b)))
  const head = ["route", label, "server", "requests/s", "this library to it", "CPU, µs"]
  const more = ["database CPU, µs", "statements", "p50, ms", "p99, ms"]
  return [picture, Page.table([...head, ...more], rows)].join("\n\n")
}
