/** What a file that the system does not let the store read or change means for all other sessions. */
import { existsSync, readdirSync, rmSync } from "node:fs"
import { type PlatformError, SystemError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import { NodeContext } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as FileSystemSessionStore from "../../src/FileSystemSessionStore.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import { type Service, SessionStore } from "../../src/SessionStore.js"
import { aDirectory, aRecord, openBroken } from "../faults/workers/spawn.js"
import { readingBy, refusal } from "../support/reads.js"

/** The session whose file cannot be read: it lies in the first shard. */
const bad = "00".padEnd(40, "a")
const idIn = (shard: string) => shard.padEnd(40, "b")
const shards = ["00", "10", "11", "12", "fe"]
const namespace = "faults"

const platformRefusal = (method: string, code: string) =>
  new SystemError({
    reason: code === "EACCES" ? "PermissionDenied" : "Unknown",
    module: "FileSystem",
    method,
    cause: refusal(code)
  })

/** A store for which a part of the file system fails with a code, once it is set. */
const aFaultyStore = (
  fails: (method: "readFile" | "readDirectory" | "link", path: string) => boolean = (_, path) =>
    path.endsWith(`sess_${bad}`)
) =>
  Effect.gen(function* () {
    const directory = yield* aDirectory
    const fault: { code: string | undefined } = { code: undefined }
    const refusing = <A>(
      method: "readDirectory" | "link",
      path: string,
      effect: Effect.Effect<A, PlatformError>
    ) =>
      Effect.suspend(() =>
        fault.code !== undefined && fails(method, path)
          ? Effect.fail(platformRefusal(method, fault.code))
          : effect
      )
    yield* readingBy((path, read) => {
      if (fault.code !== undefined && fails("readFile", path)) throw refusal(fault.code)
      return read()
    })
    const break_ = (fs: FileSystem.FileSystem): Partial<FileSystem.FileSystem> => ({
      readDirectory: (path, options) =>
        refusing("readDirectory", path, fs.readDirectory(path, options)),
      link: (from, to) => refusing("link", to, fs.link(from, to))
    })
    const store = yield* openBroken({ directory, fsync: false }, break_)
    return { directory, fault, store }
  })

const sessionsIn = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true })
    .map(String)
    .flatMap((name) => name.split("sess_").slice(1))
    .sort()

/** Runs an effect and gives its result with the warnings that it logged. */
const withWarnings = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const warnings: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    if (logLevel._tag === "Warning") warnings.push(String(message))
  })
  return Effect.map(
    Effect.provide(effect, Logger.replace(Logger.defaultLogger, logger)),
    (result) => ({ result, warnings })
  )
}

const over = { createdAtMillis: 0, lastActivityMillis: 0, expiresAtMillis: 1 }

/** One session that is over in each shard, beside a live one whose file cannot be read. */
const expired = (store: Service) =>
  Effect.zipRight(
    store.insert(aRecord(bad)),
    Effect.forEach(shards, (shard) => store.insert(aRecord(idIn(shard), over)))
  )

describe("a collection", () => {
  for (const code of ["EIO", "EACCES"]) {
    it.scopedLive(`goes on past a file that fails with ${code}, and warns of it once`, () =>
      Effect.gen(function* () {
        const { directory, fault, store } = yield* aFaultyStore()
        yield* expired(store)
        fault.code = code

        const { result, warnings } = yield* withWarnings(store.collect(1000))

        expect(result).toBe(shards.length)
        expect(sessionsIn(directory)).toEqual([bad])
        expect(warnings).toEqual([expect.stringContaining("skipped: 1.")])
      })
    )
  }

  it.scopedLive("goes on past a shard that cannot be read", () =>
    Effect.gen(function* () {
      const { fault, store } = yield* aFaultyStore(
        (method, path) => method === "readDirectory" && path.endsWith("/00")
      )
      yield* expired(store)
      fault.code = "EACCES"

      const { result, warnings } = yield* withWarnings(store.collect(1000))

      expect(result).toBe(shards.length - 1)
      expect(warnings).toHaveLength(1)
    })
  )

  it.scopedLive("lets no session that cannot be ended take the place of another", () =>
    Effect.gen(function* () {
      const stuck = ["0", "1", "2"].map((digit) => `00${digit}`.padEnd(40, "a"))
      const { directory, fault, store } = yield* aFaultyStore(
        (method, path) => method === "link" && stuck.some((id) => path.includes(id))
      )
      const free = ["00e", "00f"].map((beginning) => beginning.padEnd(40, "a"))
      yield* Effect.forEach([...stuck, ...free], (id) => store.insert(aRecord(id, over)))
      fault.code = "EACCES"

      const { result, warnings } = yield* withWarnings(store.collect(2))

      expect(result).toBe(2)
      expect(sessionsIn(directory)).toEqual(stuck)
      expect(warnings).toHaveLength(1)
    })
  )

  for (const code of ["EMFILE", "ENFILE"]) {
    it.scopedLive(`fails with ${code}, which is not about one file`, () =>
      Effect.gen(function* () {
        const { fault, store } = yield* aFaultyStore()
        yield* expired(store)
        fault.code = code

        const error = yield* Effect.flip(store.collect(1000))

        expect([error.operation, error.reason]).toEqual(["collect", "unavailable"])
      })
    )
  }

  it.scopedLive("fails when the disk is full", () =>
    Effect.gen(function* () {
      const { fault, store } = yield* aFaultyStore((method) => method === "link")
      yield* expired(store)
      fault.code = "ENOSPC"

      const error = yield* Effect.flip(store.collect(1000))

      expect([error.operation, error.reason]).toEqual(["collect", "unavailable"])
    })
  )
})

