/**
 * The marks `revokeUser` leaves, so that a login in flight notices it, and how a store made of the six primitives keeps
 * them: as records of a namespace of their own, which listings never show.
 *
 * A mark is compared by the monotonic clock inside one process. Between two it is compared by a clock that they share, where
 * the store knows of one, and otherwise by their wall clocks.
 */
import { randomBytes } from "node:crypto"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { SessionRecord } from "../../core/record/record.js"
import { derivedId } from "../../core/record/token.js"
import { SessionStoreError } from "../errors/errors.js"
import type { LocalInstant, Primitives, Service } from "./contract.js"
import { ownRecord } from "./libraryRecord.js"

/** An instant of a clock that processes share; two compare when they count from the same. */
export interface SharedInstant {
  readonly from: string
  readonly millis: number
}

/** A clock that processes share and nobody sets. Gives `undefined` where this process has none. */
export interface SharedClock {
  readonly now: () => SharedInstant | undefined
  /** What an instant of this process is on the shared clock, never later than it was. */
  readonly instantOf: (instant: LocalInstant) => SharedInstant | undefined
}

/** One revocation, seen from the process that made it. */
export interface Mark extends LocalInstant {
  readonly process: string
  /** The same instant by the shared clock of the store's processes; marks of older versions have none. */
  readonly shared?: SharedInstant | undefined
  /** The session that was spared. */
  readonly except: string | null
}

/** The user a mark is about. */
type User = { readonly namespace: string; readonly userId: string }

let processName: string | undefined
// Made at the first use: a process snapshot taken after the import would give all its processes one name.
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
export const makeMark = (except: string | undefined, clock?: SharedClock): Mark => ({
  ...localNow(),
  process: thisProcess(),
  shared: clock?.now(),
  except: except ?? null
})

/**
 * Adds a mark, newest first. Two are enough for ever: the newest, and for the session that it spared the newest that
 * spared another one or none.
 */
export const addMark = (marks: ReadonlyArray<Mark>, mark: Mark): ReadonlyArray<Mark> => {
  const other = marks.find(({ except }) => except !== mark.except)
  return other === undefined ? [mark] : [mark, other]
}

/** True when a mark that does not spare `exceptId` was made at `since` or later. */
export const isRevoked = (
  marks: ReadonlyArray<Mark>,
  since: LocalInstant,
  exceptId: string | undefined,
  clock?: SharedClock
): boolean => {
  const shared = clock?.instantOf(since)
  return marks.some(
    (mark) => (mark.except === null || mark.except !== exceptId) && isAtOrAfter(mark, since, shared)
  )
}

const isAtOrAfter = (
  mark: Mark,
  since: LocalInstant,
  sinceShared: SharedInstant | undefined
): boolean => {
  if (mark.process === thisProcess()) return mark.monotonicMillis >= since.monotonicMillis
  return mark.shared !== undefined && mark.shared.from === sinceShared?.from
    ? mark.shared.millis >= sinceShared.millis
    : mark.wallMillis >= since.wallMillis
}

/** The namespace of the records that are no sessions. */
export const namespaceOfMarks = "effect-session/revocations"
const dayMillis = 24 * 60 * 60 * 1000
const periodMillis = 2 * dayMillis

// An id serves one period only: a store that keeps ended records would block the id of an expired mark for that long.
const markId = (user: User, period: number): string =>
  derivedId("revocation", user.namespace, user.userId, String(period))

const markRecord = (
  id: string,
  period: number,
  nowMillis: number,
  version: number,
  marks: ReadonlyArray<Mark>
): SessionRecord =>
  ownRecord({
    id,
    namespace: namespaceOfMarks,
    nowMillis,
    expiresAtMillis: (period + 1) * periodMillis + dayMillis,
    version,
    payload: JSON.stringify(marks)
  })

const isMark = (value: unknown): value is Mark =>
  typeof value === "object" &&
  value !== null &&
  "wallMillis" in value &&
  typeof value.wallMillis === "number" &&
  "monotonicMillis" in value &&
  typeof value.monotonicMillis === "number" &&
  "process" in value &&
  typeof value.process === "string" &&
  "except" in value &&
  (!("shared" in value) || isSharedInstant(value.shared))

