import { execFileSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { SessionRecord } from "../../src/core/record/record.js"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import type { Service } from "../../src/SessionStore.js"
import * as SessionStoreTest from "../../src/SessionStoreTest.js"
import { aDirectory, aRecord as aRecordFor, openStore } from "../faults/workers/spawn.js"
import { readingBy } from "../support/reads.js"

const temporary = (options?: Partial<FileSystemSessionStore.Options>) =>
  Layer.unwrapScoped(
    Effect.map(aDirectory, (directory) => FileSystemSessionStore.layer({ directory, ...options }))
  ).pipe(Layer.provide(NodeContext.layer))

SessionStoreTest.suite("filesystem", temporary(), {
  layerKeeping7Days: temporary({ keepEnded: "7 days" })
})

SessionStoreTest.suite("filesystem without fsync", temporary({ fsync: false }))

const id = "ab".padEnd(40, "c")
const otherId = "12".padEnd(40, "d")
const hourMillis = 3_600_000

// The tests run at the epoch of the TestClock.
const aRecord = (given?: Partial<SessionRecord>): SessionRecord =>
  aRecordFor(given?.id ?? id, {
    createdAtMillis: 0,
    lastActivityMillis: 0,
    expiresAtMillis: hourMillis,
    payload: '{"name":"Ünï ✓"}',
    ...given
  })

const fileOf = (directory: string, of = id) => join(directory, of.slice(0, 2), `sess_${of}`)
const modeOf = (path: string) => statSync(path).mode & 0o7777

/** A store that holds one session, and where its file is. */
const aStore = Effect.gen(function* () {
  const directory = yield* aDirectory
  const store = yield* openStore({ directory })
  const record = aRecord()
  yield* store.insert(record)
  return { directory, store, record, file: fileOf(directory) }
})

const reasonOf = <A>(effect: Effect.Effect<A, { readonly reason: string }>) =>
  Effect.match(effect, { onFailure: ({ reason }) => reason, onSuccess: () => "no failure" })

const openingFails = (directory: string) =>
  Effect.map(Effect.flip(Effect.scoped(openStore({ directory }))), (error) => ({
    operation: error.operation,
    says: error.cause instanceof Error ? error.cause.message : ""
  }))

const listedIds = (store: Service) =>
  Effect.map(Stream.runCollect(store.entries({ state: "all" })), (all) =>
    Chunk.toReadonlyArray(all).map((one) => one.id)
  )

describe("the directory of the filesystem store", () => {
  it.scoped("is made with mode 0700, and its files with 0600, whatever the umask (R46, A60)", () =>
    Effect.gen(function* () {
      for (const umask of [0, 0o777]) {
        const directory = join(yield* aDirectory, "made")
        const before = process.umask(umask)
        const store = yield* openStore({ directory })
        yield* store.insert(aRecord())
        process.umask(before)

        const file = fileOf(directory)
        expect([directory, join(file, ".."), file].map(modeOf)).toEqual([0o700, 0o700, 0o600])
      }
    })
  )

  it.scoped("is made with what is missing above it, all of it private", () =>
    Effect.gen(function* () {
      const outside = join(yield* aDirectory, "outside")
      const directory = join(outside, "between", "made")
      yield* openStore({ directory })

      expect([outside, join(directory, ".."), directory].map(modeOf)).toEqual([0o700, 0o700, 0o700])
    })
  )

  it.scoped.runIf(process.platform === "linux")("is refused where none can be made", () =>
    Effect.gen(function* () {
      const refused = yield* openingFails("/proc/sessions/here")

      expect(refused.operation).toBe("open")
      expect(refused.says).toContain("/proc/sessions/here cannot be made")
    })
  )

  it.scoped("is made private when others could read it (R46, A60)", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      mkdirSync(join(directory, "ab"))
      chmodSync(directory, 0o775)
      chmodSync(join(directory, "ab"), 0o755)

      yield* openStore({ directory })

      expect([directory, join(directory, "ab")].map(modeOf)).toEqual([0o700, 0o700])
    })
  )

  it.scoped("is refused, and left as it is, when every user could write to it (R46, A59)", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      chmodSync(directory, 0o777)

      expect((yield* openingFails(directory)).says).toContain("by every user of this host")
      expect([modeOf(directory), readdirSync(directory)]).toEqual([0o777, []])
    })
  )

  it.scoped("is refused when it, or a shard in it, is a symbolic link (R46, A59)", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const target = yield* aDirectory
      symlinkSync(target, join(directory, "link"))
      symlinkSync(target, join(directory, "ab"))

      const linked = yield* openingFails(join(directory, "link"))
      const linkedShard = yield* openingFails(directory)

      expect(linked.operation).toBe("open")
      expect(linked.says).toContain("is a symbolic link; name the directory it leads to")
      expect(linkedShard.says).toContain("is a symbolic link")
      expect(readdirSync(target)).toEqual([])
    })
  )

  it.scoped("is refused when it is a file", () =>
    Effect.gen(function* () {
      const file = join(yield* aDirectory, "file")
      writeFileSync(file, "")

      expect((yield* openingFails(file)).says).toContain("is not a directory")
    })
  )

  it.scoped.runIf(process.getuid?.() === 0)(
    "is refused when it belongs to another user (R46, A59)",
    () =>
      Effect.gen(function* () {
        const directory = yield* aDirectory
        chownSync(directory, 12345, 12345)

        expect((yield* openingFails(directory)).says).toContain("belongs to the user 12345")
      })
  )

  it.scoped("makes the store unavailable while it is gone, and serves again once it is back", () =>
    Effect.gen(function* () {
      const { directory, store, record } = yield* aStore
      rmSync(directory, { recursive: true })

      const gone = [
        yield* reasonOf(store.find(id)),
        yield* reasonOf(store.insert(record)),
        yield* reasonOf(store.update(record, 1)),
        yield* reasonOf(store.remove(id)),
        yield* reasonOf(store.collect(10)),
        yield* reasonOf(Stream.runCollect(store.entries({})))
      ]
      mkdirSync(directory)

      expect(new Set(gone)).toEqual(new Set(["unavailable"]))
      expect(yield* store.insert(record)).toBe(true)
      expect(yield* store.update({ ...record, version: 2 }, 1)).toBe(true)
    })
  )

  it.scoped("revives nothing when it is copied or restored with fresh times", () =>
    Effect.gen(function* () {
      const { directory, record } = yield* aStore
      const copy = join(yield* aDirectory, "copy")
      cpSync(directory, copy, { recursive: true })
      yield* TestClock.adjust(hourMillis)
      utimesSync(fileOf(copy), new Date(), new Date())

      const store = yield* openStore({ directory: copy })
      yield* store.touch(id, 1, hourMillis, 2 * hourMillis)

      expect(yield* store.find(id)).toEqual(Option.none())
      expect(yield* store.update({ ...record, version: 2 }, 1)).toBe(false)
      expect(yield* store.collect(10)).toBe(1)
    })
  )
})

