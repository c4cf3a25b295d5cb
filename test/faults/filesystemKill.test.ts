/** What is left of a filesystem store when a process is killed at any moment: X1 and X2. */
import { readdirSync, utimesSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Service } from "../../src/SessionStore.js"
import { has } from "./support/machine.js"
import { aDirectory, aRecord, openStore, startWorker } from "./workers/spawn.js"

// Each kill cuts off twelve writers, a third of whose writes are moves.
const kills = Number(process.env.EFFECT_SESSION_TEST_KILLS ?? 200)
const writers = 12

const firstIds = Array.from({ length: writers }, (_, index) =>
  `${index.toString(16)}0`.padEnd(40, "0")
)

/** The sessions that are stored, by writer: ids with the same first two digits. */
const sessionsByWriter = (store: Service) =>
  Effect.map(Stream.runCollect(store.entries({})), (entries) => {
    const ids = Chunk.toReadonlyArray(entries).map(({ id }) => id)
    return firstIds.map((first) => ids.filter((id) => id.startsWith(first.slice(0, 2))))
  })

/** The last number a writer said it had stored. */
const lastAcked = (lines: ReadonlyArray<string>, writer: number, before: number): number =>
  lines
    .filter((line) => line.startsWith(`${writer.toString(16)}0`))
    .reduce((last, line) => Math.max(last, Number(line.split(" ")[1])), before)

const leftovers = (directory: string, pattern: RegExp): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true })
    .map(String)
    .filter((name) => pattern.test(name))

describe("a filesystem store whose process is killed", () => {
  it.scopedLive(
    "X1 keeps each session whole, once, and with every write it acknowledged (R47)",
    () =>
      Effect.gen(function* () {
        const directory = yield* aDirectory
        const store = yield* openStore({ directory, fsync: false })
        const start = startWorker("write", directory, "")
        yield* Effect.forEach(firstIds, (id) => store.insert(aRecord(id)))
        let ids = firstIds
        let acked = firstIds.map(() => 0)
        let interrupted = 0
        let writing = yield* start

        for (let kill = 0; kill < kills; kill++) {
          const current = writing
          yield* Effect.promise(() => current.said("ready"))
          // The next one starts meanwhile.
          writing = yield* start
          current.child.stdin?.write(`${ids.join(",")}\n`)
          // However slow the machine is, a few writes are acknowledged before some of the kills.
          if (kill % 10 === 0) yield* Effect.promise(() => current.said("00"))
          yield* Effect.sleep(Math.random() * 30)
          current.child.kill("SIGKILL")
          yield* Effect.promise(() => current.ended)
          acked = acked.map((before, index) => lastAcked(current.lines, index, before))
          interrupted += leftovers(directory, /tmp_|lock_|next_/).length
          const stored = yield* sessionsByWriter(store)
          const found = yield* Effect.forEach(stored.flat(), (id) => store.find(id))
          const numbers = found.map((one) => Number(Option.getOrThrow(one).payload))

          expect(stored.map((sessions) => sessions.length)).toEqual(firstIds.map(() => 1))
          // A write that was not acknowledged may have happened, one at most.
          expect(numbers.map((number, index) => number - (acked[index] ?? 0))).toEqual(
            numbers.map(() => expect.toSatisfy((ahead: number) => ahead === 0 || ahead === 1))
          )
          ids = stored.flat()
          acked = numbers
          if (kill % 10 === 9) yield* store.collect(100)
        }
        expect(interrupted).toBeGreaterThan(0)
        expect(Math.max(...acked)).toBeGreaterThan(0)
      }),
    200_000
  )

  it.scopedLive.skipIf(!has("strace"))(
    "X2 between the fsync and the rename has changed nothing, and a collection tidies up after it",
    () =>
      Effect.gen(function* () {
        const { directory, store, record } = yield* killedAt("rename", 1)
        const written = leftovers(directory, /tmp_|lock_/)

        const found = yield* store.find(record.id)
        yield* store.collect(10)

        expect(written).toHaveLength(2)
        expect(found).toEqual(Option.some(record))
        expect(leftovers(directory, /tmp_|lock_/)).toEqual([])
        expect(yield* store.update({ ...record, version: 2 }, 1)).toBe(true)
      }),
    30_000
  )

  // The first link is the test of the file system when the store is opened.
  it.scopedLive.skipIf(!has("strace"))(
    "X2 between the fsync and the lock leaves a file that is kept for an hour and then collected",
    () =>
      Effect.gen(function* () {
        const { directory, store, record } = yield* killedAt("link", 2)
        const written = leftovers(directory, /tmp_|lock_/)

        yield* store.collect(10)
        const young = leftovers(directory, /tmp_/)
        const longAgo = Date.now() / 1000 - 2 * 3600
        for (const name of young) utimesSync(join(directory, name), longAgo, longAgo)
        yield* store.collect(10)

        expect(written).toHaveLength(1)
        expect(young).toEqual(written)
        expect(leftovers(directory, /tmp_/)).toEqual([])
        expect(yield* store.find(record.id)).toEqual(Option.some(record))
      }),
    30_000
  )
})

/** A store in which another process was killed in its n-th call of a kind, while it updated a session. */
const killedAt = (call: string, nth: number) =>
  Effect.gen(function* () {
    const directory = yield* aDirectory
    const store = yield* openStore({ directory })
    const record = aRecord("ab".padEnd(40, "0"))
    yield* store.insert(record)
    const tracer = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", `trace=/^${call}`]
    const before = [...tracer, "-e", `inject=/^${call}:signal=KILL:when=${nth}`]
    const killed = yield* startWorker("update", directory, record.id, before)
    yield* Effect.promise(() => killed.ended)
    expect(killed.lines).toEqual([])
    return { directory, store, record }
  })
