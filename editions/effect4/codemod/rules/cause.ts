/** A cause is a flat list of reasons in Effect 4. */
import { argumentsOf, type CallRule, type NameRule, type Rules } from "./rule.js"

const failures: CallRule = (call, p) => {
  const [cause] = argumentsOf(call, [1], p)
  return `${cause}.reasons.filter(${p.use("effect/Cause")}.isFailReason).map(({ error }) => error)`
}

/** The two sides have changed places. */
const failureOrCause: CallRule = (call, p) => {
  const [cause] = argumentsOf(call, [1], p)
  return `${p.use("effect/Result")}.flip(${p.use("effect/Cause")}.findError(${cause}))`
}

export const names: Rules<NameRule> = {
  "effect/Cause.dieOption": (_name, p) =>
    `(cause) => ${p.use("effect/Result")}.getSuccess(${p.use("effect/Cause")}.findDefect(cause))`
}

export const calls: Rules<CallRule> = {
  "effect/Cause.dieOption": (call, p) =>
    `${p.use("effect/Result")}.getSuccess(${p.use("effect/Cause")}.findDefect(${argumentsOf(call, [1], p)}))`,
  // It always shows the causes of errors.
  "effect/Cause.pretty": (call, p) =>
    `${p.use("effect/Cause")}.pretty(${argumentsOf(call, [1, 2], p)[0]})`,
  "effect/Cause.isEmpty": (call, p) => `(${argumentsOf(call, [1], p)}.reasons.length === 0)`,
  "effect/Cause.failureOrCause": failureOrCause,
  "effect/Cause.failures": failures
}