describe("a file of the filesystem store", () => {
  it.scoped("is looked for under no name that is not an id (A5, A6)", () =>
    Effect.gen(function* () {
      const touched: Array<string> = []
      yield* readingBy((path, read) => {
        touched.push(path)
        return read()
      })
      const directory = yield* aDirectory
      const outside = join(directory, "outside")
      writeFileSync(outside, "secret")
      const store = yield* openStore({ directory: join(directory, "store") })

      for (const text of [
        "../outside",
        "../../outside",
        `${id}\0`,
        `${id}/..`,
        id.toUpperCase(),
        `${id}0`
      ]) {
        expect(yield* store.find(text)).toEqual(Option.none())
        expect(yield* store.remove(text)).toEqual(Option.none())
        expect(yield* store.update(aRecord({ id: text }), 1)).toBe(false)
        expect(yield* reasonOf(store.insert(aRecord({ id: text })))).toBe("unknown")
      }

      expect(touched).toEqual([])
      expect(readFileSync(outside, "utf8")).toBe("secret")

      yield* store.insert(aRecord())
      expect(Option.isSome(yield* store.find(id))).toBe(true)
      expect(touched).toHaveLength(1)
    })
  )

  it.scopedLive("is read among at most 64 at a time, so that a listing holds up no request", () =>
    Effect.gen(function* () {
      const store = yield* openStore({ directory: yield* aDirectory, fsync: false })
      const inOneShard = Array.from({ length: 200 }, (_, index) =>
        aRecord({ id: `ab${String(index).padStart(38, "0")}` })
      )
      yield* Effect.forEach(inOneShard, store.insert)
      let inARow = 0
      let most = 0
      let all = 0
      yield* readingBy((_, read) => {
        if (inARow === 0) setImmediate(() => (inARow = 0))
        inARow += 1
        all += 1
        most = Math.max(most, inARow)
        return read()
      })

      yield* Stream.runDrain(store.entries({}))

      expect(all).toBe(200)
      expect(most).toBeLessThanOrEqual(64)
    })
  )

  it.scoped("that was cut off at any length is corrupt, never a session and never a crash", () =>
    Effect.gen(function* () {
      const { store, file } = yield* aStore
      const whole = readFileSync(file)

      for (let length = 0; length < whole.length; length++) {
        writeFileSync(file, whole.subarray(0, length))
        expect(yield* reasonOf(store.find(id))).toBe("corrupt")
      }
    })
  )

  it.scoped("in which any bit flipped is corrupt", () =>
    Effect.gen(function* () {
      const { store, file } = yield* aStore
      const whole = readFileSync(file)

      for (let flips = 0; flips < 1000; flips++) {
        const bit = Math.floor(Math.random() * whole.length * 8)
        const flipped = Buffer.from(whole)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        writeFileSync(file, flipped)
        expect([bit, yield* reasonOf(store.find(id))]).toEqual([bit, "corrupt"])
      }
    })
  )

  const impostors: ReadonlyArray<readonly [string, (file: string) => void]> = [
    ["a FIFO", (file) => execFileSync("mkfifo", [file])],
    ["a symbolic link", (file) => symlinkSync("/etc/passwd", file)],
    [
      "a file with a second name",
      (file) => {
        writeFileSync(`${file}.twin`, "twin")
        linkSync(`${file}.twin`, file)
      }
    ],
    [
      "the file of another session",
      (file) => cpSync(file.replaceAll(id, otherId).replace("/ab/", "/12/"), file)
    ],
    [
      "a file that others can write",
      (file) => {
        writeFileSync(file, "")
        chmodSync(file, 0o666)
      }
    ],
    [
      "a file larger than a session can be",
      (file) => writeFileSync(file, Buffer.alloc(17 * 1024 * 1024))
    ]
  ]
  for (const [what, plant] of impostors) {
    it.scoped(
      `is corrupt when ${what} is in its place, is skipped by listings, and can be removed (A59)`,
      () =>
        Effect.gen(function* () {
          const { store, file } = yield* aStore
          yield* store.insert(aRecord({ id: otherId }))
          rmSync(file)
          plant(file)

          expect(yield* reasonOf(store.find(id))).toBe("corrupt")
          expect(yield* listedIds(store)).toEqual([otherId])
          expect(yield* store.insert(aRecord())).toBe(false)
          expect(yield* store.collect(10)).toBe(0)
          expect(existsSync("/etc/passwd")).toBe(true)
          expect(yield* store.remove(id)).toEqual(Option.none())
          expect(yield* store.insert(aRecord())).toBe(true)
        })
    )
  }

  it.scoped("is left alone, and nothing hangs, when a directory is in its place (A59)", () =>
    Effect.gen(function* () {
      const { store, file } = yield* aStore
      rmSync(file)
      mkdirSync(join(file, "inner"), { recursive: true })

      expect(yield* reasonOf(store.find(id))).toBe("corrupt")
      expect(yield* reasonOf(store.remove(id))).toBe("corrupt")
      expect(yield* store.collect(10)).toBe(0)
      expect(existsSync(join(file, "inner"))).toBe(true)
    })
  )

  it.scoped("that is too large is refused before anything is written", () =>
    Effect.gen(function* () {
      const { store, record } = yield* aStore

      const written = store.update({ ...record, version: 2, payload: "x".repeat(17 << 20) }, 1)

      expect(yield* reasonOf(written)).toBe("tooLarge")
      expect(yield* store.find(id)).toEqual(Option.some(record))
    })
  )
})

