/**
 * What a session costs here and in other libraries, in one interleaved run: `tsx bench/peers.ts`, with the names of stores behind
 * it (`memory`, `files`, `postgres`, `redis`; default all). It needs `npm run build` here and `npm install` in `bench/peers`.
 *
 * Every contestant is a server of its own (`bench/peers/servers.mjs`). All are asked in turn in every round, so that each sees
 * the same machine. The figures are medians of the rounds. Each ratio is taken within its round and compares with the first
 * server of the same store, which is this library. Absolute figures depend on the machine.
 */
import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Database from "./support/database.js"
import * as Load from "./support/load.js"

const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
const seconds = Number(process.env.BENCH_SECONDS ?? 1)
const connections = Number(process.env.BENCH_CONNECTIONS ?? 64)
const routes = ["/bare", "/read", "/write", "/login"]

/** Every contestant and its store, in the order of `servers.mjs`. */
const all = new Map<string, string>(
  JSON.parse(
    execFileSync(process.execPath, [
      "--input-type=module",
      "-e",
      `import { contestants } from ${JSON.stringify(new URL("./peers/servers.mjs", import.meta.url).href)}
       console.log(JSON.stringify(Object.entries(contestants).map(([name, [store]]) => [name, store])))
       process.exit(0)`
    ]).toString()
  )
)

interface Answer {
  readonly port: number
  readonly cpuMicros: number
  readonly rss: number
}

/** A server under way. */
interface Contestant {
  readonly name: string
  readonly visitors: ReadonlyArray<Load.Visitor>
  readonly used: () => Promise<Answer>
  readonly stop: () => Promise<void>
}

/** What one round shows of one route of one server. */
interface Figures {
  readonly perSecond: number
  readonly cpuMicros: number
  readonly databaseMicros: number
  readonly medianMillis: number
  readonly p99Millis: number
}

const script = fileURLToPath(new URL("./peers/servers.mjs", import.meta.url))

