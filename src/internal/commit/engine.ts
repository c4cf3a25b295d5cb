/** The commit engine: one loop that plans, calls the store, and where it missed lets the row tell what became of it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { cookieAfter, cookieAtTheEnd } from "../../core/commit/cookieDuty.js"
import { fateOf } from "../../core/commit/fate.js"
import {
  type CommitPlan,
  type Intent,
  noOperations,
  type PlanContext,
  type Position,
  type Refusal,
  type Stored,
  takesNothing
} from "../../core/commit/model.js"
import { planCommit, positionAfter } from "../../core/commit/plan.js"
import { carryOn } from "../../core/session/flash.js"
import { applyAll, Misfit } from "../../core/session/operation.js"
import { SessionConflict, SessionEncodeError, SessionStoreError } from "../errors/errors.js"
import type { Service } from "../store/contract.js"
import { backOff } from "./backOff.js"
import { retryMillis } from "./exclusively.js"
import {
  clientOf,
  now,
  publishEvent,
  type RequestContext,
  type UndatedEvent
} from "./RequestContext.js"
import { type Life, newPosition, type RequestSession } from "./RequestSession.js"
import { noteWritten, readRecord } from "./readRecord.js"

/** How a commit can fail. */
export type CommitError = SessionStoreError | SessionConflict | SessionEncodeError

/** How a commit can end well. `gone`: the session does not exist any more, and everything was dropped. */
export type Outcome = "done" | "nothing" | "gone"

/** A store that fails is asked so often. */
const mostFailures = 3

/** Commits an intent to the session the request is in. Runs `exclusively`. */
export const runCommit = (
  session: RequestSession,
  intent: Intent
): Effect.Effect<Outcome, CommitError> => attempt(runOf(session), session.life.position, intent, 1)

/** As `runCommit`, on the session as it is now rather than as this request has seen it. */
export const runOnNewest = (
  session: RequestSession,
  intent: Intent
): Effect.Effect<Outcome, CommitError> =>
  lookAgain(runOf(session), session.life.position, intent, 0)

const runOf = (session: RequestSession): Run => ({
  session,
  life: session.life,
  began: performance.now()
})

/** One commit on its way. */
interface Run {
  readonly session: RequestSession
  /** The life it settles, whether or not the request is still in it. */
  readonly life: Life
  readonly began: number
}

const attempt = (
  run: Run,
  at: Position,
  intent: Intent,
  attempts: number
): Effect.Effect<Outcome, CommitError> => {
  const { life, session } = run
  const { request } = session
  const plan = planCommit(at, intent, planContext(request, life))
  if (plan._tag === "Skip") {
    // What is too little for a session of its own stays pending: more may come.
    if (at.stored !== null) settle(run, at, intent)
    return nothing
  }
  if (plan._tag === "Refuse") {
    rollBack(run, at, intent)
    return Effect.fail(errorOf(plan))
  }
  return Effect.matchEffect(execute(request.store, plan), {
    onSuccess: (hit) =>
      hit
        ? done(run, positionAfter(plan, at), intent, at, attempts)
        : lookAgain(run, at, intent, attempts),
    onFailure: (error) =>
      plan._tag === "Touch"
        ? untouched(run, at, intent, error)
        : lookAgain(run, at, intent, attempts, error)
  })
}

const nothing: Effect.Effect<Outcome> = Effect.succeed("nothing")

const planContext = (request: RequestContext, { empty }: Life): PlanContext => ({
  policy: request.settings,
  client: () => ({ ipAddress: request.ipAddress(), userAgent: request.userAgent() }),
  empty,
  nowMillis: now(request)
})

const execute = (
  store: Service,
  plan: Exclude<CommitPlan, { _tag: "Skip" | "Refuse" }>
): Effect.Effect<boolean, SessionStoreError> => {
  const { record } = plan.next
  switch (plan._tag) {
    case "Touch":
      return store.touch(
        record.id,
        record.version,
        record.lastActivityMillis,
        record.expiresAtMillis
      )
    case "Insert":
      return store.insert(record)
    case "Update":
      return store.update(record, plan.version)
    case "Move":
      return store.move(plan.fromId, record, plan.version)
  }
}

/**
 * Lets the row tell what became of a write that missed, or whose reply was lost. Where it cannot be read, nobody can tell,
 * and the request gives the session up, as at the deadline.
 */
const lookAgain = (
  run: Run,
  at: Position,
  intent: Intent,
  attempts: number,
  failure?: SessionStoreError
): Effect.Effect<Outcome, CommitError> => {
  const { request } = run.session
  // A store that took so long to fail is not asked again.
  if (failure !== undefined && isLate(run)) return unknown(run, failure)
  const found = Effect.catchAll(readRow(request, at, intent), (error) =>
    // The first failure says more than that of the second look.
    unknown(run, failure ?? error)
  )
  return Effect.flatMap(found, (row) => {
    const fate = fateOf(row, at, intent, newPosition(request))
    if (fate._tag === "Gone") return gone(run)
    if (fate._tag === "Done") return done(run, fate.at, intent, at, attempts)
    const isOver =
      isLate(run) ||
      failure?.reason === "tooLarge" ||
      (failure !== undefined && attempts > mostFailures)
    if (!isOver) {
      return Effect.zipRight(
        backOff(attempts),
        Effect.suspend(() => attempt(run, fate.at, fate.intent, attempts + 1))
      )
    }
    rollBack(run, fate.at, intent)
    return Effect.fail(
      failure ?? new SessionConflict({ operation: intent.verb, reason: "too many writers at once" })
    )
  })
}

