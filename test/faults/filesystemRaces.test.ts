/** What happens between two looks of the filesystem store at the same session (X27 and its like). */
import { copyFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Service } from "../../src/SessionStore.js"
import { readingBy } from "../support/reads.js"
import { aDirectory, aRecord, openBroken, openStore } from "./workers/spawn.js"

const low = "01".padEnd(40, "a")
const high = "f0".padEnd(40, "b")
const fileOf = (directory: string, id: string) => join(directory, id.slice(0, 2), `sess_${id}`)

const listedIds = (store: Service) =>
  Effect.map(Stream.runCollect(store.entries({})), (all) =>
    Chunk.toReadonlyArray(all).map((one) => one.id)
  )

const previousOf = (id: string) =>
  ({ id, kind: "quarantine", untilMillis: 0, sealedToken: null }) as const

describe("a session of the filesystem store", () => {
  it.scopedLive("X27 that is touched between the look of a collection and its lock stays", () =>
    Effect.gen(function* () {
      const [directory, elsewhere] = [yield* aDirectory, yield* aDirectory]
      const expired = aRecord(low, { expiresAtMillis: Date.now() - 1 })
      const touched = aRecord(low, { expiresAtMillis: Date.now() + 60_000 })
      yield* (yield* openStore({ directory })).insert(expired)
      yield* (yield* openStore({ directory: elsewhere })).insert(touched)
      const store = yield* openStore({ directory })
      // Another process, whose clock is behind, touches the session right after it was read.
      yield* readingBy((_, read) => {
        const bytes = read()
        copyFileSync(fileOf(elsewhere, low), fileOf(directory, low))
        return bytes
      })

      const collected = yield* store.collect(10)

      expect(collected).toBe(0)
      expect(yield* store.find(low)).toEqual(Option.some(touched))
    })
  )

  it.scopedLive("is listed once when it moves ahead of the listing, after it was read", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const other = yield* openStore({ directory })
      const record = aRecord(low)
      yield* other.insert(record)
      yield* other.insert(aRecord("f0".padEnd(40, "c")))
      const moved = yield* Deferred.make<boolean, unknown>()
      const move = other.move(
        low,
        { ...record, id: high, version: 2, previous: previousOf(low) },
        1
      )
      let isRead = false
      yield* readingBy((path, read) => {
        const bytes = read()
        if (path.endsWith(`sess_${low}`) && !isRead) {
          isRead = true
          Effect.runFork(Deferred.complete(moved, move))
        }
        return bytes
      })
      const store = yield* openBroken({ directory }, (fs) => ({
        readDirectory: (path) =>
          path.endsWith("/f0")
            ? Effect.zipRight(Effect.orDie(Deferred.await(moved)), fs.readDirectory(path))
            : fs.readDirectory(path)
      }))

      const ids = yield* listedIds(store)

      expect(ids).toEqual([low, "f0".padEnd(40, "c")])
      expect(yield* listedIds(other)).toContain(high)
    })
  )

  it.scopedLive(
    "is listed when it moves behind the listing, to a shard that was read already",
    () =>
      Effect.gen(function* () {
        const directory = yield* aDirectory
        const other = yield* openStore({ directory })
        const record = aRecord(high)
        yield* other.insert(record)
        yield* other.insert(aRecord("01".padEnd(40, "c")))
        const read = yield* Deferred.make<void>()
        const move = other.move(
          high,
          { ...record, id: low, version: 2, previous: previousOf(high) },
          1
        )
        const store = yield* openBroken({ directory }, (fs) => ({
          readDirectory: (path) => {
            if (path.endsWith("/01")) {
              return Effect.ensuring(fs.readDirectory(path), Deferred.succeed(read, undefined))
            }
            return path.endsWith("/f0")
              ? Deferred.await(read).pipe(
                  Effect.zipRight(Effect.orDie(move)),
                  Effect.zipRight(fs.readDirectory(path))
                )
              : fs.readDirectory(path)
          }
        }))

        const ids = yield* listedIds(store)

        expect(ids).toEqual(["01".padEnd(40, "c"), low])
      })
  )

  it.scopedLive("is collected once when several stores collect at the same time", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const stores = yield* Effect.all([1, 2, 3].map(() => openStore({ directory, fsync: false })))
      const [first] = stores
      const ids = Array.from({ length: 40 }, (_, index) => `${index}`.padStart(40, "0"))
      yield* Effect.forEach(ids, (id) =>
        first === undefined
          ? Effect.void
          : first.insert(aRecord(id, { expiresAtMillis: Date.now() - 1 }))
      )

      const collected = yield* Effect.forEach(stores, (store) => store.collect(1000), {
        concurrency: "unbounded"
      })

      expect(collected.reduce((sum, one) => sum + one, 0)).toBe(40)
    })
  )
})
