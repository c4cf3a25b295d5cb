/** What each call of `SessionAdmin` reads: at most one pass over the store, whatever the store. */

import * as FileSystem from "@effect/platform/FileSystem"
import { NodeContext } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as FileSystemSessionStore from "../src/FileSystemSessionStore.js"
import { collectAll } from "../src/internal/store/collectAll.js"
import { makeMemory } from "../src/internal/store/memory/store.js"
import * as Session from "../src/Session.js"
import * as SessionAdmin from "../src/SessionAdmin.js"
import type { Primitives, SessionRecord } from "../src/SessionStore.js"
import { make, SessionStore } from "../src/SessionStore.js"
import { aDirectory } from "./faults/workers/spawn.js"
import { aRecord } from "./support/record.js"

/** What a store was asked for. */
interface Reads {
  /** How many listings were begun, and how many sessions they gave. */
  listings: number
  listed: number
  /** How many files of sessions were read. */
  files: number
  /** How many directories were read. */
  directories: number
}

const none = (): Reads => ({ listings: 0, listed: 0, files: 0, directories: 0 })

const users = 10
const sessions = 120

/** Sessions of ten users, each seen from three addresses; those of user 0 are over. */
const records: ReadonlyArray<SessionRecord> = Array.from({ length: sessions }, (_, index) => {
  const user = index % users
  return aRecord({
    userId: String(user),
    ipAddress: `192.0.2.${((index / users) % 3) | 0}`,
    lastActivityMillis: Date.now() - 60_000,
    createdAtMillis: Date.now() - 120_000,
    ...(user === 0 ? { expiresAtMillis: Date.now() - 1000 } : {})
  })
})
const ofOneUser = sessions / users

/** A store of the six primitives and nothing else, as a third party writes it. */
const sixPrimitives = (reads: Reads): Primitives => {
  const { find, insert, update, move, remove, entries } = makeMemory(0, undefined)
  return {
    find,
    insert,
    update,
    move,
    remove,
    entries: (filter) =>
      Stream.suspend(() => {
        reads.listings += 1
        return Stream.tap(entries(filter), () => Effect.sync(() => (reads.listed += 1)))
      })
  }
}

const derived = (reads: Reads) => Layer.sync(SessionStore, () => make(sixPrimitives(reads)))

/** A file store that counts the files of sessions it reads. */
const files = (reads: Reads) =>
  Layer.unwrapScoped(
    Effect.map(aDirectory, (directory) => FileSystemSessionStore.layer({ directory, fsync: false }))
  ).pipe(
    Layer.provide(
      Layer.map(NodeContext.layer, (context) => {
        const fs = Context.get(context, FileSystem.FileSystem)
        return Context.add(context, FileSystem.FileSystem, {
          ...fs,
          readDirectory: (path, options) => {
            reads.directories += 1
            return fs.readDirectory(path, options)
          },
          readFile: (path) => {
            if (path.includes("/sess_")) reads.files += 1
            return fs.readFile(path)
          }
        })
      })
    )
  )

const within = "1 hour"

/** Each call, and how many sessions it may end: ending one reads its file twice, once to find it, once under its lock. */
const calls = {
  active: [SessionAdmin.active({ within }), 0],
  stream: [Stream.runDrain(SessionAdmin.stream({ state: "all" })), 0],
  countActive: [SessionAdmin.countActive({ within }), 0],
  countActiveUsers: [SessionAdmin.countActiveUsers({ within }), 0],
  ofUser: [SessionAdmin.ofUser("1"), 0],
  suspicious: [SessionAdmin.suspicious({ within }), 0],
  page: [SessionAdmin.page({ limit: 5 }), 0],
  audit: [SessionAdmin.audit({ within }), 0],
  hourly: [SessionAdmin.hourly({ within }), 0],
  averageDuration: [SessionAdmin.averageDuration({ within }), 0],
  usage: [SessionAdmin.usage, 0],
  figures: [SessionAdmin.figures({ within }), 0],
  revokeUser: [SessionAdmin.revokeUser("1"), ofOneUser],
  revokeOthers: [
    Effect.provide(
      Effect.zipRight(Session.login("1"), SessionAdmin.revokeOthers),
      Session.layerTest()
    ),
    ofOneUser
  ],
  revokeAll: [SessionAdmin.revokeAll, sessions],
  collect: [Effect.flatMap(SessionStore, (store) => store.collect(1000)), ofOneUser]
} as const

