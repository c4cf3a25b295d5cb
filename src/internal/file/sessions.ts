/**
 * Reading sessions, without a lock.
 *
 * A move from A to B is: the file of B is written under a name that is no session (`next_B`, which says "from A"); the
 * file of A is replaced by a stub that says "went to B", which is the one instant at which the move happens; `next_B`
 * gets its name; the stub becomes the pointer `prev_A`. Whatever step a process is killed at, the functions here see the
 * session under exactly one id: a pending file counts when, and only when, the stub of its origin names it.
 */
import * as Effect from "effect/Effect"
import type { SessionRecord } from "../../core/record/record.js"
import { isOver } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import type { Stored, StoredMove } from "./codec.js"
import type { Disk } from "./disk.js"
import { assertPresent, readStored } from "./disk.js"
import type { Failure } from "./failure.js"

type Read<A> = Effect.Effect<A | undefined, Failure>

const nothing = Effect.succeed(undefined)

/** What is stored under this id now: a session, or where it went. */
export const readCurrent = (disk: Disk, id: string): Read<Stored> =>
  Effect.flatMap(readStored(disk, disk.paths.session(id), id), (stored) =>
    stored === undefined ? readUnsettled(disk, id) : Effect.succeed(stored)
  )

/** The session that is to be found under the retired id, or where it went from there; no time limit is looked at. */
export const readRetired = (disk: Disk, id: string): Read<SessionRecord> =>
  Effect.flatMap(readStored(disk, disk.paths.previous(id), id), (stored) =>
    stored?.kind === "moved" ? follow(disk, id, stored) : nothing
  )

/** The session that a stub or pointer of `id` leads to. */
export const follow = (disk: Disk, id: string, { to }: StoredMove): Read<SessionRecord> =>
  isId(to)
    ? Effect.map(readCurrent(disk, to), (stored) =>
        stored?.kind === "session" && stored.record.previous?.id === id ? stored.record : undefined
      )
    : nothing

/** The session of this id or, without a time limit, of this retired id, be it over or not. */
export const resolve = (disk: Disk, id: string): Read<SessionRecord> =>
  Effect.flatMap(readCurrent(disk, id), (stored) => {
    if (stored === undefined) return readRetired(disk, id)
    return stored.kind === "moved" ? follow(disk, id, stored) : Effect.succeed(stored.record)
  })

/** Finds the live session as the contract of `find` says. */
export const find = (disk: Disk, id: string): Read<SessionRecord> => {
  if (!isId(id)) return nothing
  return Effect.flatMap(resolve(disk, id), (record) =>
    record === undefined
      ? Effect.as(assertPresent(disk), undefined)
      : Effect.clockWith((clock) =>
          Effect.succeed(
            isVisible(record, id, clock.unsafeCurrentTimeMillis()) ? record : undefined
          )
        )
  )
}

/** The pending file of `id` if the move it belongs to has happened; the name of its origin with it. */
export const readPending = (
  disk: Disk,
  id: string
): Read<{ readonly record: SessionRecord; readonly from: string }> =>
  Effect.flatMap(readStored(disk, disk.paths.pending(id), id), (stored) => {
    if (stored?.kind !== "session" || stored.from === null || !isId(stored.from)) return nothing
    const { record, from } = stored
    return Effect.map(readStored(disk, disk.paths.session(from), from), (origin) =>
      origin?.kind === "moved" && origin.to === id ? { record, from } : undefined
    )
  })

const isVisible = (record: SessionRecord, id: string, nowMillis: number): boolean =>
  !isOver(record, nowMillis) &&
  (record.id === id || (record.previous !== null && record.previous.untilMillis > nowMillis))

// The second look at the session's name is for a pending file that got it between the first look and the look at it.
const readUnsettled = (disk: Disk, id: string): Read<Stored> =>
  Effect.flatMap(readPending(disk, id), (pending) =>
    pending === undefined
      ? readStored(disk, disk.paths.session(id), id)
      : Effect.succeed({ kind: "session", record: pending.record, from: null } as const)
  )
