/** What callers see, and what is left on the disk, when the system refuses a call (X3 to X6). */
import { readdirSync } from "node:fs"
import { SystemError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readingBy, refusal } from "../support/reads.js"
import { aDirectory, aRecord, openBroken, openStore } from "./workers/spawn.js"

const id = "ab".padEnd(40, "0")
const newId = "cd".padEnd(40, "0")

const platformRefusal = (code: string, method: string) =>
  new SystemError({
    reason: code === "EACCES" ? "PermissionDenied" : "Unknown",
    module: "FileSystem",
    method,
    cause: Object.assign(new Error(`${code}: refused`), { code })
  })

/** The faults of a disk that is switched to failing after the store is open. */
type Fault = (fs: FileSystem.FileSystem, isBroken: () => boolean) => Partial<FileSystem.FileSystem>

const failing = (code: string, method: string) => Effect.fail(platformRefusal(code, method))

const faultyFile = (file: FileSystem.File, part: "sync" | "writeAll", code: string) =>
  Object.create(file, {
    [part]: { value: part === "sync" ? failing(code, part) : () => failing(code, part) }
  }) as FileSystem.File // the same file but for one member

const faultyOpen =
  (part: "sync" | "writeAll", code: string): Fault =>
  (fs, isBroken) => ({
    open: (path, options) =>
      Effect.map(fs.open(path, options), (file) =>
        isBroken() ? faultyFile(file, part, code) : file
      )
  })

const faultyRename =
  (code: string): Fault =>
  (fs, isBroken) => ({
    rename: (from, to) => (isBroken() ? failing(code, "rename") : fs.rename(from, to))
  })

const faults: ReadonlyArray<readonly [string, Fault]> = [
  ["the disk is full when a file is written", faultyOpen("writeAll", "ENOSPC")],
  ["fsync reports that the file is not on the disk", faultyOpen("sync", "EIO")],
  ["a rename is refused", faultyRename("EACCES")],
  ["the disk is full when a file is renamed", faultyRename("ENOSPC")],
  [
    "no file can be opened for writing",
    (fs, isBroken) => ({
      open: (path, options) => (isBroken() ? failing("EMFILE", "open") : fs.open(path, options))
    })
  ],
  [
    "the lock cannot be made",
    (fs, isBroken) => ({
      link: (from, to) => (isBroken() ? failing("ENOSPC", "link") : fs.link(from, to))
    })
  ]
]

const aBrokenStore = (fault: Fault) =>
  Effect.gen(function* () {
    const directory = yield* aDirectory
    const state = { isBroken: false }
    const store = yield* openBroken({ directory, keepEnded: "1 day" }, (fs) =>
      fault(fs, () => state.isBroken)
    )
    const record = aRecord(id)
    yield* store.insert(record)
    return { directory, state, store, record }
  })

const names = (directory: string) =>
  readdirSync(directory, { recursive: true })
    .map(String)
    .filter((name) => /_/.test(name) && !name.startsWith("holder_"))

describe("a filesystem store", () => {
  for (const [what, fault] of faults) {
    it.scopedLive(`fails typed, keeps the old state and reads on when ${what}`, () =>
      Effect.gen(function* () {
        const { directory, state, store, record } = yield* aBrokenStore(fault)
        state.isBroken = true

        const failures = yield* Effect.all([
          Effect.flip(store.update({ ...record, version: 2, payload: "new" }, 1)),
          Effect.flip(store.insert(aRecord(newId))),
          Effect.flip(store.move(id, { ...record, id: newId, version: 2 }, 1)),
          Effect.flip(
            store.touch(id, 1, record.lastActivityMillis + 1, record.expiresAtMillis + 1)
          ),
          Effect.flip(store.remove(id))
        ])

        expect(failures.map(({ operation, reason }) => [operation, reason])).toEqual(
          ["update", "insert", "move", "touch", "remove"].map((one) => [one, "unavailable"])
        )
        expect(yield* store.find(id)).toEqual(Option.some(record))
        expect(yield* store.find(newId)).toEqual(Option.none())
        expect(names(directory)).toEqual([`ab/sess_${id}`])
        state.isBroken = false
        expect(yield* store.update({ ...record, version: 2, payload: "new" }, 1)).toBe(true)
      })
    )
  }

  it.scopedLive(
    "fails to find, typed, while no file can be opened, and finds again afterwards",
    () =>
      Effect.gen(function* () {
        const { state, store, record } = yield* aBrokenStore(() => ({}))
        yield* readingBy((_, read) => {
          if (state.isBroken) throw refusal("EMFILE")
          return read()
        })
        state.isBroken = true

        const failure = yield* Effect.flip(store.find(id))
        state.isBroken = false

        expect([failure.operation, failure.reason]).toEqual(["find", "unavailable"])
        expect(yield* store.find(id)).toEqual(Option.some(record))
      })
  )
})

