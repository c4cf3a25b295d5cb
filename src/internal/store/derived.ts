/**
 * What `SessionStore.make` derives from the six primitives, one function a method. Each works on any store, at the price
 * of more than one call; a store that can do better overrides it.
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { SessionEntry } from "../../core/record/record.js"
import type { Primitives, Service } from "./contract.js"

/** Removals of one call that run at the same time. */
const concurrency = 8

/** Passes of one `removeWhere`: a session that moves while it is listed can escape one pass. */
const fewestPasses = 2
const mostPasses = 5

/**
 * Derives `touch`: an update at the version that was found. Two touches at once may leave the earlier of the two
 * instants, which costs nothing but precision.
 */
export const touch =
  ({ find, update }: Primitives): Service["touch"] =>
  (id, version, lastActivityMillis, expiresAtMillis) =>
    Effect.flatMap(find(id), (found) => {
      if (Option.isNone(found)) return Effect.succeed(false)
      const record = found.value
      if (record.id !== id || record.version !== version) return Effect.succeed(false)
      const touched = {
        ...record,
        lastActivityMillis: Math.max(record.lastActivityMillis, lastActivityMillis),
        expiresAtMillis: Math.max(record.expiresAtMillis, expiresAtMillis)
      }
      return update(touched, version)
    })

/** True when `remove` has something to do for a session that is over. */
const isDue = (summary: SessionEntry, keepEndedMillis: number, nowMillis: number): boolean =>
  summary.endedAtMillis === null || summary.endedAtMillis + keepEndedMillis <= nowMillis

/** Derives `collect`: lists what is over and removes what is due. */
export const collect =
  ({ entries, remove }: Primitives, keepEndedMillis: number): Service["collect"] =>
  (limit) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      // Read to the end before the first removal, so that no store is changed while it is listed.
      const due = yield* entries({ state: "over" }).pipe(
        Stream.filter((summary) => isDue(summary, keepEndedMillis, now)),
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

/** Derives `removeWhere`: lists and removes until a pass finds nothing. */
export const removeWhere =
  (entries: Primitives["entries"], remove: Primitives["remove"]): Service["removeWhere"] =>
  (filter, options) => {
    if (filter.state === "over") return Effect.succeed(0)
    const except = options?.except
    const isSpared = (summary: SessionEntry) =>
      except !== undefined && (summary.id === except || summary.previousId === except)
    const pass = Effect.gen(function* () {
      const listed = yield* Stream.runCollect(entries({ ...filter, state: "live" }))
      const ids = Chunk.toReadonlyArray(listed).flatMap((one) => (isSpared(one) ? [] : [one.id]))
      const ended = yield* Effect.forEach(ids, (id) => remove(id), { concurrency })
      return ended.filter(Option.isSome).length
    })
    return Effect.gen(function* () {
      let total = 0
      for (let passes = 1; passes <= mostPasses; passes++) {
        const ended = yield* pass
        total += ended
        if (ended === 0 && passes >= fewestPasses) break
      }
      return total
    })
  }
