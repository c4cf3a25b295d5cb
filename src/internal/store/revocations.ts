/**
 * The marks of `revokeUser`, by which a login in flight learns that its user was revoked, and how a store made of the six
 * primitives keeps them: as records in a namespace of their own, which no listing shows.
 *
 * Inside one process a mark is compared by the monotonic clock, between two processes by their wall clocks.
 */
import { randomBytes } from "node:crypto"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { SessionRecord } from "../../core/record/record.js"
import { derivedId } from "../../core/record/token.js"
import { SessionStoreError } from "../errors/errors.js"
import type { LocalInstant, Primitives, Service } from "./contract.js"

const Mark = Schema.Struct({
  wallMillis: Schema.Number,
  monotonicMillis: Schema.Number,
  process: Schema.String,
  except: Schema.NullOr(Schema.String)
})

/** One revocation: when and where it was made, and which session it spared. */
export type Mark = typeof Mark.Type

const decode = Schema.decodeOption(Schema.parseJson(Schema.Array(Mark)))

let processName: string | undefined
// Made at its first use: several processes may start from one snapshot that was taken after the import.
const thisProcess = (): string => {
  processName ??= randomBytes(12).toString("hex")
  return processName
}

/** Reads both clocks of this process. */
export const localNow = (): LocalInstant => ({
  wallMillis: Date.now(),
  monotonicMillis: performance.now()
})

/** Makes the mark of a revocation that happens now. */
export const makeMark = (except: string | undefined): Mark => ({
  ...localNow(),
  process: thisProcess(),
  except: except ?? null
})

/**
 * Adds a mark, the newest first, and keeps two: the newest, which answers for every session but the one that it spared,
 * and the newest that did not spare that one.
 */
export const addMark = (marks: ReadonlyArray<Mark>, mark: Mark): ReadonlyArray<Mark> => {
  const other = marks.find(({ except }) => except !== mark.except)
  return other === undefined ? [mark] : [mark, other]
}

/** True when a mark that does not spare `exceptId` was made at `since` or later. */
export const isRevoked = (
  marks: ReadonlyArray<Mark>,
  since: LocalInstant,
  exceptId: string | undefined
): boolean =>
  marks.some(
    (mark) => (mark.except === null || mark.except !== exceptId) && isAtOrAfter(mark, since)
  )

const isAtOrAfter = (mark: Mark, since: LocalInstant): boolean =>
  mark.process === thisProcess()
    ? mark.monotonicMillis >= since.monotonicMillis
    : mark.wallMillis >= since.wallMillis

/** The namespace of the marks. */
export const namespaceOfMarks = "effect-session/revocations"

/** Wraps `entries` so that listings, counts and removals never see a mark. */
export const hideMarks =
  (entries: Primitives["entries"]): Primitives["entries"] =>
  (filter) =>
    Stream.filter(entries(filter), ({ namespace }) => namespace !== namespaceOfMarks)

/** Calls the store's override, or the derived call where the override could see a mark. */
export const preferOverride =
  <
    Filter extends { readonly namespace?: string | undefined },
    Rest extends ReadonlyArray<unknown>,
    A
  >(
    override: ((filter: Filter & { readonly namespace: string }, ...rest: Rest) => A) | undefined,
    derived: (filter: Filter, ...rest: Rest) => A
  ) =>
  (filter: Filter, ...rest: Rest): A => {
    const { namespace } = filter
    return override === undefined || namespace === undefined || namespace === namespaceOfMarks
      ? derived(filter, ...rest)
      : override({ ...filter, namespace }, ...rest)
  }

const dayMillis = 24 * 60 * 60 * 1000
const periodMillis = 2 * dayMillis
const mostTries = 10

// Each period has ids of its own: where the store keeps ended records, the id of an expired mark stays taken for long.
const markId = (user: User, period: number): string =>
  derivedId("revocation", user.namespace, user.userId, String(period))

type User = { readonly namespace: string; readonly userId: string }

const periodAt = (millis: number): number => Math.floor(millis / periodMillis)

/**
 * Marks a revocation that happens now, for at least a day. It reads the marks of the user and replaces them, as long as
 * other revocations get in its way. Marks that cannot be read are replaced by one that spares nobody.
 */