describe("leftovers in the filesystem store", () => {
  it.scoped("of writes that were cut off are collected after an hour, not before", () =>
    Effect.gen(function* () {
      const { directory, store } = yield* aStore
      const [old, young] = ["0", "1"].map((digit) =>
        join(directory, "ab", `tmp_${digit.repeat(32)}_${id}`)
      ) as [string, string] // two in, two out
      writeFileSync(old, "half a sess")
      writeFileSync(young, "half a sess")
      const agoSeconds = Date.now() / 1000 - 3700
      utimesSync(old, agoSeconds, agoSeconds)

      yield* store.collect(10)

      expect([existsSync(old), existsSync(young)]).toEqual([false, true])
    })
  )

  it.scoped("of retired ids go with their session", () =>
    Effect.gen(function* () {
      const { directory, store, record } = yield* aStore
      const previous = { id, kind: "alias", untilMillis: 5, sealedToken: null } as const
      yield* store.move(id, { ...record, id: otherId, version: 2, previous }, 1)
      const during = readdirSync(join(directory, "ab"))

      yield* store.remove(id)

      expect(during).toEqual([`prev_${id}`])
      expect(readdirSync(join(directory, "ab"))).toEqual([])
      expect(readdirSync(join(directory, "12"))).toEqual([])
    })
  )

  it.scoped("of a closed store are none", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory

      yield* Effect.scoped(
        Effect.flatMap(openStore({ directory }), (store) => store.insert(aRecord()))
      )

      expect(readdirSync(directory)).toEqual(["ab"])
      expect(readdirSync(join(directory, "ab"))).toEqual([`sess_${id}`])
    })
  )
})