const messageOf = (child: ChildProcess): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const stopped = () => reject(new Error("The server stopped."))
    child.once("exit", stopped)
    child.once("message", (answer: Answer) => {
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

const start = async (name: string, env: Record<string, string>): Promise<Contestant> => {
  const child = fork(script, [name], { execArgv: [], env: { ...process.env, ...env } })
  const { port } = await messageOf(child)
  await opened(port)
  return {
    name,
    visitors: await Load.visitors(port, connections),
    used: () => {
      const answer = messageOf(child)
      child.send("used")
      return answer
    },
    stop: async () => {
      child.kill("SIGKILL")
      await once(child, "exit")
    }
  }
}

const measure = async (
  one: Contestant,
  path: string,
  databaseMicros: () => number
): Promise<Figures> => {
  const [cpu, database] = [(await one.used()).cpuMicros, databaseMicros()]
  const { failures, latencies, requests, ...took } = await Load.run(one.visitors, path, seconds)
  if (failures > 0) throw new Error(`${one.name}: ${failures} requests of ${path} failed.`)
  if (one.visitors.some(({ cookie }) => cookie.endsWith("="))) {
    throw new Error(`${one.name}: ${path} has lost a session.`)
  }
  return {
    perSecond: requests / took.seconds,
    cpuMicros: ((await one.used()).cpuMicros - cpu) / requests,
    databaseMicros: (databaseMicros() - database) / requests,
    medianMillis: Load.quantile(latencies, 0.5),
    p99Millis: Load.quantile(latencies, 0.99)
  }
}

/** Measures all servers of a store in turn, and prints a table for each route. */
const compare = async (
  servers: ReadonlyArray<Contestant>,
  databaseMicros: () => number
): Promise<void> => {
  const results = new Map<string, Array<Figures>>()
  for (let round = 0; round <= rounds; round++) {
    for (const path of routes) {
      for (const one of servers) {
        const figures = await measure(one, path, databaseMicros)
        // The first round warms up.
        if (round > 0)
          results.set(path + one.name, [...(results.get(path + one.name) ?? []), figures])
      }
    }
  }
  for (const path of routes) {
    console.log(`\n\`${path}\`\n`)
    console.log(
      "| server | requests/s | this library to it | CPU, µs | CPU over its `/bare`, µs | CPU of the database, µs | p50, ms | p99, ms |"
    )
    console.log("|---|---|---|---|---|---|---|---|")
    for (const { name } of servers) console.log(lineOf(path, name, servers[0]?.name ?? "", results))
  }
  console.log("\n| server | resident memory, MiB |\n|---|---|")
  for (const one of servers) {
    console.log(`| ${one.name} | ${((await one.used()).rss / 1024 / 1024).toFixed(0)} |`)
  }
}

const lineOf = (
  path: string,
  name: string,
  ours: string,
  results: ReadonlyMap<string, ReadonlyArray<Figures>>
): string => {
  const own = results.get(path + name) ?? []
  const bare = results.get(`/bare${name}`) ?? []
  const first = results.get(path + ours) ?? []
  const of = (value: (figures: Figures, round: number) => number, digits = 0) =>
    Load.median(own.map(value)).toFixed(digits)
  return `| ${[
    name,
    of(({ perSecond }) => perSecond),
    of(({ perSecond }, round) => (first[round]?.perSecond ?? Number.NaN) / perSecond, 2),
    of(({ cpuMicros }) => cpuMicros),
    of(({ cpuMicros }, round) => cpuMicros - (bare[round]?.cpuMicros ?? Number.NaN)),
    of(({ databaseMicros }) => databaseMicros),
    of(({ medianMillis }) => medianMillis, 1),
    of(({ p99Millis }) => p99Millis, 1)
  ].join(" | ")} |`
}

/** Where sessions are kept: what the servers are told, and the CPU that it uses beside them. */
interface Place {
  readonly env: Record<string, string>
  readonly cpuMicros: () => number
  readonly stop: () => Promise<void>
}

const nowhere = async (): Promise<Place> => {
  const directory = mkdtempSync(join(tmpdir(), "effect-session-bench-"))
  return {
    env: { DIRECTORY: directory },
    cpuMicros: () => Number.NaN,
    stop: async () => rmSync(directory, { recursive: true, force: true })
  }
}

const postgres = async (): Promise<Place> => {
  const { cpuMicros, stop, url } = await Database.start("postgres")
  return { env: { DATABASE_URL: url }, cpuMicros, stop }
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  return typeof address === "object" && address !== null ? address.port : 0
}

const redis = async (): Promise<Place> => {
  const port = await freePort()
  const child = spawn("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--save", ""], {
    stdio: ["ignore", "pipe", "ignore"]
  })
  for await (const chunk of child.stdout) if (String(chunk).includes("Ready to accept")) break
  return {
    env: { REDIS_URL: `redis://127.0.0.1:${port}` },
    cpuMicros: () => Database.cpuOf(child.pid ?? 0),
    stop: async () => {
      child.kill("SIGTERM")
      if (child.exitCode === null) await once(child, "exit")
    }
  }
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  memory: nowhere,
  files: nowhere,
  postgres,
  redis
}

const main = async () => {
  if (!existsSync(new URL("../dist/index.js", import.meta.url)))
    throw new Error("Run `npm run build`.")
  const versionOf = (name: string) =>
    JSON.parse(
      readFileSync(new URL(`./peers/node_modules/${name}/package.json`, import.meta.url), "utf8")
    ).version
  const day = new Date().toISOString().slice(0, 10)
  const names = [
    "@fastify/session",
    "express-session",
    "hono-sessions",
    "iron-session",
    "@adonisjs/session"
  ]
  console.log(
    `${day}, Node ${process.version}, ${cpus().length} cores of ${cpus()[0]?.model ?? "an unknown processor"}; ${connections} connections, medians of ${rounds} rounds of ${seconds} s.\n\n${names.map((name) => `${name} ${versionOf(name)}`).join(", ")}.`
  )
  const wanted = process.argv.slice(2)
  for (const [store, open] of Object.entries(places)) {
    if (wanted.length > 0 && !wanted.includes(store)) continue
    console.log(`\n### ${store}`)
    const place = await open()
    const servers: Array<Contestant> = []
    try {
      for (const [name, itsStore] of all) {
        if (itsStore === store) servers.push(await start(name, place.env))
      }
      await compare(servers, place.cpuMicros)
    } finally {
      for (const one of servers) await one.stop()
      await place.stop()
    }
  }
}

await main()
