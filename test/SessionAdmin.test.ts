import { NodeContext } from "@effect/platform-node"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as FileSystemSessionStore from "../src/FileSystemSessionStore.js"
import * as SessionAdmin from "../src/SessionAdmin.js"
import type { SessionRecord } from "../src/SessionStore.js"
import { layerMemoryWith, make, SessionStore, SessionStoreError } from "../src/SessionStore.js"
import { aDirectory } from "./faults/workers/spawn.js"

const keepEnded = "7 days"

const files = Layer.unwrapScoped(
  Effect.map(aDirectory, (directory) =>
    FileSystemSessionStore.layer({ directory, fsync: false, keepEnded })
  )
).pipe(Layer.provide(NodeContext.layer))

const stores = [
  ["memory", layerMemoryWith({ keepEnded })],
  ["files", files]
] as const

const minute = 60_000
const hour = 60 * minute
// A Tuesday, 10:30 UTC: what the TestClock shows at the beginning of each test.
const start = Date.UTC(2024, 4, 14, 10, 30)

const idOf = (name: string) => Buffer.from(name).toString("hex").padEnd(40, "0")

interface Given extends Partial<SessionRecord> {
  /** How long ago the session was created and last active. */
  readonly createdAgo?: number
  readonly activeAgo?: number
}

const store = (name: string, { createdAgo = 0, activeAgo = 0, ...given }: Given = {}) =>
  Effect.gen(function* () {
    const record: SessionRecord = {
      id: idOf(name),
      namespace: "session",
      userId: "ann",
      ipAddress: "192.0.2.1",
      userAgent: "test",
      createdAtMillis: start - Math.max(createdAgo, activeAgo),
      lastActivityMillis: start - activeAgo,
      expiresAtMillis: start + 2 * hour,
      endedAtMillis: null,
      version: 1,
      previous: null,
      payload: "secret",
      ...given
    }
    const inserted = yield* Effect.flatMap(SessionStore, (service) => service.insert(record))
    expect(inserted).toBe(true)
    return record
  })

const names = (summaries: Iterable<SessionAdmin.SessionSummary>) =>
  Array.from(summaries, ({ id }) => Buffer.from(id, "hex").toString().replaceAll("\0", ""))

const utc = (text: string) => DateTime.unsafeMake(text)

