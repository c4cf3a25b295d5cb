/**
 * The memory store: `MemoryRecords` behind the service's signatures. Each method is one synchronous step, hence atomic.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Overrides, Primitives, Service } from "../contract.js"
import type { Mark } from "../revocations.js"
import { addMark, isRevoked, makeMark, namespaceOfMarks } from "../revocations.js"
import { fromStep } from "../synchronous.js"
import { MemoryRecords } from "./records.js"

const atNow = <A>(step: (nowMillis: number) => A): Effect.Effect<A> =>
  Effect.clockWith((clock) => Effect.succeed(step(clock.unsafeCurrentTimeMillis())))

const markLifetimeMillis = 24 * 60 * 60 * 1000

/** The revocations of one memory store, each kept for a day. */
class MemoryMarks {
  private readonly marksOfUser = new Map<string, ReadonlyArray<Mark>>()

  add(namespace: string, userId: string, except: string | undefined): void {
    this.forgetOld()
    const key = JSON.stringify([namespace, userId])
    const marks = addMark(this.marksOfUser.get(key) ?? [], makeMark(except))
    // Deleted first, so that the map stays in the order of the newest marks.
    this.marksOfUser.delete(key)
    this.marksOfUser.set(key, marks)
  }

  of(namespace: string, userId: string): ReadonlyArray<Mark> {
    return this.marksOfUser.get(JSON.stringify([namespace, userId])) ?? []
  }

  private forgetOld(): void {
    const oldest = performance.now() - markLifetimeMillis
    for (const [key, marks] of this.marksOfUser) {
      if (marks.some((mark) => mark.monotonicMillis >= oldest)) return
      this.marksOfUser.delete(key)
    }
  }
}

/** Makes the primitives and overrides of a new, empty memory store. */
export const makeMemory = (
  keepEndedMillis: number,
  maxSessions: number | undefined
): Primitives & Pick<Service, "touch"> & Overrides => {
  const records = new MemoryRecords(keepEndedMillis, maxSessions)
  const marks = new MemoryMarks()
  // Leases are records of the library's own.
  const listed = (filter: Parameters<Primitives["entries"]>[0], now: number) =>
    records.select(filter, now).filter(({ namespace }) => namespace !== namespaceOfMarks)
  const removeAll = (
    filter: Parameters<Primitives["entries"]>[0],
    except: string | undefined,
    now: number
  ): number => {
    if (filter.state === "over") return 0
    let ended = 0
    for (const { id, previousId } of listed({ ...filter, state: "live" }, now)) {
      if (except !== undefined && (id === except || previousId === except)) continue
      if (records.remove(id, now) !== undefined) ended += 1
    }
    return ended
  }
  return {
    find: fromStep((now, id) => Option.fromNullable(records.find(id, now))),
    insert: fromStep((now, record) => records.insert(record, now)),
    update: fromStep((now, record, expectedVersion) =>
      records.update(record, expectedVersion, now)
    ),
    move: fromStep((now, fromId, record, expectedVersion) =>
      records.move(fromId, record, expectedVersion, now)
    ),
    remove: fromStep((now, id) => Option.fromNullable(records.remove(id, now))),
    entries: (filter) =>
      Stream.unwrap(atNow((now) => Stream.fromIterable(records.select(filter, now)))),
    touch: fromStep((now, id, version, lastActivityMillis, expiresAtMillis) =>
      records.touch(id, version, lastActivityMillis, expiresAtMillis, now)
    ),
    collect: (limit) => atNow((now) => records.collect(limit, now)),
    count: (filter) =>
      atNow((now) => {
        const selected = listed(filter, now)
        const users = new Set(selected.map(({ userId }) => userId))
        users.delete(null)
        return { sessions: selected.length, users: users.size }
      }),
    removeWhere: (filter, options) => atNow((now) => removeAll(filter, options?.except, now)),
    revokeUser: ({ namespace, userId, except }) =>
      atNow((now) => {
        marks.add(namespace, userId, except)
        return removeAll({ namespace, userId }, except, now)
      }),
    revokedWithin: ({ namespace, userId, since, exceptId }) =>
      Effect.sync(() => isRevoked(marks.of(namespace, userId), since, exceptId))
  }
}
