/**
 * What every change of a session has in common: every change of a file `sess_<id>` happens in this process's turn for the
 * id and under its lock, and replaces the file by a rename or deletes it. What was being written is tidied up when the
 * change did not happen.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SessionRecord } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import { inTurn } from "../effect/turns.js"
import { encodeMove } from "./codec.js"
import type { Disk } from "./disk.js"
import { attempt, discard, look, stageApart } from "./disk.js"
import type { Failure } from "./failure.js"
import { withLock } from "./lock.js"
import { readCurrent } from "./sessions.js"

/** A step of a change. */
export type Change<A> = Effect.Effect<A, Failure>

/** What is done under the locks, given what to call right before anything is changed. */
export type Body<A> = (assertHeld: Change<void>) => Change<A>

/** Owns the turns: all stores of the process share them, since several may have the same directory. */
const everyStore = {}

/** The time by Effect's clock. */
export const currentMillis = Effect.clockWith((clock) => clock.currentTimeMillis)

/** Runs `body` in turn and under the locks of these ids; `staged` is what it renames, written before the locks. */
export const exclusively = <A>(
  disk: Disk,
  ids: ReadonlyArray<string>,
  staged: Change<unknown>,
  body: Body<A>
): Change<A> => {
  // In one order everywhere, so that two who want the same two never wait for each other.
  const sorted = [...ids].sort()
  const locked = sorted.reduceRight<Body<A>>(
    (inner, id) => (assertOuter) =>
      withLock(disk, id, (assertHeld) => inner(Effect.zipRight(assertOuter, assertHeld))),
    body
  )
  const tidy = Effect.forEach(ids, (id) => discard(disk.paths.temporary(id, disk.holder.nonce)))
  const whole = Effect.onExit(Effect.zipRight(staged, locked(Effect.void)), (exit) =>
    Exit.isSuccess(exit) && exit.value !== false ? Effect.void : tidy
  )
  return sorted.reduceRight<Change<A>>(
    (inner, id) => inTurn(everyStore, disk.paths.lock(id), inner),
    Effect.uninterruptible(whole)
  )
}

/** The session of this id, of which a move that happened but was not finished is finished as far as this id goes. */
export const settle = (disk: Disk, id: string): Change<SessionRecord | undefined> =>
  Effect.flatMap(readCurrent(disk, id), (stored) => {
    if (stored?.kind !== "session") return Effect.succeed(undefined)
    const session = disk.paths.session(id)
    return Effect.flatMap(isThere(session), (there) =>
      there
        ? Effect.succeed(stored.record)
        : Effect.as(disk.fs.rename(disk.paths.pending(id), session), stored.record)
    )
  })

/** True when anything is at the path. */
export const isThere = (path: string): Change<boolean> => attempt(() => look(path) !== undefined)

/** Puts the staged file in the place of `current`; pointers are made before and deleted after. */
export const commit = (
  disk: Disk,
  current: SessionRecord,
  record: SessionRecord,
  assertHeld: Change<void>
): Change<void> => {
  const { paths, holder, fs } = disk
  const { id } = record
  const replace = Effect.zipRight(
    assertHeld,
    fs.rename(paths.temporary(id, holder.nonce), paths.session(id))
  )
  const before = current.previous?.id
  if (before === record.previous?.id) return replace
  return Effect.gen(function* () {
    yield* point(disk, record)
    yield* replace
    yield* unpoint(disk, before)
  })
}

/** Deletes the pointer of a retired id. */
export const unpoint = (disk: Disk, previousId: string | undefined): Effect.Effect<void> =>
  previousId === undefined || !isId(previousId)
    ? Effect.void
    : discard(disk.paths.previous(previousId))

/** Makes the pointer of the record's retired id, unless that is `except`. */
export const point = (disk: Disk, record: SessionRecord, except?: string): Change<void> => {
  const previousId = record.previous?.id
  if (previousId === undefined || previousId === except || !isId(previousId)) return Effect.void
  const { paths, fs } = disk
  return Effect.flatMap(stageApart(disk, previousId, encodeMove(previousId, record.id)), (staged) =>
    Effect.tapError(fs.rename(staged, paths.previous(previousId)), () => discard(staged))
  )
}
