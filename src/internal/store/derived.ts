/**
 * The calls that `SessionStore.make` derives from the six primitives. Each works on any store, but needs several calls of
 * the store; a store that can do it in one overrides it.
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { isCollectable, isSpared, touched } from "../../core/record/record.js"
import type { Primitives, Service } from "./contract.js"

/** How many removals of one call run at the same time. */
const concurrency = 8

/** How often `removeWhere` lists: a session that changes its id during one listing may be missing in it. */
const fewestPasses = 2
const mostPasses = 5

/** Derives `touch`: an update without a new version. Of two touches at once, the one with the earlier instants may win. */
export const touch =
  ({ find, update }: Primitives): Service["touch"] =>
  (id, version, lastActivityMillis, expiresAtMillis) =>
    Effect.flatMap(find(id), (found) => {
      if (Option.isNone(found)) return Effect.succeed(false)
      const record = found.value
      if (record.id !== id || record.version !== version) return Effect.succeed(false)
      return update(touched(record, lastActivityMillis, expiresAtMillis), version)
    })

/** Derives `collect`: lists what is over and removes what has not ended yet or was kept long enough. */
export const collect =
  ({ entries, remove }: Primitives, keepEndedMillis: number): Service["collect"] =>
  (limit) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      // Read to the end before the first removal, so that no store is changed while it is listed.
      const due = yield* entries({ state: "over" }).pipe(
        Stream.filter((entry) => isCollectable(entry, keepEndedMillis, now)),
        Stream.take(Math.max(0, limit)),
        Stream.runCollect
      )
      yield* Effect.forEach(due, ({ id }) => remove(id), { concurrency, discard: true })
      return Chunk.size(due)
    })

/** Derives `count`. */
export const count =
  (entries: Primitives["entries"]): Service["count"] =>
  (filter) =>
    Effect.suspend(() => {
      const users = new Set<string>()
      let sessions = 0
      return Effect.map(
        Stream.runForEach(entries(filter), ({ userId }) =>
          Effect.sync(() => {
            sessions += 1
            if (userId !== null) users.add(userId)
          })
        ),
        () => ({ sessions, users: users.size })
      )
    })

/** Derives `removeWhere`: lists and removes until a listing shows nothing more to end. */
export const removeWhere =
  (entries: Primitives["entries"], remove: Primitives["remove"]): Service["removeWhere"] =>
  (filter, options) => {
    if (filter.state === "over") return Effect.succeed(0)
    const except = options?.except
    const pass = Effect.gen(function* () {
      const listed = yield* Stream.runCollect(entries({ ...filter, state: "live" }))
      const others = Chunk.filter(listed, (entry) => !isSpared(entry, except))
      const removed = yield* Effect.forEach(others, ({ id }) => remove(id), { concurrency })
      return removed.filter(Option.isSome).length
    })
    return Effect.gen(function* () {
      let total = 0
      for (let passes = 1; passes <= mostPasses; passes++) {
        const removed = yield* pass
        total += removed
        if (removed === 0 && passes >= fewestPasses) break
      }
      return total
    })
  }
