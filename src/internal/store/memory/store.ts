/** The memory store: `MemoryRecords` behind the contract. Each call is one synchronous step, so it is atomic. */

import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { withNow } from "../../effect/fiber.js"
import type { Overrides, Primitives, Service } from "../contract.js"
import { keepsTime } from "../deadline.js"
import { make } from "../make.js"
import { addMark, isRevoked, type Mark, makeMark } from "../revocations.js"
import { MemoryRecords } from "./records.js"

const atNow = <A>(step: (nowMillis: number) => A): Effect.Effect<A> =>
  withNow((nowMillis) => Effect.succeed(step(nowMillis)))

/** Makes the primitives and overrides of a new, empty memory store. */
export const makeMemory = (
  keepEndedMillis: number,
  maxSessions: number | undefined
): Primitives & Pick<Service, "touch"> & Overrides => {
  const records = new MemoryRecords(keepEndedMillis, maxSessions)
  const marks = new MemoryMarks()
  return {
    find: (id) => atNow((now) => Option.fromNullable(records.find(id, now))),
    insert: (record) => atNow((now) => records.insert(record, now)),
    update: (record, expectedVersion) =>
      atNow((now) => records.update(record, expectedVersion, now)),
    move: (fromId, record, expectedVersion) =>
      atNow((now) => records.move(fromId, record, expectedVersion, now)),
    remove: (id) => atNow((now) => Option.fromNullable(records.remove(id, now))),
    entries: (filter) =>
      Stream.unwrap(atNow((now) => Stream.fromIterable(records.select(filter, now)))),
    touch: (id, version, lastActivityMillis, expiresAtMillis) =>
      atNow((now) => records.touch(id, version, lastActivityMillis, expiresAtMillis, now)),
    collect: (limit) => atNow((now) => records.collect(limit, now)),
    count: (filter) =>
      atNow((now) => {
        const entries = records.select(filter, now)
        const users = new Set(entries.map(({ userId }) => userId))
        users.delete(null)
        return { sessions: entries.length, users: users.size }
      }),
    removeWhere: (filter, options) =>
      atNow((now) => records.removeWhere(filter, options?.except, now)),
    revokeUser: ({ namespace, userId, except }) =>
      atNow((now) => {
        marks.add(namespace, userId, except)
        return records.removeWhere({ namespace, userId }, except, now)
      }),
    revokedWithin: ({ namespace, userId, since, exceptId }) =>
      Effect.sync(() => isRevoked(marks.of(namespace, userId), since, exceptId))
  }
}

const memoryStores = new WeakSet<Service>()

/** Makes the whole service of a new, empty memory store. */
export const makeMemoryStore = (
  keepEndedMillis = 0,
  maxSessions: number | undefined = undefined
): Service => {
  const store = keepsTime(
    make(makeMemory(keepEndedMillis, maxSessions), { keepEnded: keepEndedMillis })
  )
  memoryStores.add(store)
  return store
}

/**
 * Tells whether this store itself is one in memory: none of its writes fails in doubt, and it hands out the records it was given.
 * Of a store that wraps it neither is sure.
 */
export const isMemoryStore = (store: Service): boolean => memoryStores.has(store)

const lifetimeMillis = 24 * 60 * 60 * 1000

/** The revocation marks of one memory store, by namespace and user, each kept for a day. */
class MemoryMarks {
  /** In the order of each user's newest mark, the oldest first. */
  private readonly marksOfUser = new Map<string, ReadonlyArray<Mark>>()

  add(namespace: string, userId: string, except: string | undefined): void {
    this.forgetOld()
    const key = keyOf(namespace, userId)
    const marks = addMark(this.marksOfUser.get(key) ?? [], makeMark(except))
    // Deleted first, so that the key goes to the end of the map.
    this.marksOfUser.delete(key)
    this.marksOfUser.set(key, marks)
  }

  of(namespace: string, userId: string): ReadonlyArray<Mark> {
    return this.marksOfUser.get(keyOf(namespace, userId)) ?? []
  }

  private forgetOld(): void {
    const oldestMillis = performance.now() - lifetimeMillis
    for (const [key, [newest]] of this.marksOfUser) {
      if (newest !== undefined && newest.monotonicMillis >= oldestMillis) return
      this.marksOfUser.delete(key)
    }
  }
}

const keyOf = (namespace: string, userId: string): string => JSON.stringify([namespace, userId])
