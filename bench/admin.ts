/**
 * What the calls of `SessionAdmin` cost, and how fast sessions are copied: `tsx bench/admin.ts`, with the names of stores
 * (memory, files, sqlite, postgres, mariadb; default all) and numbers of sessions (default 1000 and 10000) behind it.
 *
 * `BENCH_COPY=0` leaves out the copy. Writes the tables of docs/analytics.md: the time, and in parentheses the CPU time of this process and the database. Sessions are of one user in six, seen from up to three addresses, within a day; a
 * tenth of them are over.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { type Context, Duration, Effect, Layer, type Scope, Stream } from "effect"
import { makeToken, tokenId } from "../src/core/record/token.js"
import { FileSystemSessionStore, SessionAdmin, SessionStore } from "../src/index.js"
import * as SqlSessionStore from "../src/SqlSessionStore.js"
import * as Database from "./support/database.js"
import { clientLayer } from "./support/store.js"

type Store = Layer.Layer<SessionStore.SessionStore, unknown>

const names = ["memory", "files", "sqlite", "postgres", "mariadb"] as const
type Name = (typeof names)[number]

const given = process.argv.slice(2)
const numbers = given.map(Number).filter((number) => !Number.isNaN(number))
const sizes = numbers.length === 0 ? [1000, 10_000] : numbers
const asked = names.filter((name) => given.includes(name))
const within = "1 day"

const aRecord = (index: number, size: number): SessionStore.SessionRecord => {
  const now = Date.now()
  const lastActivityMillis = now - Math.floor((index / size) * 86_000_000)
  const isOver = index % 10 === 9
  return {
    id: tokenId(makeToken(), "session"),
    namespace: "session",
    userId: String(index % Math.ceil(size / 6)),
    ipAddress: `192.0.2.${Math.floor((index * 6) / size) % 3}`,
    userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
    createdAtMillis: lastActivityMillis - 1_800_000,
    lastActivityMillis,
    expiresAtMillis: isOver ? lastActivityMillis : now + 86_400_000,
    endedAtMillis: null,
    version: 1,
    previous: null,
    payload: JSON.stringify({ v: 1, d: { cart: "x".repeat(300) }, c: "secret", s: now })
  }
}

/** A place for sessions: two stores in it, one to fill and one to copy to. */
interface Place {
  readonly store: Store
  readonly other: Store
  /** Microseconds of CPU that processes beside this one have used. */
  readonly cpuMicros: () => number
  readonly close: () => Promise<void>
}

const memory = (): Store => {
  const made = Effect.runSync(Effect.cached(Layer.build(SessionStore.layerMemory)))
  const scoped: Effect.Effect<Context.Context<SessionStore.SessionStore>, never, Scope.Scope> = made
  return Layer.scopedContext(scoped)
}

const places: Readonly<Record<Name, () => Promise<Place>>> = {
  memory: async () => ({
    store: memory(),
    other: memory(),
    cpuMicros: () => 0,
    close: async () => {}
  }),
  files: async () => {
    const directory = mkdtempSync(join(tmpdir(), "effect-session-bench-"))
    const at = (name: string, fsync: boolean) =>
      FileSystemSessionStore.layer({ directory: join(directory, name), fsync }).pipe(
        Layer.provide(NodeContext.layer)
      )
    const close = async () => rmSync(directory, { recursive: true, force: true })
    return { store: at("store", false), other: at("other", true), cpuMicros: () => 0, close }
  },
  sqlite: () => database("sqlite"),
  postgres: () => database("postgres"),
  mariadb: () => database("mariadb")
}

const database = async (name: Database.Name): Promise<Place> => {
  const server = await Database.start(name)
  const at = (table: string) =>
    SqlSessionStore.layerMigratedWith({ table }).pipe(Layer.provide(clientLayer(server.url)))
  const cpuMicros = () => (name === "sqlite" ? 0 : server.cpuMicros())
  return { store: at("sessions"), other: at("others"), cpuMicros, close: server.stop }
}

type Call = Effect.Effect<unknown, unknown, SessionStore.SessionStore>

const calls: Readonly<Record<string, Call>> = {
  active: SessionAdmin.active({ within }),
  countActive: SessionAdmin.countActive({ within }),
  ofUser: SessionAdmin.ofUser("1"),
  suspicious: SessionAdmin.suspicious({ within }),
  audit: SessionAdmin.audit({ within }),
  hourly: SessionAdmin.hourly({ within }),
  averageDuration: SessionAdmin.averageDuration({ within }),
  usage: SessionAdmin.usage,
  figures: SessionAdmin.figures({ within }),
  revokeUser: SessionAdmin.revokeUser("1"),
  "collect (a tenth)": Effect.flatMap(SessionStore.SessionStore, (store) =>
    Effect.repeat(store.collect(1000), { until: (count) => count < 1000 })
  ),
  revokeAll: SessionAdmin.revokeAll
}

/** The milliseconds that an effect takes, and those of CPU that this process and the database use meanwhile. */
const timed = (cpuMicros: () => number, effect: Call) =>
  Effect.gen(function* () {
    const before = process.cpuUsage()
    const beside = cpuMicros()
    const [duration] = yield* Effect.timed(effect)
    const { user, system } = process.cpuUsage(before)
    const cpuMillis = (user + system + cpuMicros() - beside) / 1000
    return { millis: Duration.toMillis(duration), cpuMillis }
  })

const shown = (millis: number): string => {
  if (millis >= 1000) return `${(millis / 1000).toFixed(1)} s`
  return `${millis < 10 ? millis.toFixed(1) : Math.round(millis)} ms`
}

/** Fills a store, copies it away, and makes each call once. */
const measure = async (name: Name, size: number): Promise<ReadonlyMap<string, string>> => {
  const { store, other, cpuMicros, close } = await places[name]()
  const results = new Map<string, string>()
  const fill = Effect.flatMap(SessionStore.SessionStore, ({ insertMany }) =>
    Stream.range(0, size - 1).pipe(
      Stream.map((index) => aRecord(index, size)),
      Stream.grouped(100),
      Stream.mapEffect((some) => insertMany([...some]), { concurrency: 4 }),
      Stream.runDrain
    )
  )
  await Effect.runPromise(Effect.provide(fill, store))
  if (process.env.BENCH_COPY !== "0") {
    const copying = SessionStore.copy({ from: store, to: other })
    const copied = await Effect.runPromise(Effect.provide(timed(cpuMicros, copying), store))
    const count = size * 0.9
    const rate = Math.round((1000 * count) / copied.millis)
    const each = Math.round((1000 * copied.cpuMillis) / count)
    results.set("copy, to a store of the same kind", `${rate} a second (${each} µs each)`)
  }
  const all = Effect.forEach(Object.entries(calls), ([call, effect]) =>
    Effect.map(timed(cpuMicros, effect), ({ cpuMillis, millis }) => {
      results.set(call, `${shown(millis)} (${shown(cpuMillis)})`)
    })
  )
  await Effect.runPromise(Effect.provide(all, store))
  await close()
  return results
}

for (const name of asked.length === 0 ? names : asked) {
  const columns: Array<ReadonlyMap<string, string>> = []
  for (const size of sizes) columns.push(await measure(name, size))
  console.log(`\n| ${name} | ${sizes.map((size) => size.toLocaleString("en")).join(" | ")} |`)
  console.log(`|---|${sizes.map(() => "---|").join("")}`)
  for (const call of columns[0]?.keys() ?? []) {
    console.log(`| ${call} | ${columns.map((column) => column.get(call)).join(" | ")} |`)
  }
}
