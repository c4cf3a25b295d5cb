/**
 * Reading sessions, without a lock.
 *
 * A move from A to B takes four steps:
 *
 * 1. The session is written to the pending file `next_B`, which says "from A".
 * 2. The file of A is replaced by a stub that says "moved to B". At this instant the move happens.
 * 3. `next_B` is renamed to `sess_B`.
 * 4. The stub is renamed to the pointer `prev_A`, or deleted.
 *
 * A pending file counts only if the stub of its origin names it. So a reader finds the session under exactly one id,
 * whichever step a process was killed at.
 */

import * as Effect from "effect/Effect"
import { isFoundBy, type SessionRecord } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import { withNow } from "../effect/fiber.js"
import type { Stored, StoredMove } from "./codec.js"
import { assertPresent, type Disk, readStored } from "./disk.js"
import type { Failure } from "./failure.js"

type Read<A> = Effect.Effect<A | undefined, Failure>

const nothing = Effect.succeed(undefined)

/** Reads what has this id now: a session, or a stub. */
export const readCurrent = (disk: Disk, id: string): Read<Stored> =>
  Effect.flatMap(readStored(disk.paths.session(id), id), (stored) =>
    stored === undefined ? readUnsettled(disk, id) : Effect.succeed(stored)
  )

/** Reads the session that has this previous id, whatever its time limit. */
export const readRetired = (disk: Disk, id: string): Read<SessionRecord> =>
  Effect.flatMap(readStored(disk.paths.previous(id), id), (stored) =>
    stored?.kind === "moved" ? follow(disk, id, stored) : nothing
  )

/** Reads the session that the stub or pointer of `id` names. */
export const follow = (disk: Disk, id: string, { to }: StoredMove): Read<SessionRecord> =>
  isId(to)
    ? Effect.map(readCurrent(disk, to), (stored) =>
        stored?.kind === "session" && stored.record.previous?.id === id ? stored.record : undefined
      )
    : nothing

/** Reads the session with this id or this previous id. It may be over, and so may the time of the previous id. */
export const resolve = (disk: Disk, id: string): Read<SessionRecord> =>
  Effect.flatMap(readCurrent(disk, id), (stored) => {
    if (stored === undefined) return readRetired(disk, id)
    return stored.kind === "moved" ? follow(disk, id, stored) : Effect.succeed(stored.record)
  })

/** Finds the live session, as the contract says. */
export const find = (disk: Disk, id: string): Read<SessionRecord> => {
  if (!isId(id)) return nothing
  return Effect.flatMap(resolve(disk, id), (record) =>
    record === undefined
      ? Effect.as(assertPresent(disk), undefined)
      : withNow((now) => Effect.succeed(isFoundBy(id, record, now) ? record : undefined))
  )
}

/** Reads the session in the pending file of `id`, if its move has happened. */
export const readPending = (disk: Disk, id: string): Read<SessionRecord> =>
  Effect.flatMap(readStored(disk.paths.pending(id), id), (stored) => {
    if (stored?.kind !== "session" || stored.from === null || !isId(stored.from)) return nothing
    const { record, from } = stored
    return Effect.map(readStored(disk.paths.session(from), from), (origin) =>
      origin?.kind === "moved" && origin.to === id ? record : undefined
    )
  })

// `sess_<id>` is read once more, because the pending file may have been renamed after the first look.
const readUnsettled = (disk: Disk, id: string): Read<Stored> =>
  Effect.flatMap(readPending(disk, id), (pending) =>
    pending === undefined
      ? readStored(disk.paths.session(id), id)
      : Effect.succeed({ kind: "session", record: pending, from: null } as const)
  )
