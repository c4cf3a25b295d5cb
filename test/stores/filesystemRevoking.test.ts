/** A revocation on files, in another process than the login in flight. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { LocalInstant } from "../../src/SessionStore.js"
import { aDirectory, openStore, startWorker } from "../faults/workers/spawn.js"

const user = { namespace: "faults", userId: "ann" }

const revokedElsewhere = (directory: string) =>
  Effect.flatMap(startWorker("revoke", directory, user.userId), ({ ended, said }) =>
    Effect.promise(() => Promise.all([said("revoked"), ended]))
  )

describe("a revocation of the filesystem store", () => {
  it.scopedLive("is found by a login in another process that began before it", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const store = yield* openStore({ directory })
      const since = LocalInstant.now()

      yield* revokedElsewhere(directory)

      expect(yield* store.revokedWithin({ ...user, since })).toBe(true)
    })
  )

  it.scopedLive("is not found by a login whose wall clock was later when it began", () =>
    Effect.gen(function* () {
      const directory = yield* aDirectory
      const store = yield* openStore({ directory })
      yield* revokedElsewhere(directory)

      const { monotonicMillis, wallMillis } = LocalInstant.now()
      const since = { monotonicMillis, wallMillis: wallMillis + 1 }

      expect(yield* store.revokedWithin({ ...user, since })).toBe(false)
    })
  )

  it.scopedLive("leaves a mark that is in no listing and that nothing removes", () =>
    Effect.gen(function* () {
      const store = yield* openStore({ directory: yield* aDirectory })
      const since = LocalInstant.now()
      yield* store.revokeUser(user)

      expect(yield* Stream.runCount(store.entries({ state: "all" }))).toBe(0)
      expect(yield* store.removeWhere({ namespace: "effect-session/revocations" })).toBe(0)
      expect(yield* store.removeWhere({})).toBe(0)
      expect(yield* store.revokedWithin({ ...user, since })).toBe(true)
    })
  )
})
