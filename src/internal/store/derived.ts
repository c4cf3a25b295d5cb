/**
 * The calls that `SessionStore.make` derives from the six primitives. Each works on any store, but needs several calls of
 * the store; a store that can do it in one overrides it.
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { isCollectable, isSpared, type SessionEntry, touched } from "../../core/record/record.js"
import type { SessionStoreError } from "../errors/errors.js"
import { sumOf } from "./collectAll.js"
import type { Primitives, Service } from "./contract.js"

/** How many removals of one call run at the same time. */
const concurrency = 8

/** How often `removeWhere` lists at most. */
const mostPasses = 5

/** Derives `insertMany`. */
export const insertMany =
  ({ insert }: Primitives): Service["insertMany"] =>
  (records) =>
    Effect.forEach(records, insert, { concurrency })

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

/**
 * Derives `collect`: lists what is over, and removes what has not ended yet or was kept long enough. What a limit leaves is
 * remembered, so that the next call need not list the store again.
 */
export const collect = (
  { entries, remove }: Primitives,
  keepEndedMillis: number
): Service["collect"] => {
  let left: Array<string> = []
  return (limit) =>
    Effect.gen(function* () {
      if (left.length < limit) {
        const now = yield* Clock.currentTimeMillis
        const due: Array<string> = []
        // Read to the end before the first removal, so that no store is changed while it is listed.
        yield* each(entries({ state: "over" }), (entry) => {
          if (isCollectable(entry, keepEndedMillis, now)) due.push(entry.id)
        })
        left = due
      }
      const due = left.splice(0, Math.max(0, limit))
      const removals = due.map((id) => Effect.either(Effect.as(remove(id), 1)))
      return yield* sumOf(yield* Effect.all(removals, { concurrency }))
    })
}

/**
 * Derives `removeWhere`: lists once, and removes what it finds. If a session that was listed is no longer there, it may have
 * changed its id twice since, so it lists again. Where one cannot be removed, it removes the others, then fails.
 */
export const removeWhere =
  (entries: Primitives["entries"], remove: Primitives["remove"]): Service["removeWhere"] =>
  (filter, options) =>
    Effect.gen(function* () {
      let total = 0
      if (filter.state === "over") return total
      for (let passes = 1; passes <= mostPasses; passes++) {
        const listed = yield* Stream.runCollect(entries({ ...filter, state: "live" }))
        const others = Chunk.filter(listed, (entry) => !isSpared(entry, options?.except))
        const removals = yield* Effect.forEach(others, ({ id }) => Effect.either(remove(id)), {
          concurrency
        })
        const removed = yield* Either.all(removals)
        const count = removed.filter(Option.isSome).length
        total += count
        if (count === removed.length) break
      }
      return total
    })

/** Derives `page`: lists all, and keeps the newest of those that come after the page before. */
export const page =
  (entries: Primitives["entries"]): Service["page"] =>
  (filter, { after, limit }) =>
    Effect.suspend(() => {
      const isLater = isAfter(after)
      let newest: Array<SessionEntry> = []
      const see = (entry: SessionEntry) => {
        if (!isLater(entry)) return
        newest.push(entry)
        if (newest.length > 2 * limit + 1000) newest = newest.sort(byCreation).slice(0, limit + 1)
      }
      const result = () => {
        const listed = newest.sort(byCreation).slice(0, limit)
        const last = newest.length > limit ? listed[limit - 1] : undefined
        return { entries: listed, next: Option.map(Option.fromNullable(last), placeOf) }
      }
      return Effect.map(each(entries(filter), see), result)
    })

const byCreation = (a: Place, b: Place): number =>
  b.createdAtMillis - a.createdAtMillis || (a.id < b.id ? -1 : 1)

type Place = Pick<SessionEntry, "createdAtMillis" | "id">

const placeOf = ({ createdAtMillis, id }: Place): string => `${createdAtMillis}-${id}`

const isAfter = (after: string | undefined): ((entry: Place) => boolean) => {
  const [, createdAtMillis, id] = after?.match(/^(\d{1,16})-([0-9a-f]{40})$/) ?? []
  if (createdAtMillis === undefined || id === undefined) return () => true
  const place = { createdAtMillis: Number(createdAtMillis), id }
  return (entry) => entry.id !== id && byCreation(place, entry) < 0
}

/** Shows each entry of a listing to `see`. */
export const each = (
  entries: ReturnType<Primitives["entries"]>,
  see: (entry: SessionEntry) => void
): Effect.Effect<void, SessionStoreError> =>
  Stream.runForEach(entries, (entry) => Effect.sync(() => see(entry)))
