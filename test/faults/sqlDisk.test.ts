/** Databases whose disk is full: X22. */
import { spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { chownSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Option } from "effect"
import { afterAll, beforeAll, describe, expect } from "vitest"
import type { Service } from "../../src/SessionStore.js"
import * as SqlSessionStore from "../../src/SqlSessionStore.js"
import { lacksMariadb, type MariadbServer, startOwnMariadb } from "../support/mariadb.js"
import { startOwnPostgres } from "../support/postgres.js"
import { clientOf, lacksDriver } from "../support/sqlClients.js"
import { aMigratedDatabase, type DatabaseServer, withStore } from "./support/databases.js"
import { aSmallDisk, itWith } from "./support/machine.js"
import { aRecord } from "./workers/spawn.js"

const record = aRecord("ab".padEnd(40, "0"))
/** A session that needs more room than there is in what the table has already. */
const large = (nth: number) =>
  aRecord(nth.toString(16).padStart(40, "0"), { payload: randomBytes(40_000).toString("base64") })

/** Fills the disk, expects that the store refuses writes and reads on, and empties the disk again. */
const check = (store: Service, fill: () => Promise<void>, empty: () => Promise<void>) =>
  Effect.gen(function* () {
    yield* store.insert(record)
    yield* Effect.promise(fill)

    // What little room the table has left by itself may still be used up.
    const attempts = Array.from({ length: 10 }, (_, nth) => large(nth))
    const outcomes = yield* Effect.forEach(attempts, (one) => Effect.either(store.insert(one)))
    const failures = outcomes.flatMap((one) => (one._tag === "Left" ? [one.left.reason] : []))
    const found = yield* Effect.forEach(attempts, ({ id }) => store.find(id))
    const kept = yield* store.find(record.id)
    yield* Effect.promise(empty)

    expect(failures.length).toBeGreaterThan(5)
    expect(failures).toEqual(failures.map(() => "unavailable"))
    expect(found.filter(Option.isSome)).toHaveLength(attempts.length - failures.length)
    expect(kept).toEqual(Option.some(record))
    expect(yield* store.insert(large(100))).toBe(true)
    expect(yield* store.update({ ...record, version: 2 }, 1)).toBe(true)
  })

describe.skipIf(lacksDriver("sqlite"))("a store in SQLite", () => {
  itWith("tmpfs")("X22 refuses writes while the disk is full, and reads on", async () => {
    const disk = aSmallDisk(1024)
    const filler = join(disk, "filler")
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          yield* SqlSessionStore.migrate
          const store = yield* SqlSessionStore.make
          yield* check(
            store,
            async () => fillDisk(filler),
            async () => rmSync(filler)
          )
        }).pipe(Effect.provide(clientOf(join(disk, "sessions.db"))))
      )
    )
  })
})

describe("a store in PostgreSQL", () => {
  let database: DatabaseServer

  beforeAll(async () => {
    database = await startOwnPostgres()
  })

  afterAll(() => database.close())

  itWith("tmpfs")("X22 refuses writes while the disk is full, and reads on", async () => {
    const directory = join(aSmallDisk(4096), "tablespace")
    mkdirSync(directory)
    const owner = Number(spawnSync("id", ["-u", "postgres"]).stdout.toString())
    chownSync(directory, owner, owner)
    const beside = await database.aDatabase()
    await database.run(beside, `create tablespace small location '${directory}'`)
    await database.run(beside, "alter role postgres set default_tablespace = small")
    const url = await aMigratedDatabase(database)
    await database.run(beside, "alter role postgres reset default_tablespace")

    await withStore(url, (store) =>
      check(
        store,
        async () => {
          await database.run(url, "create table filler (text text) tablespace small")
          const some = "insert into filler select repeat('x', 1000) from generate_series(1, 50)"
          for (;;) if (await isRefused(database.run(url, some))) return
        },
        async () => {
          await database.run(url, "drop table filler; checkpoint")
        }
      )
    )
    const name = new URL(url).pathname.slice(1)
    await database.run(beside, `drop database "${name}" with (force)`)
    await database.run(beside, "drop tablespace small")
  })
})

describe.skipIf(lacksMariadb || lacksDriver("mysql"))("a store in MariaDB", () => {
  let database: MariadbServer

  beforeAll(async () => {
    database = await startOwnMariadb()
  })

  afterAll(() => database.close())

  // MariaDB 10.11 stops itself when a table cannot grow, so that nothing can be read on.
  itWith("tmpfs")(
    "X22 refuses writes while the disk is full, and has every other one after a restart",
    async () => {
      const disk = aSmallDisk(4096)
      const filler = join(disk, "filler")
      const url = await aMigratedDatabase({ ...database, aDatabase: () => onDisk(disk) })

      await withStore(url, (store) =>
        Effect.gen(function* () {
          yield* store.insert(record)
          fillDisk(filler)
          const attempts = Array.from({ length: 10 }, (_, nth) => large(nth))
          const outcomes = yield* Effect.forEach(attempts, (one) =>
            Effect.either(store.insert(one))
          )
          rmSync(filler)
          yield* Effect.promise(() => database.stopNow().then(() => database.start()))

          const stored = attempts.filter((_, nth) => outcomes[nth]?._tag === "Right")
          const failures = outcomes.flatMap((one) => (one._tag === "Left" ? [one.left.reason] : []))
          expect(failures.length).toBeGreaterThan(5)
          // It waits for room first.
          expect(["timeout", "unavailable"]).toEqual(expect.arrayContaining(failures))
          for (const one of [record, ...stored]) {
            expect(yield* store.find(one.id)).toEqual(Option.some(one))
          }
          expect(yield* store.insert(large(100))).toBe(true)
          expect(yield* store.update({ ...record, version: 2 }, 1)).toBe(true)
        })
      )
    }
  )

  /** A database is a directory: that of this one lies on the small disk. */
  const onDisk = async (disk: string): Promise<string> => {
    const url = await database.aDatabase()
    const [place] = await database.run(url, "select @@datadir as directory, database() as name")
    const directory = join(`${place?.directory}`, `${place?.name}`)
    const { gid, uid } = statSync(directory)
    chownSync(disk, uid, gid)
    rmSync(directory, { recursive: true })
    symlinkSync(disk, directory)
    return url
  }
})

/** Fills a disk to the last byte. */
const fillDisk = (filler: string): void => {
  for (const size of [4096, 1]) {
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: "a" })
    } catch {
      // Full, for pieces of this size.
    }
  }
}

const isRefused = (run: Promise<unknown>): Promise<boolean> =>
  run.then(
    () => false,
    () => true
  )
