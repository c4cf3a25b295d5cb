/**
 * Keeps one server busy for minutes and looks whether anything grows: `npm run soak -- --minutes 10 --store memory`
 * (`memory`, `files`, `postgres`, `mariadb` or `sqlite`).
 *
 * Visitors come, write, log in and out, change their ids, leave without a word, or go away in the middle of a request;
 * sessions expire after 30 seconds and are collected every ten. The server's heap is limited, as in a small container:
 * an engine with gigabytes to spare lets minutes of garbage lie, which tells nothing. Nothing else makes it collect.
 *
 * The figures go to `bench/results/soak-*.csv`, with a plot beside it; the slopes after the first two minutes are
 * printed. Ends with 1 when a request failed, or something grows by more than its limit a minute.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import type { Figures } from "./soakServer.js"
import * as Database from "./support/database.js"
import { type Visitor, visitor } from "./support/load.js"
import { plot } from "./support/plot.js"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    store: { type: "string", default: "memory" },
    rate: { type: "string", default: "200" }
  }
})
/** What may grow by how much a minute. */
const limits: ReadonlyMap<string, number> = new Map([
  ["residentMb", 1],
  ["handles", 1],
  ["fibers", 5],
  ["busy", 1],
  ["storedMb", 0.1]
])

const minutes = Number(values.minutes)
/** Requests a second. */
const rate = Number(values.rate)
const warmUpSeconds = Math.min(120, (minutes * 60) / 3)
const visitorCount = 40
const sampleMillis = 5000
/** How large the old part of the server's heap may become; about 70 MB of it are code. */
const maxHeapMb = 160

const columns = [
  "second",
  "residentMb",
  "heapMb",
  "handles",
  "fibers",
  "busy",
  "loopDelayMillis",
  "sessions",
  "over",
  "rows",
  "storedMb"
] as const satisfies ReadonlyArray<"second" | keyof Figures>

interface Place {
  readonly place: string
  readonly stop: () => Promise<void>
}

const openPlace = async (store: string): Promise<Place> => {
  if (store === "memory") return { place: "", stop: async () => {} }
  if (store === "files") {
    const place = mkdtempSync(join(tmpdir(), "effect-session-soak-"))
    return { place, stop: async () => rmSync(place, { recursive: true, force: true }) }
  }
  // The rest are databases; another name fails there.
  const database = await Database.start(store as Database.Name)
  return { place: database.url, stop: database.stop }
}

const startServer = async (place: string) => {
  const child = fork(fileURLToPath(new URL("./soakServer.ts", import.meta.url)), [], {
    execArgv: [`--max-old-space-size=${maxHeapMb}`, ...process.execArgv],
    env: { ...process.env, SOAK_STORE: values.store, SOAK_PLACE: place }
  })
  const [{ port }] = await once(child, "message")
  return {
    port: Number(port),
    figures: async (): Promise<Figures> => {
      const answer = once(child, "message")
      child.send("figures")
      return (await answer)[0]
    },
    /** Gives the exit code of an end in order. */
    stop: async (): Promise<number | null> => {
      const exit = once(child, "exit")
      child.kill("SIGTERM")
      return (await exit)[0]
    }
  }
}

/** Of a hundred steps of a visitor, how many are of which kind; `leave` forgets the cookie. */
const steps: ReadonlyArray<readonly [string, number]> = [
  ["/visit", 45],
  ["/read", 25],
  ["/login", 8],
  ["/flash", 7],
  ["/regenerate", 5],
  ["/logout", 4],
  ["leave", 5],
  ["abort", 1]
]

const nextStep = (): string => {
  let percent = Math.random() * 100
  for (const [step, weight] of steps) {
    percent -= weight
    if (percent < 0) return step
  }
  return "/visit"
}

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** A request whose client goes away while it is being answered. */
const abort = async (port: number, cookie: string): Promise<void> => {
  const socket = connect(port, "127.0.0.1").on("error", () => {})
  socket.write(`GET /visit HTTP/1.1\r\nhost: localhost\r\ncookie: ${cookie}\r\n\r\n`)
  await pause(Math.random() * 5)
  socket.destroy()
}