const isLate = ({ began }: Run): boolean => performance.now() - began > retryMillis

/** Looks whether a cookie that was decided earlier still names the session. */
export const lookAtCookie = (
  session: RequestSession,
  at: Position
): Effect.Effect<void, SessionStoreError> =>
  Effect.map(readRow(session.request, at, { change: null }), (found) => {
    session.life.cookie = cookieAtTheEnd(found, at)
  })

/** Finds the row under the id the request had, or under the one it asked for. */
const readRow = (
  request: RequestContext,
  at: Position,
  { change }: Pick<Intent, "change">
): Effect.Effect<Stored | null, SessionStoreError> => {
  const { store } = request
  const first = store.find(at.id)
  const found =
    change === null
      ? first
      : Effect.flatMap(first, (one) =>
          Option.isSome(one) ? Effect.succeed(one) : store.find(change.id)
        )
  return Effect.flatMap(found, (record) => {
    if (Option.isNone(record)) return Effect.succeed(null)
    const reading = readRecord(request, record.value)
    return reading._tag === "stored"
      ? Effect.succeed(reading.stored)
      : new SessionStoreError({ operation: "find", reason: "corrupt" })
  })
}

/** The life after a commit: what is still pending is run again on what is stored. */
const settle = ({ life }: Run, at: Position, { takes, unseen }: Intent): void => {
  const { operations } = takes
  life.pending =
    life.pending === operations ? [] : life.pending.filter((one) => !operations.includes(one))
  if (life.change === takes.change) life.change = null
  const stored = at.stored?.state ?? life.empty
  const replayed = applyAll(stored, life.pending)
  const fits = !(replayed instanceof Misfit)
  const next = fits ? replayed : stored
  const shown = applyAll(life.state, unseen(life.state))
  life.state = carryOn(shown instanceof Misfit ? life.state : shown, next)
  // What does not fit any more is refused by the next commit.
  life.predicted = fits && life.state === next ? { from: stored, state: next } : null
  life.cookie = cookieAfter(life.position, at, life.cookie)
  life.position = at
}

/** A commit that was refused is rolled back, as a transaction is; what refused another verb leaves what is pending. */
const rollBack = (run: Run, at: Position, intent: Intent): void => {
  const { cookie } = run.life
  settle(run, at, {
    ...intent,
    unseen: noOperations,
    takes: intent.verb === "commit" ? intent.takes : takesNothing
  })
  // What others have stored is no reason for a cookie, unless this client knows the session by an old id.
  if (at.tokenFrom !== "alias") run.life.cookie = cookie
}

const done = (
  run: Run,
  at: Position,
  intent: Intent,
  before: Position,
  attempts: number
): Effect.Effect<Outcome> => {
  const { request } = run.session
  settle(run, at, intent)
  if (at.stored === null) return nothing
  noteWritten(request, at.stored)
  const events = eventsOf(request, at.stored, intent, before, attempts)
  return events.length === 0
    ? committed
    : Effect.zipRight(
        Effect.forEach(events, (event) => publishEvent(request, event), { discard: true }),
        committed
      )
}

const committed: Effect.Effect<Outcome> = Effect.succeed("done")

const eventsOf = (
  request: RequestContext,
  { record: { id, userId } }: Stored,
  { change }: Intent,
  before: Position,
  attempts: number
): ReadonlyArray<UndatedEvent> => {
  const earlier = before.stored?.record
  if (earlier === undefined) return [{ _tag: "Created", id, ...clientOf(request, userId) }]
  const { id: from, userId: left } = earlier
  const events: Array<UndatedEvent> = []
  if (left !== null && left !== userId) {
    const reason = userId === null ? "flush" : "login"
    const client = clientOf(request, left)
    events.push({ _tag: "LoggedOut", id: from, reason, ...client, userId: left })
  }
  if (change !== null && id === change.id) {
    const { reason } = change
    events.push({ _tag: "Regenerated", id, from, reason, ...clientOf(request, userId) })
  }
  if (attempts > 1) {
    events.push({ _tag: "ConflictReplayed", id, attempts, ...clientOf(request, userId) })
  }
  return events
}

/**
 * A touch that failed has lost nothing: the session only ends a little earlier. So where the store takes no writes, the page
 * is served. Only a guard that asked for the touch hears of it.
 */
const untouched = (
  run: Run,
  at: Position,
  intent: Intent,
  error: SessionStoreError
): Effect.Effect<Outcome, SessionStoreError> => {
  if (intent.verb === "touch") return Effect.fail(error)
  settle(run, at, intent)
  return Effect.zipRight(
    Effect.logWarning("The last activity of a session could not be moved", error),
    nothing
  )
}

const gone = ({ life, session }: Run): Effect.Effect<Outcome> =>
  Effect.sync(() => {
    if (session.life === life) session.retire()
    return "gone"
  })

const unknown = ({ life, session }: Run, error: SessionStoreError) =>
  Effect.suspend(() => {
    if (session.life === life) session.giveUp(error)
    return Effect.fail(error)
  })

const errorOf = ({ kind, operation, reason }: Refusal) =>
  kind === "limit"
    ? new SessionEncodeError({ operation, key: "", reason })
    : new SessionConflict({ operation, reason })
