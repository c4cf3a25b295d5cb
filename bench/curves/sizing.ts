/** What docs/scaling.md works out from the measured curves. */
import * as Contest from "../support/contest.js"
import * as Load from "../support/load.js"
import * as Page from "../support/page.js"
import type { Point as Collection } from "./collection.js"
import { kept } from "./curve.js"
import type { Point as Rows } from "./rows.js"

/** What one session does, in its life. */
const life = { reads: 15, writes: 5, touches: 5, minutes: 130 }
const sizes = [10_000_000, 100_000_000]

/** What each store takes of the processors for one request. */
const matrix = (results: Readonly<Record<string, ReadonlyArray<Contest.Result>>>): string => {
  const rows = Object.values(results).flatMap((ofStore) => {
    const names = new Set(ofStore.map(({ name }) => name))
    return [...names]
      .filter((name) => /^effect-session, [^,]+$/.test(name))
      .map((name) => {
        const cell = (path: string) => {
          const own = ofStore.find((one) => one.name === name && one.path === path)?.rounds ?? []
          const bare =
            ofStore.find((one) => one.name === name && one.path === "/bare")?.rounds ?? []
          const server = Contest.medianOf(own, "cpuMicros") - Contest.medianOf(bare, "cpuMicros")
          const database = Contest.medianOf(own, "databaseMicros")
          return Number.isFinite(database)
            ? `${Math.round(server)} + ${Math.round(database)}`
            : `${Math.round(server)}`
        }
        const p99 = ofStore.find((one) => one.name === name && one.path === "/write")?.rounds ?? []
        return [
          name.replace("effect-session, ", ""),
          cell("/read"),
          cell("/write"),
          cell("/login"),
          Page.rounded(Contest.medianOf(p99, "p99Millis"))
        ]
      })
  })
  const head = ["store", "a read", "a write", "a login", "99 of 100 writes within, ms"]
  return Page.table(head, rows)
}

const each = (rounds: ReadonlyArray<Contest.Figures>, figure: keyof Contest.Figures) =>
  Load.median(rounds.map((round) => round[figure]))

/** What so many live sessions need, one column for each number. */
const sizing = (rows: Rows, collection: Collection): string => {
  const { begin, read, write } = rows.large
  const perSecond = (count: number, times: number) => (count * times) / (life.minutes * 60)
  const lines: ReadonlyArray<readonly [string, (count: number) => string]> = [
    ["sessions that begin a second", (count) => shown(perSecond(count, 1))],
    ["reads a second", (count) => shown(perSecond(count, life.reads))],
    [
      "writes a second, of them touches",
      (count) =>
        `${shown(perSecond(count, life.writes + life.touches))}, ${shown(perSecond(count, life.touches))}`
    ],
    ["the table", (count) => bytes(count * rows.heap)],
    ["its indexes", (count) => bytes(count * rows.indexes)],
    [
      "log (WAL) a second",
      (count) =>
        bytes(
          perSecond(
            count,
            each(begin, "logBytes") +
              (life.writes - 1 + life.touches) * each(write, "logBytes") +
              collection.alone.logBytes
          )
        )
    ],
    [
      "flushes of the log a second, where each write is alone",
      (count) => shown(perSecond(count, life.writes + life.touches))
    ],
    [
      "the same, where 64 at a time share statements",
      (count) =>
        shown(
          perSecond(
            count,
            each(begin, "statements") +
              (life.writes - 1 + life.touches) *
                Math.max(0, each(write, "statements") - each(read, "statements"))
          )
        )
    ],
    [
      "cores of the database, at 64 connections a server",
      (count) => shown(cores(count, "databaseMicros"))
    ],
    ["cores of the servers", (count) => shown(cores(count, "cpuMicros"))],
    ["rows to collect a second", (count) => shown(perSecond(count, 1))],
    [
      "rows that one collection takes a second, beside traffic",
      () => shown(collection.collected / (collection.ended - collection.began))
    ]
  ]
  const cores = (count: number, figure: "cpuMicros" | "databaseMicros") =>
    perSecond(
      count,
      life.reads * each(read, figure) +
        (life.writes - 1 + life.touches) * each(write, figure) +
        each(begin, figure)
    ) / 1e6
  const head = ["figure", ...sizes.map((count) => `${count / 1e6} million live sessions`)]
  return Page.table(
    head,
    lines.map(([title, of]) => [title, ...sizes.map(of)])
  )
}

const shown = (value: number): string => Page.rounded(value).toLocaleString("en")

const bytes = (value: number): string => {
  const [unit, factor] = value >= 1e9 ? ["GB", 1e9] : ["MB", 1e6]
  return `${shown(value / Number(factor))} ${unit}`
}

const indexes = ({ eachIndex }: Rows): string =>
  Page.table(
    ["index", "bytes a row"],
    eachIndex.map(([name, bytes]) => [name, Page.rounded(bytes)])
  )

/** Writes what there are figures for. */
export const writeSizing = (): void => {
  const peers = kept<ReadonlyArray<Contest.Result>>("peers")
  if (peers !== undefined) Page.insert("matrix", `${peers.machine}.\n\n${matrix(peers.points)}`)
  const rows = kept<Rows>("rows")
  const collection = kept<Collection>("collection")
  const largest = Object.values(rows?.points ?? {})
    .filter(({ partitioned }) => !partitioned)
    .sort((a, b) => b.rows - a.rows)[0]
  const last = Object.values(collection?.points ?? {}).at(-1)
  if (rows === undefined || largest === undefined) return
  Page.insert("indexes", `${rows.machine}.\n\n${indexes(largest)}`)
  if (last === undefined) return
  const how = `${rows.machine}. Worked out from a table of ${largest.rows.toLocaleString("en")} rows.`
  Page.insert("sizing", `${how}\n\n${sizing(largest, last)}`)
}
