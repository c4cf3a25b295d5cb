/** Starts and stops several server processes on one database, behind one proxy. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { makeProxy } from "./proxy.js"

/** A running cluster. */
export interface Cluster {
  /** The address of the proxy. */
  readonly url: string
  /** Kills one of the servers without warning. */
  readonly kill: (name: string) => Promise<void>
  readonly stop: () => Promise<void>
}

const program = fileURLToPath(new URL("server.ts", import.meta.url))

/** Starts one server for each name, and the proxy on `port` (0 takes any free port). */
export const startCluster = async (options: {
  readonly databaseUrl: string
  readonly names: ReadonlyArray<string>
  readonly port: number
}): Promise<Cluster> => {
  const ports = await Promise.all(options.names.map(freePort))
  // First of all, because its port may be taken.
  const proxy = makeProxy(ports).listen(options.port, "127.0.0.1")
  await once(proxy, "listening")
  const servers = new Map<string, ChildProcess>()
  for (const [index, name] of options.names.entries()) {
    servers.set(
      name,
      spawn(process.execPath, ["--import", "tsx", program], {
        env: {
          ...process.env,
          PORT: String(ports[index]),
          SERVER_NAME: name,
          DATABASE_URL: options.databaseUrl
        },
        stdio: ["ignore", "ignore", "inherit"]
      })
    )
  }
  await Promise.all(ports.map(answers))
  return {
    // A listening server has an address and a port.
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    kill: (name) => end(servers.get(name), "SIGKILL"),
    stop: async () => {
      proxy.close()
      await Promise.all(Array.from(servers.values(), (server) => end(server, "SIGTERM")))
    }
  }
}

const end = async (server: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> => {
  if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
  const ended = once(server, "exit")
  server.kill(signal)
  await ended
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

const answers = async (port: number): Promise<void> => {
  for (let tries = 600; tries > 0; tries--) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      ({ ok }) => ok,
      () => false
    )
    if (answered) return
    await new Promise((resume) => setTimeout(resume, 100))
  }
  throw new Error("A server of the example did not start.")
}