describe("a listing", () => {
  it.scopedLive("gives every session that can be read, then fails for the one that cannot", () =>
    Effect.gen(function* () {
      const { fault, store } = yield* aFaultyStore()
      yield* store.insert(aRecord(bad))
      yield* Effect.forEach(shards, (shard) => store.insert(aRecord(idIn(shard))))
      fault.code = "EIO"
      const listed: Array<string> = []

      const error = yield* Effect.flip(
        Stream.runForEach(store.entries({}), ({ id }) => Effect.sync(() => listed.push(id)))
      )

      expect(listed.sort()).toEqual(shards.map(idIn))
      expect([error.operation, error.reason]).toEqual(["entries", "unavailable"])
      expect((yield* Effect.flip(store.count({}))).reason).toBe("unavailable")
    })
  )
})

const ann = { namespace, userId: "ann" }

/** Sessions of ann in all shards, and one of bob, whose file cannot be read. */
const annAndBob = (store: Service) =>
  Effect.zipRight(
    store.insert(aRecord(bad, { userId: "bob" })),
    Effect.forEach(shards, (shard) => store.insert(aRecord(idIn(shard), { userId: "ann" })))
  )

describe("a revocation", () => {
  for (const code of ["EIO", "EACCES"]) {
    it.scopedLive(`ends every session that can be read, then fails with ${code} of another`, () =>
      Effect.gen(function* () {
        const { fault, store } = yield* aFaultyStore()
        yield* annAndBob(store)
        fault.code = code

        const error = yield* Effect.flip(store.revokeUser(ann))
        const found = yield* Effect.forEach(shards, (shard) => store.find(idIn(shard)))

        expect([error.operation, error.reason]).toEqual(["removeWhere", "unavailable"])
        expect(found.filter(Option.isSome)).toEqual([])
        fault.code = undefined
        expect(yield* store.revokeUser(ann)).toBe(0)
        expect(Option.isSome(yield* store.find(bad))).toBe(true)
      })
    )
  }

  it.scopedLive("of all users ends every session that can be read, then fails", () =>
    Effect.gen(function* () {
      const { directory, fault, store } = yield* aFaultyStore()
      yield* annAndBob(store)
      fault.code = "EIO"

      const error = yield* Effect.flip(
        Effect.provideService(SessionAdmin.revokeAllWith({ namespace }), SessionStore, store)
      )

      expect(error.reason).toBe("unavailable")
      expect(sessionsIn(directory)).toEqual([bad])
    })
  )

  it.scopedLive("ends every session that can be ended, then fails for the one that cannot", () =>
    Effect.gen(function* () {
      const { directory, fault, store } = yield* aFaultyStore(
        (method, path) => method === "link" && path.endsWith(`lock_${idIn("10")}`)
      )
      yield* annAndBob(store)
      fault.code = "EACCES"

      const error = yield* Effect.flip(store.removeWhere(ann))

      expect(error.reason).toBe("unavailable")
      expect(sessionsIn(directory)).toEqual([bad, idIn("10")])
    })
  )

  it.scopedLive("ends the sessions also where its mark cannot be written, then fails", () =>
    Effect.gen(function* () {
      const { directory, fault, store } = yield* aFaultyStore(
        (method, path) => method === "link" && !shards.some((shard) => path.endsWith(idIn(shard)))
      )
      yield* annAndBob(store)
      fault.code = "ENOSPC"

      const error = yield* Effect.flip(store.revokeUser(ann))

      expect(error.reason).toBe("unavailable")
      expect(sessionsIn(directory)).toEqual([bad])
    })
  )

  it.scopedLive("that could read a file the second time succeeds", () =>
    Effect.gen(function* () {
      let reads = 0
      const { fault, store } = yield* aFaultyStore(
        (method, path) => method === "readFile" && path.endsWith(`sess_${bad}`) && reads++ === 0
      )
      yield* store.insert(aRecord(bad, { userId: "ann" }))
      fault.code = "EIO"

      expect(yield* store.revokeUser(ann)).toBe(1)
      expect(yield* store.find(bad)).toEqual(Option.none())
    })
  )

  it.scopedLive("fails when the directory is gone", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const store = yield* Effect.provide(
        FileSystemSessionStore.make({ directory }),
        NodeContext.layer
      )
      rmSync(directory, { recursive: true })

      const error = yield* Effect.flip(store.removeWhere(ann))

      expect(error.reason).toBe("unavailable")
      expect(existsSync(directory)).toBe(false)
    })
  )
})
