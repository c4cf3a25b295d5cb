/** Ending sessions: by a logout, a revocation or a collection. */
import * as Effect from "effect/Effect"
import type { SessionEntry, SessionRecord } from "../../core/record/record.js"
import { entryOf, isOver } from "../../core/record/record.js"
import { isId } from "../../core/record/token.js"
import { encodeSession } from "./codec.js"
import type { Disk } from "./disk.js"
import { assertPresent, attempt, look, stage, unlink } from "./disk.js"
import type { Change } from "./exclusive.js"
import { commit, currentMillis, exclusively, isThere, settle, unpoint } from "./exclusive.js"
import { isCorrupt, Problem } from "./failure.js"
import { resolve } from "./sessions.js"

/** Ends the session of this id or retired id. */
export const remove = (disk: Disk, id: string, tries = 5): Change<SessionEntry | undefined> => {
  if (!isId(id)) return Effect.succeed(undefined)
  return Effect.gen(function* () {
    const target = yield* resolveDamaged(disk, id)
    if (target === undefined) return yield* Effect.as(assertPresent(disk), undefined)
    const ended = yield* end(
      disk,
      target,
      (record) => record.id === id || record.previous?.id === id
    )
    if (ended !== "gone") return ended
    // It moved between the two looks.
    if (tries > 1) return yield* remove(disk, id, tries - 1)
    return yield* Effect.fail(new Problem("timeout", "The session kept moving to another id."))
  })
}

/**
 * Ends the session if `admits` still says so under the lock: deletes its file, or with `keepEnded` strips it. `gone` when
 * there is no such session any more.
 */
export const end = (
  disk: Disk,
  id: string,
  admits: (record: SessionRecord, nowMillis: number) => boolean
): Change<SessionEntry | undefined | "gone"> =>
  exclusively(disk, [id], Effect.void, (assertHeld) =>
    Effect.gen(function* () {
      const record = yield* Effect.catchIf(settle(disk, id), isCorrupt, () =>
        Effect.as(unlinkDamaged(disk, id, assertHeld), "damaged" as const)
      )
      if (record === "damaged") return undefined
      const nowMillis = yield* currentMillis
      if (record === undefined || !admits(record, nowMillis)) return "gone"
      yield* write(disk, record, endedAt(record, nowMillis), nowMillis, assertHeld)
      return isOver(record, nowMillis) ? undefined : entryOf(record)
    })
  )

/** True when the session, once ended, is to be kept no longer. */
export const isDue = (disk: Disk, record: SessionRecord, nowMillis: number): boolean =>
  endedAt(record, nowMillis) + disk.keepEndedMillis <= nowMillis

const endedAt = (record: SessionRecord, nowMillis: number): number =>
  record.endedAtMillis ?? Math.min(nowMillis, record.expiresAtMillis)

/** Deletes the session, or strips it where it is to be kept. */
const write = (
  disk: Disk,
  record: SessionRecord,
  endedAtMillis: number,
  nowMillis: number,
  assertHeld: Change<void>
): Change<void> => {
  const { id, previous } = record
  if (isDue(disk, record, nowMillis)) {
    return assertHeld.pipe(
      Effect.zipRight(unlink(disk.paths.session(id))),
      Effect.zipRight(unpoint(disk, previous?.id))
    )
  }
  if (record.endedAtMillis !== null) return Effect.void
  const ended = { ...record, payload: "", previous: null, endedAtMillis }
  return Effect.zipRight(
    stage(disk, id, encodeSession(ended, null)),
    commit(disk, record, ended, assertHeld)
  )
}

/** The id of the session's file; a file that cannot be read is a target too, under its own id. */
const resolveDamaged = (disk: Disk, id: string): Change<string | undefined> =>
  Effect.catchIf(
    Effect.map(resolve(disk, id), (record) => record?.id),
    isCorrupt,
    (failure) =>
      Effect.flatMap(isThere(disk.paths.session(id)), (there) =>
        there ? Effect.succeed(id) : Effect.fail(failure)
      )
  )

/** Deletes what lies in the place of a session and is none, never following it. A directory stays where it is. */
const unlinkDamaged = (disk: Disk, id: string, assertHeld: Change<void>): Change<void> => {
  const path = disk.paths.session(id)
  return Effect.flatMap(
    attempt(() => look(path)),
    (found) =>
      found?.isDirectory() === true
        ? Effect.fail(new Problem("corrupt", `There is a directory in the place of ${path}.`))
        : Effect.zipRight(assertHeld, unlink(path))
  )
}
