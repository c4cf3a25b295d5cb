/** A revocation on files, in another process than the login in flight, while the clock of the host is set back. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { hostClock } from "../../src/internal/file/hostClock.js"
import { isRevoked, type Mark, makeMark } from "../../src/internal/store/revocations.js"
import { LocalInstant } from "../../src/SessionStore.js"
import { aDirectory, openStore, startWorker } from "../faults/workers/spawn.js"

const user = { namespace: "faults", userId: "ann" }
const hasHostClock = existsSync("/proc/sys/kernel/random/boot_id")

const revokedElsewhere = (directory: string) =>
  Effect.flatMap(startWorker("revokeBehind", directory, user.userId), ({ ended, said }) =>
    Effect.promise(() => Promise.all([said("revoked"), ended]))
  )

describe.runIf(hasHostClock)("revokedWithin of the filesystem store", () => {
  it.scopedLive("finds what another process revoked after its wall clock was set back", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const store = yield* openStore({ directory })
      const since = LocalInstant.now()

      yield* revokedElsewhere(directory)

      expect(yield* store.revokedWithin({ ...user, since })).toBe(true)
    })
  )

  it.scopedLive("lets a login in that began after the wall clock was set back", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const store = yield* openStore({ directory })
      yield* revokedElsewhere(directory)

      const { monotonicMillis, wallMillis } = LocalInstant.now()
      const since = { monotonicMillis, wallMillis: wallMillis - 2 * 3_600_000 }

      expect(yield* store.revokedWithin({ ...user, since })).toBe(false)
    })
  )

  it.scopedLive("shows its mark in no listing", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const store = yield* openStore({ directory })
      yield* store.revokeUser(user)

      expect(yield* Stream.runCount(store.entries({ state: "all" }))).toBe(0)
      expect(yield* store.removeWhere({ namespace: "effect-session/revocations" })).toBe(0)
      const files = readdirSync(directory, { recursive: true }).map(String)
      const mark = files.find((name) => name.includes("sess_")) ?? ""
      expect(readFileSync(join(directory, mark), "utf8")).toContain('"shared":{"from":')
    })
  )
})

describe("a mark of another process", () => {
  const since = { wallMillis: 1000, monotonicMillis: 5 }
  const mark: Mark = { wallMillis: 900, monotonicMillis: 5, process: "other", except: null }
  const clock = {
    now: () => ({ from: "here", millis: 70 }),
    instantOf: () => ({ from: "here", millis: 50 })
  }

  it("is compared by the shared clock where both count from the same", () => {
    const at = (millis: number) =>
      isRevoked([{ ...mark, shared: { from: "here", millis } }], since, undefined, clock)

    expect([at(49), at(50), at(51)]).toEqual([false, true, true])
  })

  it("is compared by the wall clock where it has no shared instant, or one from elsewhere", () => {
    const shared = { from: "there", millis: 51 }
    const later = { ...mark, wallMillis: 1000 }
    const none = { now: () => undefined, instantOf: () => undefined }

    expect(isRevoked([mark, { ...mark, shared }], since, undefined, clock)).toBe(false)
    expect(isRevoked([later], since, undefined, clock)).toBe(true)
    expect(isRevoked([{ ...later, shared }], since, undefined, clock)).toBe(true)
    expect(isRevoked([{ ...mark, shared }], since, undefined, none)).toBe(false)
  })
})

describe.runIf(hasHostClock)("the clock of the host", () => {
  it("puts an instant of this process no later than it was, and not long before", () => {
    const before = hostClock.now()
    const instant = hostClock.instantOf(LocalInstant.now())
    const after = hostClock.now()

    expect(new Set([before?.from, instant?.from, after?.from]).size).toBe(1)
    expect(instant?.millis).toBeLessThanOrEqual(after?.millis ?? 0)
    expect(instant?.millis).toBeGreaterThan((before?.millis ?? 0) - 1000)
  })

  it("is noted in a mark that is made by it", () => {
    expect(makeMark(undefined, hostClock).shared?.from).toBe(hostClock.now()?.from)
    expect(makeMark(undefined).shared).toBeUndefined()
  })
})