const isSharedInstant = (value: unknown): value is SharedInstant =>
  typeof value === "object" &&
  value !== null &&
  "from" in value &&
  typeof value.from === "string" &&
  "millis" in value &&
  typeof value.millis === "number"

const decode = (payload: string): ReadonlyArray<Mark> | undefined => {
  try {
    const marks: unknown = JSON.parse(payload)
    return Array.isArray(marks) && marks.every(isMark) ? marks : undefined
  } catch {
    return undefined
  }
}

/** Wraps `entries` so that listings, counts and removals never see a mark. */
export const hideMarks =
  (entries: Primitives["entries"]): Primitives["entries"] =>
  (filter) => {
    if (filter.namespace === namespaceOfMarks) return Stream.empty
    const summaries = entries(filter)
    return filter.namespace === undefined
      ? Stream.filter(summaries, ({ namespace }) => namespace !== namespaceOfMarks)
      : summaries
  }

/**
 * Takes what a store does better, except where that could see a mark: without a namespace, and in that of the marks.
 */
export const unlessMarks =
  <
    Filter extends { readonly namespace?: string | undefined },
    Rest extends ReadonlyArray<unknown>,
    A
  >(
    better: ((filter: Filter & { readonly namespace: string }, ...rest: Rest) => A) | undefined,
    derived: (filter: Filter, ...rest: Rest) => A
  ) =>
  (filter: Filter, ...rest: Rest): A => {
    const { namespace } = filter
    return better === undefined || namespace === undefined || namespace === namespaceOfMarks
      ? derived(filter, ...rest)
      : better({ ...filter, namespace }, ...rest)
  }

/**
 * Keeps the mark of a revocation that happens now for at least a day, by the shared clock too where there is one. A mark that
 * cannot be read is replaced: no revocation fails for it.
 */
export const writeMark = (
  primitives: Primitives,
  user: User,
  except: string | undefined,
  clock?: SharedClock,
  tries = 10
): Effect.Effect<void, SessionStoreError> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const period = Math.floor(now / periodMillis)
    const id = markId(user, period)
    const found = yield* findReplaceable(primitives, id)
    const marks = found === undefined ? [] : (decode(found.payload) ?? allRevoked(clock))
    const version = found?.version ?? 0
    const next = markRecord(id, period, now, version + 1, addMark(marks, makeMark(except, clock)))
    const stored = yield* found === undefined
      ? primitives.insert(next)
      : primitives.update(next, version)
    if (stored) return
    if (tries > 1) return yield* writeMark(primitives, user, except, clock, tries - 1)
    return yield* new SessionStoreError({
      operation: "revokeUser",
      reason: "unknown",
      cause: new Error("Other revocations of the same user kept getting in the way.")
    })
  })

// What was lost with an unreadable mark may have spared nobody.
const allRevoked = (clock: SharedClock | undefined): ReadonlyArray<Mark> => [
  makeMark(undefined, clock)
]

/** Finds the record of a mark; one that the store cannot read is treated as a mark that cannot be read, or removed. */
const findReplaceable = (
  primitives: Primitives,
  id: string
): Effect.Effect<SessionRecord | undefined, SessionStoreError> =>
  Effect.catchIf(
    Effect.map(primitives.find(id), Option.getOrUndefined),
    ({ reason }) => reason === "corrupt",
    () => Effect.as(primitives.remove(id), undefined)
  )

/**
 * The service's `revokedWithin`, over the marks that `writeMark` keeps. A mark that cannot be read fails with `corrupt`, so
 * that nobody slips through; the next `revokeUser` of the user replaces it.
 */
export const revokedWithin =
  (primitives: Primitives, clock?: SharedClock): Service["revokedWithin"] =>
  (options) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      // Both periods within a day from now, so that neither midnight nor the skew of another server hides a mark.
      const periods = [now - dayMillis, now + dayMillis].map((at) => Math.floor(at / periodMillis))
      for (const period of new Set(periods)) {
        const found = yield* primitives.find(markId(options, period))
        if (Option.isNone(found)) continue
        const marks = decode(found.value.payload)
        if (marks === undefined) return yield* unreadable
        if (isRevoked(marks, options.since, options.exceptId, clock)) return true
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
