/** Servers that are measured beside each other: started, asked in turn, and what came out in numbers. */
import { type ChildProcess, execFileSync, fork } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Database from "./database.js"
import * as Load from "./load.js"

/** What `bench/peers/servers.mjs` and `bench/effect4/servers.mjs` say of a server of theirs. */
export interface Contestant {
  readonly name: string
  readonly store: Store
  readonly main?: boolean
  readonly routes: ReadonlyArray<string>
  readonly script: string
}

/** What one round shows of one route of one server; everything but the first and the last two is of one request. */
export interface Figures {
  readonly perSecond: number
  readonly cpuMicros: number
  readonly databaseMicros: number
  readonly statements: number
  readonly rowWrites: number
  readonly logBytes: number
  readonly medianMillis: number
  readonly p99Millis: number
}

/** The rounds of one route of one server. */
export interface Result {
  readonly name: string
  readonly path: string
  readonly rounds: ReadonlyArray<Figures>
  /** Bytes that the server held at the end of all rounds. */
  readonly resident: number
}

export interface Server {
  readonly port: number
  readonly pid: number | undefined
  readonly used: () => Promise<{ readonly cpuMicros: number; readonly rss: number }>
  readonly stop: () => Promise<void>
}

export interface Running {
  readonly name: string
  readonly port: number
  readonly routes: ReadonlyArray<string>
  readonly visitors: ReadonlyArray<Load.Visitor>
  readonly used: Server["used"]
  readonly stop: () => Promise<void>
}

// ---------------------------------------------------------------------------------------------------------------------
// places for sessions
// ---------------------------------------------------------------------------------------------------------------------

export const stores = ["memory", "files", "sqlite", "postgres", "mariadb", "redis"] as const
export type Store = (typeof stores)[number]

export const titles: Readonly<Record<Store, string>> = {
  memory: "Memory",
  files: "Files",
  sqlite: "SQLite",
  postgres: "PostgreSQL",
  mariadb: "MariaDB",
  redis: "Redis"
}

/** Where sessions are kept: what the servers are told of it, and what it does meanwhile. */
export interface Place {
  readonly env: Record<string, string>
  readonly cpuMicros: () => number
  readonly counts: () => Promise<Database.Counts>
  readonly stop: () => Promise<void>
}

/** Of the databases that were opened. */
export const versions = new Set<string>()

const inThisHost = (): Place => {
  const directory = mkdtempSync(join(tmpdir(), "effect-session-bench-"))
  return {
    env: { DIRECTORY: directory },
    cpuMicros: () => Number.NaN,
    counts: async () => Database.uncounted,
    stop: async () => rmSync(directory, { recursive: true, force: true })
  }
}

export const openPlace = async (store: Store): Promise<Place> => {
  if (store === "memory" || store === "files") return inThisHost()
  const { url, version, ...database } = await Database.start(store)
  versions.add(version)
  return { ...database, env: { DATABASE_URL: url, REDIS_URL: url } }
}

// ---------------------------------------------------------------------------------------------------------------------
// servers
// ---------------------------------------------------------------------------------------------------------------------

const scripts = ["../peers/servers.mjs", "../effect4/servers.mjs"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url))
)

export const contestants = (): ReadonlyArray<Contestant> => {
  const [peers = "", effect4 = ""] = scripts
  for (const script of [peers, effect4]) {
    const modules = fileURLToPath(new URL("node_modules", new URL(`file://${script}`)))
    if (!existsSync(modules)) throw new Error(`Run \`npm run bench\`: there is no ${modules}.`)
  }
  return scripts.flatMap((script) => {
    const listed = execFileSync(process.execPath, [script], { encoding: "utf8" })
    return JSON.parse(listed).map((one: Omit<Contestant, "script">) => ({ ...one, script }))
  })
}

const messageOf = <A>(child: ChildProcess): Promise<A> =>
  new Promise((resolve, reject) => {
    const stopped = () => reject(new Error("The server stopped."))
    child.once("exit", stopped)
    child.once("message", (answer: A) => {
      child.off("exit", stopped)
      resolve(answer)
    })
  })

