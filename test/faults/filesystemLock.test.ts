/** Two processes on one session of a filesystem store: X10, X11 and X12. */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { SessionRecord } from "../../src/core/record/record.js"
import type { Service } from "../../src/SessionStore.js"
import { aDirectory, aRecord, openStore, startWorker } from "./workers/spawn.js"

const id = "ab".padEnd(40, "0")
const locksIn = (directory: string) =>
  readdirSync(join(directory, "ab")).filter((name) => /^(lock|tmp)_/.test(name))

const aStore = Effect.gen(function* () {
  const directory = yield* aDirectory
  const store = yield* openStore({ directory, fsync: false })
  const record = aRecord(id)
  yield* store.insert(record)
  return { directory, store, record }
})

/** Updates until no other process is in the way, as the next request would. */
const updateInTheEnd = (
  store: Service,
  record: SessionRecord,
  tries = 5
): Effect.Effect<boolean, unknown> =>
  Effect.catchTag(store.update(record, 1), "SessionStoreError", (error) =>
    error.reason === "timeout" && tries > 1
      ? updateInTheEnd(store, record, tries - 1)
      : Effect.fail(error)
  )

describe("the lock of a session between processes", () => {
  it.scopedLive(
    "X12 loses no update: two processes with 500 increments each count to 1000",
    () =>
      Effect.gen(function* () {
        const { directory, store } = yield* aStore

        const workers = yield* Effect.all([
          startWorker("increment", directory, id),
          startWorker("increment", directory, id)
        ])
        yield* Effect.forEach(workers, (worker) => Effect.promise(() => worker.said("done")), {
          concurrency: "unbounded"
        })

        const record = Option.getOrThrow(yield* store.find(id))
        expect([Number(record.payload), record.version]).toEqual([1000, 1001])
      }),
    60_000
  )

  it.scopedLive("X10 is taken over from a process that was killed, within one call", () =>
    Effect.gen(function* () {
      const { directory, store, record } = yield* aStore
      const worker = yield* startWorker("hold", directory, id)
      yield* Effect.promise(() => worker.said("holding"))
      worker.child.kill("SIGKILL")
      yield* Effect.promise(() => worker.ended)
      const left = locksIn(directory)

      const updated = yield* store.update({ ...record, version: 2, payload: "taken over" }, 1)

      expect(left).toContain(`lock_${id}`)
      expect(updated).toBe(true)
      expect(locksIn(directory)).toEqual([])
    })
  )

  it.scopedLive(
    "X11 is kept while its holder is stopped for a moment: the next one waits and times out",
    () =>
      Effect.gen(function* () {
        const { directory, store, record } = yield* aStore
        const worker = yield* startWorker("hold", directory, id)
        yield* Effect.promise(() => worker.said("holding"))
        worker.child.kill("SIGSTOP")

        const outcome = yield* Effect.either(store.update({ ...record, version: 2 }, 1))

        expect(Either.getOrThrow(Either.flip(outcome)).reason).toBe("timeout")
        expect(yield* store.find(id)).toEqual(Option.some(record))
        worker.child.kill("SIGCONT")
        expect(yield* Effect.promise(() => worker.said("updated"))).toBe("updated true")
      })
  )

  it.scopedLive(
    "X11 is taken over from a process that stands still, which then overwrites nothing",
    () =>
      Effect.gen(function* () {
        const { directory, store, record } = yield* aStore
        const worker = yield* startWorker("hold", directory, id)
        yield* Effect.promise(() => worker.said("holding"))
        worker.child.kill("SIGSTOP")
        const newer = { ...record, version: 2, payload: "newer" }

        const updated = yield* updateInTheEnd(store, newer)
        worker.child.kill("SIGCONT")
        const outcome = yield* Effect.promise(() => worker.said("failed"))

        expect(updated).toBe(true)
        expect(outcome).toBe("failed unavailable")
        expect(yield* store.find(id)).toEqual(Option.some(newer))
        expect(yield* store.update({ ...newer, version: 3 }, 2)).toBe(true)
      })
  )

  it.scopedLive("X10 of a process that was killed goes with the next collection", () =>
    Effect.gen(function* () {
      const { directory, store } = yield* aStore
      const worker = yield* startWorker("hold", directory, id)
      yield* Effect.promise(() => worker.said("holding"))
      worker.child.kill("SIGKILL")
      yield* Effect.promise(() => worker.ended)

      yield* store.collect(100)

      expect(readdirSync(join(directory, "ab"))).not.toContain(`lock_${id}`)
      expect(readdirSync(directory).filter((name) => name.startsWith("holder_"))).toHaveLength(1)
    })
  )
})