export const writeMark = (
  primitives: Primitives,
  user: User,
  except: string | undefined,
  tries = mostTries
): Effect.Effect<void, SessionStoreError> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const id = markId(user, periodAt(now))
    const found = yield* findMarks(primitives, id)
    // What was lost with an unreadable mark may have spared nobody.
    const unreadable = () => [makeMark(undefined)]
    const marks = found === undefined ? [] : Option.getOrElse(decode(found.payload), unreadable)
    const next = ownRecord({
      id,
      namespace: namespaceOfMarks,
      nowMillis: now,
      expiresAtMillis: (periodAt(now) + 1) * periodMillis + dayMillis,
      version: (found?.version ?? 0) + 1,
      payload: JSON.stringify(addMark(marks, makeMark(except)))
    })
    const stored = yield* found === undefined
      ? primitives.insert(next)
      : primitives.update(next, found.version)
    if (stored) return
    if (tries > 1) return yield* writeMark(primitives, user, except, tries - 1)
    return yield* new SessionStoreError({
      operation: "revokeUser",
      reason: "unknown",
      cause: new Error("Other revocations of the same user kept getting in the way.")
    })
  })

/** Finds the record of the marks, and removes it where the store cannot read it. */
const findMarks = (
  primitives: Primitives,
  id: string
): Effect.Effect<SessionRecord | undefined, SessionStoreError> =>
  Effect.catchIf(
    Effect.map(primitives.find(id), Option.getOrUndefined),
    ({ reason }: SessionStoreError) => reason === "corrupt",
    () => Effect.as(primitives.remove(id), undefined)
  )

/**
 * Derives `revokedWithin` from the marks that `writeMark` keeps. A mark that cannot be read fails with `corrupt`, so that
 * no login gets past it. The next `revokeUser` of the user replaces it.
 */
export const revokedWithin =
  (primitives: Primitives): Service["revokedWithin"] =>
  (options) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      // These two periods hold all marks of the last day, also of a server whose clock differs.
      for (const at of [now - dayMillis, now + dayMillis]) {
        const found = yield* primitives.find(markId(options, periodAt(at)))
        if (Option.isNone(found)) continue
        const marks = yield* Effect.catchAll(decode(found.value.payload), () => unreadable)
        if (isRevoked(marks, options.since, options.exceptId)) return true
      }
      return false
    })

const unreadable = Effect.suspend(() =>
  Effect.fail(
    new SessionStoreError({
      operation: "revokedWithin",
      reason: "corrupt",
      cause: new Error("A revocation mark cannot be read.")
    })
  )
)

/**
 * Leaves a mark, then ends the sessions of the user: one or the other meets a login that commits between the two. Where no mark
 * can be left the sessions end nevertheless, then this fails: a disk or a memory that is full can delete. A store that does not
 * answer is not asked again.
 */
export const markThenEnd = (
  mark: Effect.Effect<unknown, SessionStoreError>,
  end: Effect.Effect<number, SessionStoreError>
): Effect.Effect<number, SessionStoreError> =>
  Effect.matchEffect(mark, {
    onFailure: (error) =>
      error.reason === "timeout" ? Effect.fail(error) : Effect.zipRight(end, Effect.fail(error)),
    onSuccess: () => end
  })

/**
 * When the newest revocation was, at the earliest and at the latest, on this process's monotonic clock. The two are those of a
 * store that dates revocations by its own clock: it read that between the question and the answer.
 */
export interface Revoked {
  readonly earliestMillis: number
  readonly latestMillis: number
}

/** For a user whom nobody has revoked. */
export const neverRevoked: Revoked = { earliestMillis: -Infinity, latestMillis: -Infinity }

const mostQuestions = 5

/** Asks again while the revocation may have been before or after `since`; what stays unclear counts as revoked. */
export const isRevokedSince = <E>(
  newest: Effect.Effect<Revoked, E>,
  since: number,
  left = mostQuestions
): Effect.Effect<boolean, E> =>
  Effect.flatMap(newest, ({ earliestMillis, latestMillis }) => {
    if (latestMillis < since) return Effect.succeed(false)
    return earliestMillis > since || left <= 1
      ? Effect.succeed(true)
      : isRevokedSince(newest, since, left - 1)
  })

/** Makes a record that the library keeps for itself: it belongs to no user and is written at `nowMillis`. */
export const ownRecord = ({
  nowMillis,
  ...given
}: Pick<SessionRecord, "id" | "namespace" | "expiresAtMillis" | "version" | "payload"> & {
  readonly nowMillis: number
}): SessionRecord => ({
  ...given,
  userId: null,
  ipAddress: null,
  userAgent: null,
  createdAtMillis: nowMillis,
  lastActivityMillis: nowMillis,
  endedAtMillis: null,
  previous: null
})
