/** Calls of the filesystem store that are interrupted, as a request does after two seconds: each has happened or has not. */
import { readdirSync } from "node:fs"
import type * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Service, SessionRecord } from "../../src/SessionStore.js"
import { aDirectory, aRecord, openBroken, openStore } from "../faults/workers/spawn.js"

const id = "ab".padEnd(40, "c")
const otherId = "12".padEnd(40, "d")

/** What a call does to a store with one session, and which records there may be afterwards. */
interface Case {
  readonly call: (store: Service, record: SessionRecord) => Effect.Effect<unknown, unknown>
  readonly after: (record: SessionRecord) => ReadonlyArray<SessionRecord>
}

const later = (record: SessionRecord): SessionRecord => ({ ...record, version: 2, payload: "2" })
const other = (record: SessionRecord): SessionRecord => ({ ...record, id: otherId })
const moved = (record: SessionRecord): SessionRecord => ({
  ...later(record),
  id: otherId,
  previous: { id, kind: "quarantine", untilMillis: 0, sealedToken: null }
})
const touched = (record: SessionRecord): SessionRecord => ({
  ...record,
  lastActivityMillis: record.lastActivityMillis + 1000,
  expiresAtMillis: record.expiresAtMillis + 1000
})

const cases: Record<string, Case> = {
  insert: {
    call: (store, record) => store.insert(other(record)),
    after: (record) => [record, other(record)]
  },
  update: {
    call: (store, record) => store.update(later(record), 1),
    after: (record) => [later(record)]
  },
  move: {
    call: (store, record) => store.move(id, moved(record), 1),
    after: (record) => [moved(record)]
  },
  touch: {
    call: (store, record) => {
      const { lastActivityMillis, expiresAtMillis } = touched(record)
      return store.touch(id, 1, lastActivityMillis, expiresAtMillis)
    },
    after: (record) => [touched(record)]
  },
  remove: { call: (store) => store.remove(id), after: () => [] }
}

const recordsIn = (store: Service) =>
  Effect.map(Effect.all([store.find(id), store.find(otherId)]), (found) =>
    found.flatMap(Option.toArray)
  )

/** What is in the way of nobody once a call has ended: locks, temporary files, unfinished moves. */
const leftIn = (directory: string) =>
  readdirSync(directory, { recursive: true }).filter((name) => /(lock|tmp|next)_/.test(`${name}`))

/** Interrupts one call with `interrupted`, and checks what it left. */
const check = (
  { after, call }: Case,
  open: (directory: string) => ReturnType<typeof openStore>,
  interrupted: (call: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const record = aRecord(id)
      const working = yield* openStore({ directory, fsync: false })
      yield* working.insert(record)
      const store = yield* open(directory)

      yield* interrupted(call(store, record))

      const found = yield* recordsIn(working)
      expect([[record], after(record)]).toContainEqual(found)
      expect(leftIn(directory)).toEqual([])
      for (const one of found) {
        const next = { ...one, version: one.version + 1 }
        expect(yield* store.update(next, one.version)).toBe(true)
      }
    })
  )

for (const [name, one] of Object.entries(cases)) {
  describe(`${name} of the filesystem store`, () => {
    it.scopedLive("has happened or has not when it is interrupted at any of its steps", () =>
      Effect.gen(function* () {
        let isInterrupted = true
        for (let step = 0; isInterrupted; step++) {
          let steps = 0
          let fiber: Fiber.RuntimeFiber<unknown, unknown> | undefined
          const before = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
            Effect.suspend(() => {
              if (fiber === undefined || steps++ !== step) return effect
              return Fiber.interruptFork(fiber).pipe(
                Effect.zipRight(Effect.yieldNow()),
                Effect.zipRight(effect)
              )
            })
          const open = (directory: string) =>
            openBroken({ directory }, (fs) => stepping(fs, before))

          yield* check(one, open, (call) =>
            Effect.gen(function* () {
              fiber = yield* Effect.fork(Effect.zipRight(Effect.yieldNow(), call))
              yield* Fiber.await(fiber)
              isInterrupted = steps > step
              fiber = undefined
            })
          )
        }
      })
    )

    it.scopedLive("has happened or has not when it is interrupted at a moment", () =>
      Effect.forEach(
        Array.from({ length: 40 }, (_, turns) => turns),
        (turns) =>
          check(
            one,
            (directory) => openStore({ directory, fsync: false }),
            (call) =>
              Effect.gen(function* () {
                const fiber = yield* Effect.fork(call)
                yield* turnsOfTheLoop(turns)
                yield* Fiber.interrupt(fiber)
              })
          ),
        { discard: true }
      )
    )
  })
}

describe("a call of the filesystem store that waits for its turn", () => {
  it.scopedLive("gives up its place when it is interrupted", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const record = aRecord(id)
      const store = yield* openBroken({ directory }, (fs) => ({
        rename: (from, to) => Effect.delay(fs.rename(from, to), "20 millis")
      }))
      yield* store.insert(record)

      const first = yield* Effect.fork(store.update(later(record), 1))
      yield* Effect.yieldNow()
      const second = yield* Effect.fork(store.remove(id))
      yield* turnsOfTheLoop(2)
      const exit = yield* Fiber.interrupt(second)

      expect(Exit.isInterrupted(exit)).toBe(true)
      expect(yield* Fiber.join(first)).toBe(true)
      expect(yield* store.update({ ...record, version: 3 }, 2)).toBe(true)
    })
  )
})

/** Every call of the file system that the store makes, behind `before`. */
const stepping = (
  fs: FileSystem.FileSystem,
  before: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
): Partial<FileSystem.FileSystem> => ({
  link: (from, to) => before(fs.link(from, to)),
  makeDirectory: (path, options) => before(fs.makeDirectory(path, options)),
  open: (path, options) => before(fs.open(path, options)),
  rename: (from, to) => before(fs.rename(from, to)),
  writeFile: (path, bytes, options) => before(fs.writeFile(path, bytes, options))
})

const turnsOfTheLoop = (turns: number): Effect.Effect<void> =>
  Effect.promise(async () => {
    for (let turn = 0; turn < turns; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  })