describe("a move that is cut off", () => {
  const previous = {
    id,
    kind: "alias",
    untilMillis: Number.MAX_SAFE_INTEGER,
    sealedToken: null
  } as const

  /** The directory after a move in which the rename of this number, from 1, never came back. */
  const cutOffAt = (rename: number) =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      let renames = Number.NEGATIVE_INFINITY
      const dying = yield* openBroken({ directory, fsync: false }, (fs) => ({
        rename: (from, to) => (++renames === rename ? Effect.die("cut off") : fs.rename(from, to))
      }))
      const record = aRecord(id)
      const moved = { ...record, id: newId, version: 2, previous }
      yield* dying.insert(record)
      renames = 0
      yield* Effect.exit(dying.move(id, moved, 1))
      return { directory, record, moved, store: yield* openStore({ directory, fsync: false }) }
    })

  for (const rename of [1, 2]) {
    it.scopedLive(
      `before it happened (rename ${rename}) leaves the old session, which can be moved again`,
      () =>
        Effect.gen(function* () {
          const { store, record, moved } = yield* cutOffAt(rename)

          expect(yield* store.find(newId)).toEqual(Option.none())
          expect(yield* store.find(id)).toEqual(Option.some(record))
          expect(yield* store.count({})).toEqual({ sessions: 1, users: 0 })
          expect(yield* store.move(id, moved, 1)).toBe(true)
          expect(yield* store.find(newId)).toEqual(Option.some(moved))
        })
    )

    it.scopedLive(
      `before it happened (rename ${rename}) makes no session of the new id when the old one is removed`,
      () =>
        Effect.gen(function* () {
          const { store } = yield* cutOffAt(rename)

          yield* store.remove(id)

          expect(yield* store.find(newId)).toEqual(Option.none())
          expect(yield* store.count({ state: "all" })).toEqual({ sessions: 0, users: 0 })
        })
    )
  }

  for (const rename of [3, 4]) {
    it.scopedLive(
      `after it happened (rename ${rename}) leaves the new session, found by both ids`,
      () =>
        Effect.gen(function* () {
          const { store, record, moved } = yield* cutOffAt(rename)

          expect(yield* store.find(newId)).toEqual(Option.some(moved))
          expect(yield* store.find(id)).toEqual(Option.some(moved))
          expect(yield* store.count({})).toEqual({ sessions: 1, users: 0 })
          expect(yield* store.update({ ...record, version: 2 }, 1)).toBe(false)
          expect(yield* store.insert(aRecord(newId))).toBe(false)
          expect(yield* store.update({ ...moved, version: 3 }, 2)).toBe(true)
        })
    )

    it.scopedLive(`after it happened (rename ${rename}) is finished by a collection`, () =>
      Effect.gen(function* () {
        const { directory, store, moved } = yield* cutOffAt(rename)

        yield* store.collect(10)

        expect(names(directory).sort()).toEqual([`ab/prev_${id}`, `cd/sess_${newId}`])
        expect(yield* store.find(id)).toEqual(Option.some(moved))
      })
    )

    it.scopedLive(`after it happened (rename ${rename}) is removed by either id`, () =>
      Effect.gen(function* () {
        for (const by of [id, newId]) {
          const { store, moved } = yield* cutOffAt(rename)

          const removed = yield* store.remove(by)

          expect(Option.map(removed, (one) => one.id)).toEqual(Option.some(moved.id))
          expect(yield* store.find(id)).toEqual(Option.none())
          expect(yield* store.find(newId)).toEqual(Option.none())
        }
      })
    )
  }
})