/** A store that is too slow for two seconds is refused with 503; every other answer than 200 is a failure. */
const counts = { requests: 0, refused: 0, failures: 0 }

const visit = async (port: number, one: Visitor, endMillis: number): Promise<void> => {
  const gapMillis = (1000 * visitorCount) / rate
  while (performance.now() < endMillis) {
    await pause(gapMillis * (0.5 + Math.random()))
    const step = nextStep()
    if (step === "leave") one.cookie = ""
    else if (step === "abort") await abort(port, one.cookie)
    else {
      counts.requests += 1
      const status = await one.send(step)
      if (status === 503) counts.refused += 1
      else if (status !== 200) counts.failures += 1
    }
  }
}

const watch = async (look: () => Promise<Figures>, endMillis: number) => {
  const began = performance.now()
  const rows: Array<ReadonlyArray<number>> = []
  while (performance.now() < endMillis) {
    await pause(sampleMillis)
    const figures = await look()
    const second = (performance.now() - began) / 1000
    // What has no number comes as `null` between processes.
    rows.push(
      columns.map((column) => (column === "second" ? second : (figures[column] ?? Number.NaN)))
    )
  }
  return rows
}

/** The slope of the best straight line through a column after the warm-up, a minute. */
const slopeOf = (rows: ReadonlyArray<ReadonlyArray<number>>, column: number): number => {
  const points = rows
    .map((row) => [(row[0] ?? 0) / 60, row[column] ?? Number.NaN] as const)
    .filter(([minute, value]) => minute * 60 >= warmUpSeconds && Number.isFinite(value))
  const mean = (numbers: ReadonlyArray<number>) =>
    numbers.reduce((sum, number) => sum + number, 0) / numbers.length
  const x = mean(points.map(([minute]) => minute))
  const y = mean(points.map(([, value]) => value))
  const covariance = mean(points.map(([minute, value]) => (minute - x) * (value - y)))
  return covariance / mean(points.map(([minute]) => (minute - x) ** 2))
}

/** Writes what was seen; gives the names of what has grown. */
const report = (rows: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<string> => {
  const directory = fileURLToPath(new URL("./results/", import.meta.url))
  const name = join(directory, `soak-${values.store}`)
  mkdirSync(directory, { recursive: true })
  const lines = [columns, ...rows.map((row) => row.map((value) => Number(value.toFixed(2))))]
  writeFileSync(`${name}.csv`, `${lines.map((line) => line.join(",")).join("\n")}\n`)
  const title = `${values.store}, ${minutes} minutes, ${counts.requests} requests`
  writeFileSync(`${name}.svg`, plot(title, columns, rows))
  console.log(
    `${title}, ${counts.refused} refused, ${counts.failures} failed; figures and plot in ${name}.*`
  )
  console.log(`a minute, after the first ${warmUpSeconds} seconds:`)
  return columns.filter((column, index) => {
    if (column === "second") return false
    const slope = slopeOf(rows, index)
    const last = rows.at(-1)?.[index] ?? Number.NaN
    console.log(
      `${column.padEnd(16)} ${slope.toFixed(3).padStart(10)}   at the end ${last.toFixed(1)}`
    )
    return slope >= (limits.get(column) ?? Number.POSITIVE_INFINITY)
  })
}

const { place, stop } = await openPlace(values.store)
let isSteady = false
try {
  const server = await startServer(place)
  const endMillis = performance.now() + minutes * 60_000
  const visitors = await Promise.all(
    Array.from({ length: visitorCount }, () => visitor(server.port))
  )
  const [rows] = await Promise.all([
    watch(server.figures, endMillis),
    ...visitors.map((one) => visit(server.port, one, endMillis))
  ])
  for (const one of visitors) one.close()
  const grown = report(rows)
  if (grown.length > 0) console.error(`Grown too much: ${grown.join(", ")}.`)
  const code = await server.stop()
  if (code !== 0) console.error(`The server ended with ${code}.`)
  isSteady = grown.length === 0 && code === 0 && counts.failures === 0
} finally {
  await stop()
}
// Said outright: the database's package sets an exit code of its own otherwise.
process.exit(isSteady ? 0 : 1)
