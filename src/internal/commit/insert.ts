/** Commits a new session. Nothing is ever overwritten: an id that is taken is given up for another one. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { encodeState } from "../../core/record/payload.js"
import type { SessionRecord } from "../../core/record/record.js"
import { makeToken, tokenId } from "../../core/record/token.js"
import { withoutExpired } from "../../core/session/state.js"
import { SessionEncodeError, SessionStoreError } from "../errors/errors.js"
import { actor } from "./actor.js"
import { announce } from "./announce.js"
import { type Base, type Cell, now } from "./cell.js"
import { originOf, readRecord, withCommitId, writeRecord } from "./codec.js"
import { landed } from "./unsure.js"
import { type CommitError, done, type Outcome, type Work } from "./work.js"

const mostTries = 3

/** Inserts the session of a request that came without one. */
export const insert = (work: Work): Effect.Effect<Outcome, CommitError> =>
  attempt(work, work.cell.token, work.cell.id, mostTries)

const attempt = (
  work: Work,
  token: string,
  id: string,
  tries: number
): Effect.Effect<Outcome, CommitError> => {
  const { cell } = work
  const { compiled, store } = cell.surroundings
  const nowMillis = now(cell)
  const commits = withCommitId(cell, [], work.commitId, nowMillis)
  const state = withoutExpired(cell.withSecret(), nowMillis)
  const text = encodeState(state, nowMillis)
  const origin = originOf(cell)
  const rest = { origin, before: null, previous: null, nowMillis }
  const record = writeRecord(cell, { id, state, text, commits, ...rest })
  if (record instanceof SessionEncodeError) return Effect.fail(record)
  const inserted = Effect.suspend(() =>
    finish(work, { record, state, text, commits, origin }, token)
  )
  const isOurs = Effect.map(store.find(id), Option.exists(isOf(cell, work.commitId)))
  const another = Effect.suspend(() => {
    if (tries <= 1) return new SessionStoreError({ operation: "insert", reason: "unknown" })
    const next = makeToken()
    return attempt(work, next, tokenId(next, compiled.namespace), tries - 1)
  })
  return Effect.matchEffect(store.insert(record), {
    onSuccess: (stored) =>
      stored ? inserted : Effect.flatMap(isOurs, (ours) => (ours ? inserted : another)),
    // The reply may have been lost after the row was written.
    onFailure: (error) =>
      Effect.matchEffect(isOurs, {
        onSuccess: (ours) => (ours ? inserted : Effect.fail(error)),
        onFailure: () => Effect.fail(error)
      })
  })
}

const finish = (work: Work, base: Base, token: string): Effect.Effect<Outcome> => {
  work.settle(base, token)
  work.owesCookie()
  const { id, userId } = base.record
  const of = { id, ...actor(work.cell, userId), atMillis: now(work.cell) }
  return Effect.zipRight(announce(work.cell, { _tag: "Created", ...of }), done)
}

/** Looks for the session that an unsure commit may have begun, and goes on with it; else with nothing unsure. */
export const settleInsert = (work: Work): Effect.Effect<void, SessionStoreError> => {
  const { cell } = work
  const { compiled, store } = cell.surroundings
  const id = tokenId(cell.token, compiled.namespace)
  return Effect.flatMap(store.find(id), (found) => {
    const reading = Option.isNone(found) ? undefined : readRecord(cell, found.value)
    const earlier = reading?._tag === "base" ? landed(cell, reading.base) : undefined
    if (work.isLeft) return Effect.void
    if (reading?._tag !== "base" || earlier === undefined) {
      cell.unsure = []
      return Effect.void
    }
    work.becomeEarlier(earlier)
    return finish(work, reading.base, cell.token)
  })
}

const isOf =
  (cell: Cell, commitId: string) =>
  (record: SessionRecord): boolean => {
    const reading = readRecord(cell, record)
    return reading._tag === "base" && reading.base.commits.some((mark) => mark.id === commitId)
  }
