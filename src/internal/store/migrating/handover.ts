/**
 * How one session gets from one store to another while servers use both, although no write is atomic across two stores.
 *
 * A handover takes four steps, and any process may take each of them:
 *
 * 1. Insert a draft into `to`, with a random version. It is no session yet.
 * 2. Claim the session: replace the record in `from`, if it has not changed, by a claim that names the draft. Until this
 *    instant the session is the record in `from`; from now on it is the draft.
 * 3. Complete the draft: it becomes the session, with the version that the session had.
 * 4. Remove the claim from `from`.
 *
 * A draft that no claim names is worthless: it came too late, and another process has copied the session, or it has ended.
 * Such a draft is expired, never completed. Each step is one conditional write, which only one process can win. A process
 * may stop at any step, because the next one that finds the copy goes on from there. Only claims are written to `from`.
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

/** How many steps one `find` takes at most. It needs more than four only when other processes take steps, too. */
const mostSteps = 100

/** Finds a session, and first copies it if it is still in `from`. */
export const findOrCopy = (
  stores: Stores,
  id: string,
  steps = mostSteps
): Result<Option.Option<SessionRecord>> =>
  Effect.gen(function* () {
    const found = yield* stores.to.find(id)
    if (Option.exists(found, (record) => draftOf(record) === undefined)) return found
    const goesOn = yield* Option.match(found, {
      onNone: () => insertDraft(stores, id),
      onSome: (record) => advanceDraft(stores, record)
    })
    if (!goesOn) return Option.none()
    if (steps > 1) return yield* findOrCopy(stores, id, steps - 1)
    return yield* new SessionStoreError({
      operation: "find",
      reason: "timeout",
      cause: new Error("Other processes kept getting in the way of a copy.")
    })
  })

/** Takes the step for a session that `to` does not have. `false` when `from` does not have it either. */
const insertDraft = (stores: Stores, id: string): Result<boolean> =>
  Effect.gen(function* () {
    const { from, to } = stores
    const found = yield* from.find(id)
    // Another process may have copied it completely after `to` was read.
    if (Option.isNone(found)) return Option.isSome(yield* to.find(id))
    const origin = found.value
    const draft = drafted(origin)
    if (claimOf(origin) === undefined && (yield* to.insert(draft))) {
      // In a hurry: without asking again what nobody is likely to have changed since.
      if (yield* from.update(claimed(origin, draft.version), origin.version)) {
        yield* complete(stores, draft)
      }
      return true
    }
    const there = yield* to.find(origin.id)
    if (Option.exists(there, isDraft)) return true
    // It was copied earlier, and `to` says what became of it.
    yield* from.remove(origin.id)
    return Option.isSome(there)
  })

/** Takes the step for a session of which `to` has a draft. */
const advanceDraft = (stores: Stores, record: SessionRecord): Result<boolean> =>
  Effect.gen(function* () {
    const { from, to } = stores
    const found = yield* from.find(record.id)
    const origin = Option.getOrUndefined(found)
    const claim = origin === undefined ? undefined : claimOf(origin)
    if (claim === record.version) yield* complete(stores, record)
    else if (origin === undefined || claim !== undefined) yield* expireDraft(to, record)
    // A draft of an earlier version can no longer be claimed, so it may be replaced.
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

/** Expires a draft that came too late. `remove` could end the session itself, so it is an update. */
const expireDraft = (to: Service, record: SessionRecord): Result<boolean> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    to.update(
      {
        ...hidden(record),
        version: record.version + 1,
        expiresAtMillis: Math.min(record.expiresAtMillis, now),
        payload: ""
      },
      record.version
    )
  )

// ---------------------------------------------------------------------------------------------------------------------
// drafts and claims
// ---------------------------------------------------------------------------------------------------------------------

const draftPrefix = "effect-session/draft:"
const claimPrefix = "effect-session/claim:"

// Marks a record by its address, because a listing shows addresses, and no client can have this one.
const hiddenAddress = "effect-session/copied"

/** True for a claim or an expired draft, which no listing shows. */
export const isHidden = ({ ipAddress }: Pick<SessionEntry, "ipAddress">): boolean =>
  ipAddress === hiddenAddress

const hidden = (record: SessionRecord): SessionRecord => ({
  ...record,
  userId: null,
  ipAddress: hiddenAddress,
  userAgent: null
})

// Above the version of any session, and a database can keep it in 32 bits.
const drawVersion = (): number => randomInt(2 ** 29, 2 ** 30)

const drafted = (origin: SessionRecord): SessionRecord => ({
  ...origin,
  version: drawVersion(),
  payload: `${draftPrefix}${origin.version}:${origin.payload}`
})

const claimed = (origin: SessionRecord, draftVersion: number): SessionRecord => ({
  ...hidden(origin),
  version: origin.version + 1,
  payload: `${claimPrefix}${draftVersion}`
})

/** The version and payload of the session that this draft is a copy of; `undefined` when it is no draft. */
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

/** The version of the draft that this claim names; `undefined` when it is no claim. */
const claimOf = ({ payload }: SessionRecord): number | undefined =>
  payload.startsWith(claimPrefix) ? Number(payload.slice(claimPrefix.length)) : undefined