for (const [storeName, layer] of stores) {
  const test = <E>(name: string, body: Effect.Effect<void, E, SessionStore>) =>
    it.scoped(`${name} (${storeName})`, () =>
      Effect.zipRight(TestClock.setTime(start), Effect.provide(body, layer))
    )

  describe("lists", () => {
    test(
      "active shows the most recent first, guests too, and nothing from before",
      Effect.gen(function* () {
        yield* store("old", { activeAgo: 6 * minute })
        yield* store("b", { activeAgo: 5 * minute })
        yield* store("a", { activeAgo: minute, userId: null })
        yield* store("admin", { namespace: "admin" })

        const found = yield* SessionAdmin.active({ within: "5 minutes" })

        expect(names(found)).toEqual(["a", "b"])
      })
    )

    test(
      "active of all times shows every live session",
      Effect.gen(function* () {
        yield* store("a", { activeAgo: 24 * 365 * hour })

        const found = yield* SessionAdmin.active({ within: Duration.infinity })

        expect(names(found)).toEqual(["a"])
      })
    )

    test(
      "pages go from the newest session to the oldest, and the last one has no next",
      Effect.gen(function* () {
        for (const [name, createdAgo] of [
          ["a", minute],
          ["b", hour],
          ["c", 2 * hour]
        ] as const) {
          yield* store(name, { createdAgo })
        }
        yield* store("admin", { namespace: "admin" })

        const first = yield* SessionAdmin.page({ limit: 2 })
        const second = yield* SessionAdmin.page({ limit: 2, after: Option.getOrThrow(first.next) })

        expect(names(first.sessions)).toEqual(["a", "b"])
        expect(names(second.sessions)).toEqual(["c"])
        expect(second.next).toEqual(Option.none())
      })
    )

    test(
      "a page restricts what it lists as a stream does, and nobody has no page",
      Effect.gen(function* () {
        yield* store("mine", { activeAgo: minute })
        yield* store("old", { activeAgo: hour })
        yield* store("other", { userId: "bob" })
        const pageOf = (options: Parameters<typeof SessionAdmin.page>[0]) =>
          Effect.map(SessionAdmin.page(options), ({ sessions }) => names(sessions))

        expect(yield* pageOf({ userId: "ann", within: "5 minutes" })).toEqual(["mine"])
        expect(yield* pageOf({ userId: "" })).toEqual([])
        expect(yield* pageOf({ userId: "ann\0" })).toEqual([])
        expect(yield* pageOf({ state: "over" })).toEqual([])
      })
    )

    test(
      "ended and expired sessions are in no list of live ones, and are no longer found",
      Effect.gen(function* () {
        yield* store("ended")
        yield* store("expired", { expiresAtMillis: start + minute })
        yield* store("a")
        yield* SessionAdmin.revoke(idOf("ended"))
        yield* TestClock.adjust(minute)

        expect(names(yield* SessionAdmin.active({ within: "1 hour" }))).toEqual(["a"])
        expect(names(yield* SessionAdmin.ofUser("ann"))).toEqual(["a"])
        expect(yield* SessionAdmin.countActive({ within: "1 hour" })).toBe(1)
        expect(yield* SessionAdmin.get(idOf("ended"))).toEqual(Option.none())
        expect(yield* SessionAdmin.get(idOf("expired"))).toEqual(Option.none())
      })
    )

    test(
      "stream lists live sessions, those that are over, or all, and tells when they ended",
      Effect.gen(function* () {
        yield* store("ended")
        yield* store("expired", { expiresAtMillis: start + minute })
        yield* store("a")
        yield* SessionAdmin.revoke(idOf("ended"))
        yield* TestClock.adjust(2 * minute)
        const listed = (state?: "live" | "over" | "all") =>
          Effect.map(Stream.runCollect(SessionAdmin.stream({ state })), Chunk.toReadonlyArray)

        const [live, over, all] = [yield* listed(), yield* listed("over"), yield* listed("all")]

        expect(names(live)).toEqual(["a"])
        expect(names(over).sort()).toEqual(["ended", "expired"])
        expect(names(all).sort()).toEqual(["a", "ended", "expired"])
        const ends = new Map(all.map(({ id, endedAt }) => [id, endedAt]))
        expect(ends.get(idOf("a"))).toEqual(Option.none())
        expect(ends.get(idOf("ended"))).toEqual(Option.some(utc("2024-05-14T10:30:00Z")))
        expect(ends.get(idOf("expired"))).toEqual(Option.some(utc("2024-05-14T10:31:00Z")))
      })
    )

    test(
      "stream restricts to a user, a time and a namespace",
      Effect.gen(function* () {
        yield* store("a")
        yield* store("old", { activeAgo: hour })
        yield* store("bob", { userId: "bob" })
        yield* store("admin", { namespace: "admin" })
        const listed = (options: SessionAdmin.Listing) =>
          Effect.map(Stream.runCollect(SessionAdmin.stream(options)), names)

        expect(yield* listed({ userId: "ann", within: "1 minute" })).toEqual(["a"])
        expect(yield* listed({ namespace: "admin" })).toEqual(["admin"])
      })
    )

    test(
      "get tells everything but the payload, as plain JSON",
      Effect.gen(function* () {
        yield* store("a", { createdAgo: hour, activeAgo: minute, userAgent: null })

        const found = Option.getOrThrow(yield* SessionAdmin.get(idOf("a")))

        expect(Schema.encodeSync(SessionAdmin.SessionSummary)(found)).toEqual({
          id: idOf("a"),
          userId: "ann",
          ipAddress: "192.0.2.1",
          userAgent: null,
          createdAt: "2024-05-14T09:30:00.000Z",
          lastActivity: "2024-05-14T10:29:00.000Z",
          expiresAt: "2024-05-14T12:30:00.000Z",
          endedAt: null,
          payloadBytes: 6
        })
        expect(JSON.stringify(found)).not.toContain("secret")
      })
    )

    test(
      "get finds neither by a previous id nor in another namespace",
      Effect.gen(function* () {
        const previous = {
          id: idOf("old"),
          kind: "alias",
          untilMillis: start + minute,
          sealedToken: null
        } as const
        yield* store("a", { previous })

        expect(yield* SessionAdmin.get(idOf("old"))).toEqual(Option.none())
        expect(yield* SessionAdmin.get(idOf("a"), { namespace: "admin" })).toEqual(Option.none())
      })
    )
  })

  describe("figures", () => {
    test(
      "suspicious shows who was seen from several addresses, the most addresses first",
      Effect.gen(function* () {
        for (const [index, ip] of ["203.0.113.9", "192.0.2.1", "192.0.2.1"].entries()) {
          yield* store(`ann${index}`, { ipAddress: ip })
        }
        for (const ip of ["1", "2", "3"]) {
          yield* store(`bob${ip}`, { userId: "bob", ipAddress: `192.0.2.${ip}` })
        }
        yield* store("c1", { userId: "cy", ipAddress: "192.0.2.1" })
        yield* store("c2", { userId: "cy", ipAddress: "192.0.2.2", activeAgo: 2 * hour })
        yield* store("g1", { userId: null, ipAddress: "192.0.2.1" })
        yield* store("g2", { userId: null, ipAddress: "192.0.2.2" })

        const users = yield* SessionAdmin.suspicious({ within: "1 hour" })
        const ofAnn = yield* SessionAdmin.suspicious({ within: "1 hour", userId: "ann" })

        const ann = { userId: "ann", addresses: ["192.0.2.1", "203.0.113.9"], sessions: 3 }
        const addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
        expect(users.map((user) => ({ ...user }))).toEqual([
          { userId: "bob", addresses, sessions: 3 },
          ann
        ])
        expect(ofAnn.map((user) => ({ ...user }))).toEqual([ann])
      })
    )

    test(
      "suspicious remembers a session that was revoked",
      Effect.gen(function* () {
        yield* store("home")
        yield* store("thief", { ipAddress: "203.0.113.9" })
        yield* SessionAdmin.revoke(idOf("thief"))

        const [user] = yield* SessionAdmin.suspicious({ within: "1 hour" })

        expect(user?.addresses).toEqual(["192.0.2.1", "203.0.113.9"])
      })
    )

    test(
      "hourly shows each hour that the time touches, one without sessions with 0",
      Effect.gen(function* () {
        yield* store("a", { createdAgo: 2 * hour, activeAgo: hour + 31 * minute })
        yield* store("b", { createdAgo: hour })
        yield* store("guest", { userId: null })
        yield* store("admin", { namespace: "admin" })

        const hours = yield* SessionAdmin.hourly({ within: "3 hours" })

        expect(Schema.encodeSync(Schema.Array(SessionAdmin.Hour))(hours)).toEqual([
          { start: "2024-05-14T07:00:00.000Z", sessions: 0, users: 0 },
          { start: "2024-05-14T08:00:00.000Z", sessions: 1, users: 1 },
          { start: "2024-05-14T09:00:00.000Z", sessions: 1, users: 1 },
          { start: "2024-05-14T10:00:00.000Z", sessions: 2, users: 1 }
        ])
      })
    )

    test(
      "hourly still counts a session that logged out, until it is no longer kept",
      Effect.gen(function* () {
        yield* store("a")
        yield* SessionAdmin.revoke(idOf("a"))
        yield* TestClock.adjust("6 days")
        const during = yield* SessionAdmin.hourly({ within: "6 days" })
        yield* TestClock.adjust("2 days")
        yield* Effect.flatMap(SessionStore, (service) => service.collect(100))
        const after = yield* SessionAdmin.hourly({ within: "8 days" })

        expect(during.length).toBe(6 * 24 + 1)
        expect(during.map(({ sessions }) => sessions).slice(0, 2)).toEqual([1, 0])
        expect(after.every(({ sessions }) => sessions === 0)).toBe(true)
      })
    )

    test(
      "hourly of a time of nothing is the present hour",
      Effect.gen(function* () {
        const hours = yield* SessionAdmin.hourly({ within: 0 })

        expect(hours.map((one) => one.start)).toEqual([utc("2024-05-14T10:00:00Z")])
      })
    )

    test(
      "averageDuration is from creation to last activity, of ended sessions too",
      Effect.gen(function* () {
        yield* store("a", { createdAgo: hour })
        yield* store("b", { createdAgo: hour, activeAgo: 30 * minute, userId: null })
        yield* store("expired", { createdAgo: 3 * hour, expiresAtMillis: start + minute })
        yield* store("before", { createdAgo: 9 * hour, activeAgo: 2 * hour })
        yield* SessionAdmin.revoke(idOf("b"))
        yield* TestClock.adjust(minute)

        const average = yield* SessionAdmin.averageDuration({ within: "1 hour" })

        expect(average).toEqual(Option.some(Duration.minutes(90)))
      })
    )

    test(
      "averageDuration of no sessions is none",
      Effect.gen(function* () {
        expect(yield* SessionAdmin.averageDuration({ within: "1 hour" })).toEqual(Option.none())
      })
    )

    test(
      "usage tells live sessions, ended ones and the bytes of the payloads",
      Effect.gen(function* () {
        yield* store("a", { payload: "é" })
        yield* store("b", { userId: null })
        yield* store("ended")
        yield* store("admin", { namespace: "admin", payload: "x" })
        yield* SessionAdmin.revoke(idOf("ended"))

        const [here, there] = [
          yield* SessionAdmin.usage,
          yield* SessionAdmin.usageWith({ namespace: "admin" })
        ]

        expect({ ...here }).toEqual({ sessions: 2, ended: 1, payloadBytes: 8 })
        expect({ ...there }).toEqual({ sessions: 1, ended: 0, payloadBytes: 1 })
      })
    )
  })

  describe("revocations", () => {
    test(
      "usage and revokeAll take no parentheses where there is nothing to say",
      Effect.gen(function* () {
        yield* store("a")
        yield* store("admin", { namespace: "admin" })

        expect(yield* SessionAdmin.usage).toEqual(yield* SessionAdmin.usage)
        expect(yield* SessionAdmin.revokeAll.pipe(Effect.map((count) => count + 1))).toBe(2)
        expect((yield* SessionAdmin.usageWith({ namespace: "admin" })).sessions).toBe(1)
      })
    )

    test(
      "revoke takes the id a session had before, also after its grace",
      Effect.gen(function* () {
        const previous = {
          id: idOf("old"),
          kind: "quarantine",
          untilMillis: start - 1,
          sealedToken: null
        } as const
        yield* store("a", { previous })

        expect(yield* SessionAdmin.revoke(idOf("old"))).toBe(true)
        expect(yield* SessionAdmin.get(idOf("a"))).toEqual(Option.none())
      })
    )

    test(
      "revoke leaves a session of another namespace alone",
      Effect.gen(function* () {
        yield* store("admin", { namespace: "admin" })

        expect(yield* SessionAdmin.revoke(idOf("admin"))).toBe(false)
        expect(yield* SessionAdmin.countActive({ within: "1 hour", namespace: "admin" })).toBe(1)
      })
    )

    test(
      "revoke tells of a session that was revoked before that there is none",
      Effect.gen(function* () {
        yield* store("a")
        yield* SessionAdmin.revoke(idOf("a"))

        expect(yield* SessionAdmin.revoke(idOf("a"))).toBe(false)
      })
    )

    test(
      "revokeUser spares a session by its last id",
      Effect.gen(function* () {
        const previous = {
          id: idOf("old"),
          kind: "quarantine",
          untilMillis: start - 1,
          sealedToken: null
        } as const
        yield* store("a", { previous })
        yield* store("b")

        expect(yield* SessionAdmin.revokeUser("ann", { except: idOf("old") })).toBe(1)
        expect(names(yield* SessionAdmin.ofUser("ann"))).toEqual(["a"])
      })
    )

    test(
      "revokeAll ends the sessions of a namespace, guests too, and of no other",
      Effect.gen(function* () {
        yield* store("a")
        yield* store("guest", { userId: null })
        yield* store("admin", { namespace: "admin" })

        expect(yield* SessionAdmin.revokeAll).toBe(2)
        expect(yield* SessionAdmin.countActive({ within: "1 hour" })).toBe(0)
        expect(yield* SessionAdmin.countActive({ within: "1 hour", namespace: "admin" })).toBe(1)
      })
    )
  })
}