/** A server may listen before its store is open. */
const opened = async (port: number): Promise<void> => {
  while ((await fetch(`http://127.0.0.1:${port}/read`)).status === 503) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export const startServer = async (
  { name, script }: Pick<Contestant, "name" | "script">,
  env: Record<string, string>,
  execArgv: ReadonlyArray<string> = []
): Promise<Server> => {
  const child = fork(script, [name], { execArgv: [...execArgv], env: { ...process.env, ...env } })
  const { port } = await messageOf<{ readonly port: number }>(child)
  await opened(port)
  return {
    port,
    pid: child.pid,
    used: () => {
      const answer = messageOf<{ readonly cpuMicros: number; readonly rss: number }>(child)
      child.send("used")
      return answer
    },
    stop: async () => {
      // It may have been stopped already.
      if (child.kill("SIGKILL")) await once(child, "exit")
    }
  }
}

export const start = async (
  one: Contestant,
  env: Record<string, string>,
  connections: number
): Promise<Running> => {
  const server = await startServer(one, env)
  return { ...one, ...server, visitors: await Load.visitors(server.port, connections) }
}

// ---------------------------------------------------------------------------------------------------------------------
// rounds
// ---------------------------------------------------------------------------------------------------------------------

const lost = (cookies: string): boolean => cookies.split("; ").some((pair) => pair.endsWith("="))

export const measure = async (
  one: Pick<Running, "name" | "visitors" | "used">,
  path: string,
  place: Pick<Place, "cpuMicros" | "counts">,
  seconds: number,
  cookies: ReadonlyArray<string> = []
): Promise<Figures> => {
  const counts = await place.counts()
  const [cpu, database] = [(await one.used()).cpuMicros, place.cpuMicros()]
  const took = await Load.run(one.visitors, path, seconds, cookies)
  const [cpuAfter, databaseAfter] = [(await one.used()).cpuMicros, place.cpuMicros()]
  const countsAfter = await place.counts()
  if (took.failures > 0)
    throw new Error(`${one.name}: ${took.failures} requests of ${path} failed.`)
  if (one.visitors.some(({ cookie }) => lost(cookie))) {
    throw new Error(`${one.name}: ${path} has lost a session.`)
  }
  const each = (sum: number) => sum / took.requests
  return {
    perSecond: took.requests / took.seconds,
    cpuMicros: each(cpuAfter - cpu),
    databaseMicros: each(databaseAfter - database),
    statements: each(countsAfter.statements - counts.statements),
    rowWrites: each(countsAfter.rowWrites - counts.rowWrites),
    logBytes: each(countsAfter.logBytes - counts.logBytes),
    medianMillis: Load.quantile(took.latencies, 0.5),
    p99Millis: Load.quantile(took.latencies, 0.99)
  }
}

/**
 * How long a server is asked on each route before anything counts, and by how many. After less, an engine has not compiled what runs
 * most.
 */
export const warmUpSeconds = 3
const crowdSize = 64

/** Asks for a few visitors who would have to ask for minutes. */
const warmUp = async (
  servers: ReadonlyArray<Running>,
  paths: ReadonlyArray<string>
): Promise<void> => {
  for (const { port, routes, visitors } of servers) {
    if (visitors.length >= crowdSize) continue
    const crowd = await Load.visitors(port, crowdSize)
    for (const path of paths.filter((one) => routes.includes(one))) {
      await Load.run(crowd, path, warmUpSeconds, [])
    }
    for (const one of crowd) one.close()
  }
}

/** Asks all servers in turn in every round, so that each sees the same machine. The first round warms up. */
export const compare = async (
  servers: ReadonlyArray<Running>,
  place: Place,
  paths: ReadonlyArray<string>,
  rounds: number,
  seconds: number
): Promise<ReadonlyArray<Result>> => {
  await warmUp(servers, paths)
  const measured = new Map<string, Array<Figures>>()
  const pairs = servers.flatMap((one) =>
    one.routes.filter((path) => paths.includes(path)).map((path) => ({ one, path }))
  )
  // One route of all servers after the other.
  pairs.sort((a, b) => paths.indexOf(a.path) - paths.indexOf(b.path))
  for (let round = 0; round <= rounds; round++) {
    for (const { one, path } of pairs) {
      const figures = await measure(one, path, place, round === 0 ? warmUpSeconds : seconds)
      const key = `${path} ${one.name}`
      measured.set(key, round === 0 ? [] : [...(measured.get(key) ?? []), figures])
    }
  }
  const resident = new Map<string, number>()
  for (const one of servers) resident.set(one.name, (await one.used()).rss)
  return pairs.map(({ one, path }) => ({
    name: one.name,
    path,
    rounds: measured.get(`${path} ${one.name}`) ?? [],
    resident: resident.get(one.name) ?? Number.NaN
  }))
}

/** Starts the servers at one place, compares them and stops them. */
export const contest = async (
  some: ReadonlyArray<Contestant>,
  place: Place,
  options: {
    readonly connections: number
    readonly paths: ReadonlyArray<string>
    readonly rounds: number
    readonly seconds: number
    readonly env?: Record<string, string>
  }
): Promise<ReadonlyArray<Result>> => {
  const servers: Array<Running> = []
  try {
    for (const one of some) {
      servers.push(await start(one, { ...place.env, ...options.env }, options.connections))
    }
    return await compare(servers, place, options.paths, options.rounds, options.seconds)
  } finally {
    for (const one of servers) await one.stop()
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// what the rounds say
// ---------------------------------------------------------------------------------------------------------------------

export const medianOf = (rounds: ReadonlyArray<Figures>, figure: keyof Figures): number =>
  Load.median(rounds.map((round) => round[figure]))

/** The ratio within each round: its median, and the least and the most. */
export const ratioOf = (
  rounds: ReadonlyArray<Figures>,
  others: ReadonlyArray<Figures>,
  figure: keyof Figures
): { readonly median: number; readonly least: number; readonly most: number } => {
  const ratios = rounds.map(
    (round, index) => round[figure] / (others[index]?.[figure] ?? Number.NaN)
  )
  return { median: Load.median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}
