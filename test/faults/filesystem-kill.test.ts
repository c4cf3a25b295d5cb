/** What is left of a filesystem store when a process is killed at any moment (X1). */
import { readdirSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Service } from "../../src/SessionStore.js"
import { aDirectory, aRecord, openStore, startWorker } from "./workers/spawn.js"

// Each kill cuts off twelve writers: 240 interrupted writes, a third of them moves, unless more are asked for.
const kills = Number(process.env.EFFECT_SESSION_TEST_KILLS ?? 20)
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

describe("a filesystem store whose process is killed", () => {
  it.scopedLive(
    "keeps each session whole, once, and with every write it acknowledged (R47)",
    () =>
      Effect.gen(function* () {
        const directory = yield* aDirectory
        const store = yield* openStore({ directory, fsync: false })
        yield* Effect.forEach(firstIds, (id) => store.insert(aRecord(id)))
        let ids = firstIds
        let acked = firstIds.map(() => 0)
        let interrupted = 0

        for (let kill = 0; kill < kills; kill++) {
          const lines = yield* Effect.scoped(
            Effect.gen(function* () {
              const worker = yield* startWorker("write", directory, ids.join(","))
              yield* Effect.promise(() => worker.said("ready"))
              yield* Effect.sleep(Math.random() * 60)
              worker.child.kill("SIGKILL")
              yield* Effect.promise(() => worker.ended)
              return worker.lines
            })
          )
          acked = acked.map((before, writer) => lastAcked(lines, writer, before))
          interrupted += readdirSync(directory, { recursive: true }).filter((name) =>
            /tmp_|lock_|next_/.test(String(name))
          ).length
          const stored = yield* sessionsByWriter(store)
          const found = yield* Effect.forEach(stored.flat(), (id) => store.find(id))
          const numbers = found.map((one) => Number(one._tag === "Some" ? one.value.payload : -1))

          expect(stored.map((sessions) => sessions.length)).toEqual(firstIds.map(() => 1))
          // A write that was not acknowledged may have happened, one at most.
          expect(numbers.map((number, writer) => number - (acked[writer] ?? 0))).toEqual(
            numbers.map(() => expect.toSatisfy((ahead: number) => ahead === 0 || ahead === 1))
          )
          ids = stored.flat()
          acked = numbers
          yield* store.collect(100)
        }
        expect(interrupted).toBeGreaterThan(0)
      }),
    120_000
  )
})
