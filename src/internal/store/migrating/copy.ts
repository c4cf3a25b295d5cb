/**
 * How one session gets from one store to another while servers use both, although nothing is atomic across two stores.
 *
 * Until it is claimed, the session is the record in `from`. A copy goes like this, and any process may take any step:
 *
 * 1. insert: a draft lies in `to`, its version a number drawn for it alone. It is no session yet.
 * 2. claim: the record in `from` is replaced, if it has not changed, by a note that names this draft. From this instant on
 *    the session is the draft.
 * 3. complete: the draft becomes the session proper, with the version it had.
 * 4. the note in `from` is removed.
 *
 * So a draft that no note names is worth nothing: its maker was late, and the session has been copied by another, or has
 * ended. It is spoilt, never completed. Each step is one conditional write that only one process can win, and whoever
 * finds a copy half done goes on from there: a process may stop anywhere. Nothing is ever written to `from` but notes.
 */
import { randomInt } from "node:crypto"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SessionEntry, SessionRecord } from "../../../core/record/record.js"
import { SessionStoreError } from "../../errors/errors.js"
import type { Service } from "../contract.js"

/** The two stores of a migration, and how many sessions this process has copied. */
export interface Stores {
  readonly from: Service
  readonly to: Service
  copied: number
}

type Result<A> = Effect.Effect<A, SessionStoreError>

/** Steps of one `find`: every repetition means that another process took a step. */
const mostSteps = 100

/** Finds a session, and copies it on the way when it is still in `from`. */
export const find = (
  stores: Stores,
  id: string,
  steps = mostSteps
): Result<Option.Option<SessionRecord>> =>
  Effect.gen(function* () {
    const found = yield* stores.to.find(id)
    if (Option.exists(found, (record) => draftOf(record) === undefined)) return found
    const goesOn = yield* Option.match(found, {
      onNone: () => begin(stores, id),
      onSome: (record) => goOn(stores, record)
    })
    if (!goesOn) return Option.none()
    if (steps > 1) return yield* find(stores, id, steps - 1)
    return yield* new SessionStoreError({
      operation: "find",
      reason: "timeout",
      cause: new Error("Other processes kept getting in the way of a copy.")
    })
  })

/** The step where `to` has no such session: inserts a draft. `false` when `from` has none either. */
const begin = ({ from, to }: Stores, id: string): Result<boolean> =>
  Effect.gen(function* () {
    const found = yield* from.find(id)
    // Between the two looks it may have been copied to the end, so `to` is asked again.
    if (Option.isNone(found)) return Option.isSome(yield* to.find(id))
    const origin = found.value
    if (claimOf(origin) === undefined && (yield* to.insert(drafted(origin)))) return true
    const there = yield* to.find(origin.id)
    if (Option.exists(there, isDraft)) return true
    // It was copied long ago, and `to` has the last word on what became of it.
    yield* from.remove(origin.id)
    return Option.isSome(there)
  })

/** The step where `to` has a draft. */
const goOn = (stores: Stores, record: SessionRecord): Result<boolean> =>
  Effect.gen(function* () {
    const { from, to } = stores
    const found = yield* from.find(record.id)
    const origin = Option.getOrUndefined(found)
    const claim = origin === undefined ? undefined : claimOf(origin)
    if (claim === record.version) yield* complete(stores, record)
    else if (origin === undefined || claim !== undefined) yield* spoil(to, record)
    // No claim of a draft that is older than its origin can succeed any more, so it may be replaced.
    else if (draftOf(record)?.version !== origin.version) {
      yield* to.update(drafted(origin), record.version)
    } else yield* from.update(claimed(origin, record.version), origin.version)
    return true
  })

const complete = (stores: Stores, record: SessionRecord): Result<void> =>
  Effect.gen(function* () {
    const live = { ...record, ...draftOf(record) }
    if (!(yield* stores.to.update(live, record.version))) return
    stores.copied += 1
    yield* stores.from.remove(record.id)
  })

/** Ends a draft that was made too late; not by `remove`, which could hit the session itself. */
const spoil = (to: Service, record: SessionRecord): Result<boolean> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    to.update(
      {
        ...note(record),
        version: record.version + 1,
        expiresAtMillis: Math.min(record.expiresAtMillis, now),
        payload: ""
      },
      record.version
    )
  )

// ---------------------------------------------------------------------------------------------------------------------
// drafts and notes
// ---------------------------------------------------------------------------------------------------------------------

const draftPrefix = "effect-session/draft:"
const claimPrefix = "effect-session/claim:"

// In the place of an address, because a listing shows it and no client can have such a one.
const noteAddress = "effect-session/copied"

/** True for what a copy leaves behind: listings leave it out. */
export const isNote = (summary: Pick<SessionEntry, "ipAddress">): boolean =>
  summary.ipAddress === noteAddress

const note = (record: SessionRecord): SessionRecord => ({
  ...record,
  userId: null,
  ipAddress: noteAddress,
  userAgent: null
})

// No session has had so many commits, and a database can keep it in 32 bits.
const drawVersion = (): number => randomInt(2 ** 29, 2 ** 30)

const drafted = (origin: SessionRecord): SessionRecord => ({
  ...origin,
  version: drawVersion(),
  payload: `${draftPrefix}${origin.version}:${origin.payload}`
})

const claimed = (origin: SessionRecord, draftVersion: number): SessionRecord => ({
  ...note(origin),
  version: origin.version + 1,
  payload: `${claimPrefix}${draftVersion}`
})

/** What a draft is a copy of: the version in `from`, and the payload. */
const draftOf = ({
  payload
}: SessionRecord): Pick<SessionRecord, "version" | "payload"> | undefined => {
  if (!payload.startsWith(draftPrefix)) return undefined
  const end = payload.indexOf(":", draftPrefix.length)
  return {
    version: Number(payload.slice(draftPrefix.length, end)),
    payload: payload.slice(end + 1)
  }
}

const isDraft = (record: SessionRecord): boolean => draftOf(record) !== undefined

/** The version of the draft a note names. */
const claimOf = ({ payload }: SessionRecord): number | undefined =>
  payload.startsWith(claimPrefix) ? Number(payload.slice(claimPrefix.length)) : undefined
