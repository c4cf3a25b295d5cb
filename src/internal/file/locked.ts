/**
 * What all changes of sessions have in common. A change of the file `sess_<id>` happens in this process's turn for the id
 * and under its lock. It replaces the file by a rename, or deletes it. It cannot be interrupted once its turn has come,
 * and when it fails or misses, the temporary files that it wrote are deleted.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SessionRecord } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import { inTurn } from "../effect/turns.js"
import { encodeMove } from "./codec.js"
import { type Disk, discard, isThere, stage } from "./disk.js"
import type { Failure } from "./failure.js"
import { makeNonce } from "./holder.js"
import { withLock } from "./lock.js"
import { readCurrent } from "./sessions.js"

/** A step of a change. */
export type Change<A> = Effect.Effect<A, Failure>

/** What is done under the locks. It runs `assertHeld` right before it changes anything. */
export type Body<A> = (assertHeld: Change<void>) => Change<A>

/** The owner of the turns. All stores of the process share them, because several may have the same directory. */
const everyStore = {}

/** The time by Effect's clock. */
export const currentMillis = Effect.clockWith((clock) => clock.currentTimeMillis)

/** Runs `body` in turn and under the locks of these ids. `staged` writes what it renames, before the locks are taken. */
export const underLocks = <A>(
  disk: Disk,
  ids: ReadonlyArray<string>,
  staged: Change<unknown>,
  body: Body<A>
): Change<A> => {
  // In one order everywhere, so that two changes of the same two ids never wait for each other.
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
  return sorted.reduceRight<Change<A>>((inner, id) => inTurnOf(disk, id, inner), whole)
}

/** Runs a change when every earlier one of this id in this process has ended. From then on nothing interrupts it. */
export const inTurnOf = <A, E>(
  disk: Disk,
  id: string,
  change: Effect.Effect<A, E>
): Effect.Effect<A, E> => inTurn(everyStore, disk.paths.lock(id), change)

/** Reads the session of this id under its lock. If it was moved to this id, its file gets its name first. */
export const readLocked = (disk: Disk, id: string): Change<SessionRecord | undefined> =>
  Effect.gen(function* () {
    const stored = yield* readCurrent(disk, id)
    if (stored?.kind !== "session") return undefined
    const session = disk.paths.session(id)
    if (!(yield* isThere(session))) yield* disk.fs.rename(disk.paths.pending(id), session)
    return stored.record
  })

/** Replaces the file of `current` by the staged one of `record`. Pointers are written before and deleted after. */
export const replace = (
  disk: Disk,
  current: SessionRecord,
  record: SessionRecord,
  assertHeld: Change<void>
): Change<void> => {
  const rename = Effect.zipRight(assertHeld, renameStaged(disk, record.id))
  const before = current.previous?.id
  return before === record.previous?.id
    ? rename
    : writePointer(disk, record).pipe(
        Effect.zipRight(rename),
        Effect.zipRight(deletePointer(disk, before))
      )
}

/** Makes the staged file of `id` its session. */
export const renameStaged = ({ fs, holder, paths }: Disk, id: string): Change<void> =>
  fs.rename(paths.temporary(id, holder.nonce), paths.session(id))

/** Deletes the pointer of a previous id. */
export const deletePointer = (disk: Disk, previousId: string | undefined): Effect.Effect<void> =>
  previousId === undefined || !isId(previousId)
    ? Effect.void
    : discard(disk.paths.previous(previousId))

/** Writes the pointer of the record's previous id, unless that is `except`. */
export const writePointer = (disk: Disk, record: SessionRecord, except?: string): Change<void> => {
  const previousId = record.previous?.id
  if (previousId === undefined || previousId === except || !isId(previousId)) return Effect.void
  const { paths, fs } = disk
  const content = encodeMove(previousId, record.id)
  return Effect.flatMap(stage(disk, previousId, content, makeNonce()), (staged) =>
    Effect.tapError(fs.rename(staged, paths.previous(previousId)), () => discard(staged))
  )
}
