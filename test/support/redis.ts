/** A Redis server of the tests, from the binary on PATH: its own port and directory. */
import { type ChildProcess, spawn } from "node:child_process"
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { createClient } from "redis"
import { endProcess, eventually, freePort, isOnPath, temporaryDirectory } from "./process.js"
import { isRequired } from "./required.js"

/** What starts the server: Redis, or Valkey where only that is installed. */
const binary = ["redis-server", "valkey-server"].find(isOnPath)

/** True where no Redis can be had; a skip that names it, unless it is required. */
export const lacksRedis = binary === undefined && !isRequired("redis")

export interface RedisServer {
  readonly url: string
  readonly host: "127.0.0.1"
  readonly port: number
  readonly directory: string
  /** Sends a command beside the store. */
  readonly run: (...args: ReadonlyArray<string>) => Promise<unknown>
  /** Ends the connections of others. */
  readonly disconnectAll: () => Promise<void>
  /** Stops the server in an orderly way, kills it, stops and continues it. */
  readonly stop: () => Promise<void>
  readonly stopNow: () => Promise<void>
  readonly signal: (signal: "SIGSTOP" | "SIGCONT") => void
  readonly start: () => Promise<void>
  readonly close: () => Promise<void>
}

type Settings = Readonly<Record<string, string>>

/** Starts a server that loses nothing it has acknowledged; settings are those of `redis.conf`. */
export const startRedis = async (settings: Settings = {}): Promise<RedisServer> => {
  const directory = await temporaryDirectory("redis")
  const port = await freePort()
  const durable = { appendonly: "yes", appendfsync: "always", save: "" }
  const flags = Object.entries({
    ...durable,
    bind: "127.0.0.1",
    port: String(port),
    dir: directory,
    // The tests may run where many servers do.
    "enable-debug-command": "local",
    ...settings
  }).flatMap(([name, value]) => [`--${name}`, value])
  const { requirepass: password } = settings
  const url = `redis://${password === undefined ? "" : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}/0`
  const run = (...args: ReadonlyArray<string>) => commandAt(url, args)
  let server = await launch(flags, run)
  const stop = () => endProcess(server, "SIGTERM")
  return {
    url,
    host: "127.0.0.1",
    port,
    directory,
    run,
    disconnectAll: async () => {
      await run("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    },
    stop,
    stopNow: () => endProcess(server, "SIGKILL"),
    signal: (signal) => {
      server.kill(signal)
    },
    start: async () => {
      server = await launch(flags, run)
    },
    close: async () => {
      server.kill("SIGCONT")
      await endProcess(server, "SIGKILL")
      await rm(directory, { recursive: true, force: true })
    }
  }
}

const launch = async (
  flags: ReadonlyArray<string>,
  run: RedisServer["run"]
): Promise<ChildProcess> => {
  const server = spawn(binary ?? "redis-server", flags, { stdio: "ignore" })
  await eventually(() => run("PING"))
  return server
}

export interface Sentinel {
  readonly port: number
  readonly close: () => Promise<void>
}

/** Starts a Sentinel, which is the same binary with a configuration file that it may write to, and lets it watch a master. */
export const startSentinel = async (
  name: string,
  masterPort: number,
  quorum: number,
  settings: Settings = {}
): Promise<Sentinel> => {
  const directory = await temporaryDirectory("sentinel")
  const port = await freePort()
  const file = join(directory, "sentinel.conf")
  const own = { port: String(port), bind: "127.0.0.1", dir: directory, ...settings }
  const lines = [
    ...Object.entries(own).map(([setting, value]) => `${setting} ${value}`),
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} ${quorum}`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 3000`,
    ""
  ]
  await writeFile(file, lines.join("\n"))
  const child = spawn(binary ?? "redis-server", [file, "--sentinel"], { stdio: "ignore" })
  await eventually(() => commandAt(`redis://127.0.0.1:${port}`, ["PING"]))
  return {
    port,
    close: async () => {
      await endProcess(child, "SIGKILL")
      await rm(directory, { recursive: true, force: true })
    }
  }
}

/** Sends one command over a connection of its own. */
export const commandAt = async (url: string, args: ReadonlyArray<string>): Promise<unknown> => {
  const client = createClient({ url, RESP: 2, socket: { reconnectStrategy: false } })
  client.on("error", () => {})
  await client.connect()
  try {
    return await client.sendCommand(args)
  } finally {
    client.destroy()
  }
}
