/**
 * Where a server spends a request, by the kernel's clock: `npx tsx bench/profile.ts`. With the name of a server and a route behind
 * it, `"effect-session, PostgreSQL" /write`, it prints that one by functions. Needs `perf`, so Linux, as root.
 *
 * V8's own profiler asks from a thread of the same process. Where all cores are busy, that thread runs when the server is in the
 * kernel, so it sees little else. Here each sample belongs to the nearest function of JavaScript above it, with the parts of the
 * engine that this function calls.
 *
 * Without a name it writes a table into docs/benchmark.md.
 */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Contest from "./support/contest.js"
import * as Load from "./support/load.js"
import * as Page from "./support/page.js"

const connections = 64
const warmUpSeconds = 6
const seconds = 4

/** A sample: the functions on the stack, the innermost first. */
type Stack = ReadonlyArray<string>

interface Profile {
  readonly stacks: ReadonlyArray<Stack>
  /** CPU of a request, of all threads of the server. */
  readonly cpuMicros: number
}

const parts = {
  kernel: "the kernel",
  garbage: "garbage",
  engine: "engine, parser",
  node: "Node",
  platform: "Effect's HTTP",
  effect: "Effect",
  library: "this library",
  driver: "database client"
}
type Part = keyof typeof parts

const isJavaScript = (frame: string): boolean => /^(?:JS:|RegExp:)/.test(frame)

/** Where the code of a function is, the first that fits. */
const places: ReadonlyArray<readonly [RegExp, Part]> = [
  [/^(?!.*node_modules).*\/dist\/|node_modules\/effect-session\//, "library"],
  [/@effect\/sql|node_modules\/(?:pg|@redis|mysql2|better-sqlite3)/, "driver"],
  [/@effect\/platform|effect\/dist\/http\//, "platform"],
  [/node_modules\/effect\//, "effect"]
]

const partOf = (stack: Stack): Part => {
  if (stack.some((frame) => /Scaveng|MarkCompact|Marking|Sweep|Evacuat/.test(frame))) {
    return "garbage"
  }
  if (stack.some((frame) => /^(?:entry_SYSCALL|do_syscall|asm_)/.test(frame))) return "kernel"
  const nearest = stack.find(isJavaScript)
  if (nearest === undefined) return "engine"
  return places.find(([place]) => place.test(nearest))?.[1] ?? "node"
}

/** Counts samples, as microseconds of a request. */
const sumBy = ({ cpuMicros, stacks }: Profile, key: (stack: Stack) => string) => {
  const sums = new Map<string, number>()
  const each = cpuMicros / stacks.length
  for (const stack of stacks) sums.set(key(stack), (sums.get(key(stack)) ?? 0) + each)
  return [...sums].sort(([, a], [, b]) => b - a)
}

const stacksOf = (file: string): ReadonlyArray<Stack> =>
  execFileSync("perf", ["script", "-i", file, "-F", "ip,sym"], {
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    stdio: ["ignore", "pipe", "ignore"]
  })
    .split("\n\n")
    .map((sample) => sample.trim().split("\n"))
    .map((lines) => lines.map((line) => line.trim().replace(/^[0-9a-f]+ |\+0x\S+$/g, "")))
    .filter(([first]) => first !== "")

/** Records one route of a server under load. */
const record = async (name: string, path: string): Promise<Profile> => {
  const one = Contest.contestants().find((contestant) => contestant.name === name)
  if (one === undefined) throw new Error(`There is no server "${name}".`)
  const directory = mkdtempSync(join(tmpdir(), "effect-session-profile-"))
  const file = join(directory, "perf.data")
  const place = await Contest.openPlace(one.store)
  // What the engine writes beside the names of its functions goes with the directory.
  const log = ["--no-logfile-per-isolate", `--logfile=${join(directory, "engine.log")}`]
  const server = await Contest.startServer(one, place.env, ["--perf-basic-prof", ...log])
  try {
    const visitors = await Load.visitors(server.port, connections)
    await Load.run(visitors, path, warmUpSeconds)
    const perf = spawn(
      "perf",
      ["record", "-e", "cpu-clock", "-F", "1999", "-g", "-p", String(server.pid), "-o", file],
      { stdio: "ignore" }
    )
    await Promise.race([
      new Promise((resolve) => setTimeout(resolve, 1000)),
      once(perf, "exit").then(() => Promise.reject(new Error("perf does not run here.")))
    ])
    const figures = await Contest.measure(
      { name, visitors, used: server.used },
      path,
      place,
      seconds
    )
    perf.kill("SIGINT")
    await once(perf, "exit")
    for (const visitor of visitors) visitor.close()
    return { stacks: stacksOf(file), cpuMicros: figures.cpuMicros }
  } finally {
    await server.stop()
    await place.stop()
    rmSync(directory, { recursive: true })
    rmSync(join(tmpdir(), `perf-${server.pid}.map`), { force: true })
  }
}

/** Prints a server's route by parts, then by functions. */
const print = async (name: string, path: string): Promise<void> => {
  const profile = await record(name, path)
  const shown = (rows: ReadonlyArray<readonly [string, number]>) =>
    rows.map(([what, micros]) => `${micros.toFixed(2).padStart(8)} ${what}`).join("\n")
  console.log(`${name} ${path}: ${profile.cpuMicros.toFixed(1)} microseconds a request\n`)
  console.log(shown(sumBy(profile, (stack) => parts[partOf(stack)])), "\n")
  console.log(shown(sumBy(profile, (stack) => stack.find(isJavaScript) ?? "(none)").slice(0, 60)))
}

const servers = [
  "effect-session, memory",
  "effect-session, PostgreSQL",
  "effect-session for Effect 4, memory",
  "effect-session for Effect 4, PostgreSQL"
]
const paths = ["/bare", "/read", "/write", "/login"]

/** Writes the table of `servers` and `paths`. */
const write = async (): Promise<void> => {
  const rows: Array<ReadonlyArray<string | number>> = []
  for (const name of servers) {
    for (const path of paths) {
      const profile = await record(name, path)
      const sums = new Map(sumBy(profile, partOf))
      const own = (Object.keys(parts) as ReadonlyArray<Part>).map((part) =>
        Page.rounded(sums.get(part) ?? 0)
      )
      rows.push([name, path, Page.rounded(profile.cpuMicros), ...own])
      console.log(...(rows.at(-1) ?? []))
    }
  }
  const table = Page.table(["server", "route", "CPU, µs", ...Object.values(parts)], rows)
  Page.insert("profile", `${Page.machine()}.\n\n${table}`)
}

const [name, path] = process.argv.slice(2)
await (name === undefined ? write() : print(name, path ?? "/read"))