describe.each(Object.entries(calls))("%s", (name, [call, mostEnded]) => {
  it.scopedLive("lists a store of the six primitives once at most", () =>
    Effect.gen(function* () {
      const reads = none()
      yield* Effect.gen(function* () {
        const store = yield* SessionStore
        yield* Effect.forEach(records, store.insert)

        yield* call
      }).pipe(Effect.provide(derived(reads)))

      expect(reads.listings).toBe(1)
      expect(reads.listed).toBeGreaterThan(0)
      expect(reads.listed).toBeLessThanOrEqual(sessions)
    })
  )

  it.scopedLive("reads each file of a session once at most, and once more to end it", () =>
    Effect.gen(function* () {
      const reads = none()
      yield* Effect.gen(function* () {
        const store = yield* SessionStore
        yield* Effect.forEach(records, store.insert)
        reads.files = 0

        yield* call
      }).pipe(Effect.provide(files(reads)))

      // A mark of `revokeUser` is a file, too.
      const marks = name.startsWith("revoke") ? 4 : 0
      expect(reads.files).toBeGreaterThan(0)
      expect(reads.files).toBeLessThanOrEqual(sessions + 2 * mostEnded + marks)
    })
  )
})

describe("a collection in batches", () => {
  it.scopedLive(
    "lists a store of the six primitives once, and once more to know that nothing is left",
    () =>
      Effect.gen(function* () {
        const reads = none()
        yield* Effect.gen(function* () {
          const store = yield* SessionStore
          const over = { expiresAtMillis: Date.now() - 1000 }
          yield* Effect.forEach(Array.from({ length: 250 }), () => store.insert(aRecord(over)))

          expect(yield* collectAll(store, 20)).toBe(250)
        }).pipe(Effect.provide(derived(reads)))

        expect(reads.listings).toBe(2)
      })
  )

  it.scopedLive("goes on in the directory of the last batch", () =>
    Effect.gen(function* () {
      const reads = none()
      let shards = 0
      yield* Effect.gen(function* () {
        const store = yield* SessionStore
        const over = { expiresAtMillis: Date.now() - 1000 }
        const stored = Array.from({ length: 200 }, (_, index) => aRecord(index < 100 ? over : {}))
        yield* Effect.forEach(stored, store.insert)
        shards = new Set(stored.map(({ id }) => id.slice(0, 2))).size
        reads.directories = 0

        expect(yield* collectAll(store, 10)).toBe(100)
      }).pipe(Effect.provide(files(reads)))

      // All once, those in which a batch stopped once more, and all once more to know that nothing is left; for each of 11
      // batches the list of them, and once the directory with the names of the processes.
      expect(reads.directories).toBeLessThanOrEqual(2 * shards + 10 + 11 + 1)
    })
  )
})

describe("audit", () => {
  it.effect("gives the users of `suspicious` with their sessions, whatever their names are", () =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      const names = ["__proto__", "constructor", "7", "8"]
      const seen = names.flatMap((userId, index) =>
        Array.from({ length: 4 }, (_, number) =>
          aRecord({
            userId,
            ipAddress: `192.0.2.${Math.min(number, 3 - index)}`,
            nowMillis: number
          })
        )
      )
      yield* Effect.forEach([...seen, aRecord({ nowMillis: 0, ipAddress: "::1" })], store.insert)

      const audited = yield* SessionAdmin.audit({ within })
      const suspicious = yield* SessionAdmin.suspicious({ within })

      expect(audited.map(({ userId }) => userId)).toEqual(["__proto__", "constructor", "7"])
      expect(
        audited.map(({ addresses, sessions, userId }) => [userId, addresses, sessions.length])
      ).toEqual(suspicious.map(({ addresses, sessions, userId }) => [userId, addresses, sessions]))
      expect(audited[0]?.sessions.map(({ lastActivity }) => lastActivity.epochMillis)).toEqual([
        3, 2, 1, 0
      ])
    }).pipe(Effect.provide(Layer.sync(SessionStore, () => make(makeMemory(0, undefined)))))
  )
})

describe("figures", () => {
  it.scopedLive.each([
    ["a store of the six primitives", derived(none())],
    ["memory", Layer.sync(SessionStore, () => make(makeMemory(0, undefined)))]
  ] as const)("of %s are those of the single calls", ([, layer]) =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      yield* Effect.forEach(records, store.insert)

      expect(yield* SessionAdmin.figures({ within })).toEqual({
        usage: yield* SessionAdmin.usage,
        activeSessions: yield* SessionAdmin.countActive({ within }),
        activeUsers: yield* SessionAdmin.countActiveUsers({ within }),
        averageDuration: yield* SessionAdmin.averageDuration({ within }),
        hourly: yield* SessionAdmin.hourly({ within }),
        suspicious: yield* SessionAdmin.suspicious({ within })
      })
    }).pipe(Effect.provide(layer))
  )
})
