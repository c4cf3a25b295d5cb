/** What a request would do to the store now. */
import { encodeState, sameStored } from "../record/payload.js"
import { touched, withoutStaleToken } from "../record/record.js"
import { applyAll, Misfit, type Operation } from "../session/operation.js"
import { withoutExpired } from "../session/read.js"
import type { State } from "../session/state.js"
import { draftOf, expiryOf, limitBroken, textOf } from "./draft.js"
import type {
  CommitPlan,
  IdChange,
  Intent,
  PlanContext,
  Policy,
  Position,
  Refusal,
  Stored
} from "./model.js"
import { retiredId } from "./retiredId.js"

/** Plans the one store call that brings an intent to where the session is. */
export const planCommit = (at: Position, intent: Intent, context: PlanContext): CommitPlan => {
  const before = at.stored?.state ?? context.empty
  const operations = intent.operations(before)
  const applied = appliedOf(before, operations, intent)
  if (applied instanceof Misfit) return misfit(applied)
  const state = withoutExpired(applied, context.nowMillis)
  return at.stored === null
    ? planInsert(at, intent, state, isAskedFor(operations), context)
    : planChange(at, at.stored, intent, state, context)
}

const appliedOf = (
  before: State,
  operations: ReadonlyArray<Operation>,
  { predicted }: Intent
): State | Misfit => {
  if (operations.length === 0) return before
  return predicted?.from === before ? predicted.state : applyAll(before, operations)
}

const misfit = ({ fault, operation }: Misfit): Refusal => {
  const kind = fault.kind === "busy" ? "busy" : "conflict"
  return { _tag: "Refuse", kind, operation: operation._tag, reason: fault.reason }
}

const tooMuch = ({ verb }: Intent, reason: string): Refusal => ({
  _tag: "Refuse",
  kind: "limit",
  operation: verb,
  reason
})

const isAskedFor = (operations: ReadonlyArray<Operation>): boolean =>
  operations.some(({ _tag }) => _tag === "start")

/** A visitor who has written nothing gets no row. */
const planInsert = (
  at: Position,
  intent: Intent,
  state: State,
  isWanted: boolean,
  context: PlanContext
): CommitPlan => {
  if (!isWanted && isUnwritten(state, context)) return { _tag: "Skip" }
  const { id, token } = intent.change ?? at
  const text = encodeState(state, context.nowMillis)
  const broken = limitBroken(state, text, context)
  if (broken !== undefined) return tooMuch(intent, broken)
  const next = draftOf(intent, { id, state, text, before: null, previous: null }, context)
  return { _tag: "Insert", next, token }
}

const isUnwritten = (state: State, { empty, nowMillis }: PlanContext): boolean =>
  sameStored({ ...state, csrfSecret: empty.csrfSecret }, empty, nowMillis)

const planChange = (
  at: Position,
  stored: Stored,
  intent: Intent,
  state: State,
  context: PlanContext
): CommitPlan => {
  const change = changeFrom(at, intent)
  const { nowMillis, policy } = context
  if (change === null && state === stored.state) return planTouch(stored, intent, context)
  const text = encodeState(state, nowMillis)
  if (change === null && text === textOf(stored, nowMillis))
    return planTouch(stored, intent, context)
  const broken = limitBroken(state, text, context)
  if (broken !== undefined) return tooMuch(intent, broken)
  const { id, version } = stored.record
  const previous =
    change === null
      ? withoutStaleToken(stored.record, nowMillis).previous
      : retiredId(at, stored, change, policy, nowMillis)
  const draft = { id: change?.id ?? id, state, text, before: stored, previous }
  const next = draftOf(intent, draft, context)
  return change === null
    ? { _tag: "Update", next, version }
    : { _tag: "Move", next, version, fromId: id, token: change.token }
}

/** A second migration from an alias makes no second id. */
const changeFrom = ({ tokenFrom }: Position, { change }: Intent): IdChange | null =>
  tokenFrom === "alias" && change?.kind === "alias" ? null : change

/** A request that changed nothing moves the session's last activity, at most once in a while. */
const planTouch = (
  stored: Stored,
  { verb }: Intent,
  { nowMillis, policy }: PlanContext
): CommitPlan => {
  if (verb !== "touch" && !isTouchDue(stored, policy, nowMillis)) return { _tag: "Skip" }
  const record = touched(stored.record, nowMillis, expiryOf(policy, stored.state, nowMillis))
  return { _tag: "Touch", next: { ...stored, record } }
}

/** Tells whether the last activity is old enough to be moved. */
export const isTouchDue = ({ record }: Stored, { touchMillis }: Policy, nowMillis: number) =>
  nowMillis - record.lastActivityMillis >= touchMillis

/** Where a request stands once its plan is carried out. */
export const positionAfter = (plan: CommitPlan, at: Position): Position => {
  switch (plan._tag) {
    case "Skip":
    case "Refuse":
      return at
    case "Touch":
    case "Update":
      return { ...at, stored: plan.next }
    case "Insert":
    case "Move":
      return { stored: plan.next, token: plan.token, id: plan.next.record.id, tokenFrom: "here" }
  }
}