describe("SessionAdmin", () => {
  it.effect("hourly of more than ten years dies with a sentence", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(SessionAdmin.hourly({ within: Duration.infinity }))

      expect(Exit.isFailure(exit) && String(exit.cause)).toMatch(
        /The session setting within must be at most 3660 days\./
      )
    }).pipe(Effect.provide(layerMemoryWith({})))
  )

  it.effect("revoke ends a session that the store cannot read", () =>
    Effect.gen(function* () {
      const memory = yield* SessionStore
      const damaged = make({
        ...memory,
        find: () => Effect.fail(new SessionStoreError({ operation: "find", reason: "corrupt" }))
      })
      yield* store("a")

      const ended = yield* Effect.provideService(
        SessionAdmin.revoke(idOf("a")),
        SessionStore,
        damaged
      )

      expect(ended).toBe(true)
      expect(yield* memory.find(idOf("a"))).toEqual(Option.none())
    }).pipe(Effect.provide(layerMemoryWith({})))
  )

  it.effect("revoke fails where the store cannot be reached", () =>
    Effect.gen(function* () {
      const down = new SessionStoreError({ operation: "find", reason: "unavailable" })
      const unreachable = make({ ...(yield* SessionStore), find: () => Effect.fail(down) })

      const failure = yield* Effect.flip(
        Effect.provideService(SessionAdmin.revoke(idOf("a")), SessionStore, unreachable)
      )

      expect(failure).toBe(down)
    }).pipe(Effect.provide(layerMemoryWith({})))
  )
})
