import type ts from "typescript"
import type { Printer } from "../printer.js"
import { argumentsOf, type CallRule, given, type NameRule, type Rules } from "./rule.js"

/** Comparisons take durations only, not what can be read as one. */
const compared =
  (name: string): CallRule =>
  (call, p) => {
    argumentsOf(call, [2], p)
    const both = call.arguments.map((one) => asDuration(one, p))
    return `${p.use("effect/Duration")}.${name}(${both.join(", ")})`
  }

const asDuration = (node: ts.Expression, p: Printer): string => {
  const type = p.checker.getTypeAtLocation(node)
  return type.symbol?.name === "Duration"
    ? p.print(node)
    : `${p.use("effect/Duration")}.fromInputUnsafe(${p.print(node)})`
}

/** What is no duration is none, as before; but its type has to say that it may be one. */
const decodeUnknown: CallRule = (call, p) => {
  const [given] = argumentsOf(call, [1], p)
  const [node] = call.arguments
  const isText =
    node !== undefined && p.checker.typeToString(p.checker.getTypeAtLocation(node)) === "string"
  const input = isText ? `${given} as ${p.use("effect/Duration")}.Input` : given
  return `${p.use("effect/Duration")}.fromInput(${input})`
}

/** The jitter of Effect 4 has bounds of its own. */
const jitteredWith: CallRule = (call, p) => {
  const [schedule] = argumentsOf(call, [2], p)
  const min = given(call.arguments[1], "min")
  const max = given(call.arguments[1], "max")
  if (min === undefined || max === undefined) {
    return p.refuse(call, "Schedule.jitteredWith is only known with min and max.")
  }
  const factor = `${p.use("effect/Random")}.nextBetween(${p.print(min)}, ${p.print(max)})`
  return `${p.use("effect/Schedule")}.modifyDelay(${schedule}, ({ duration }) =>
    ${p.use("effect/Effect")}.map(${factor}, (by) => ${p.use("effect/Duration")}.times(duration, by)))`
}

export const calls: Rules<CallRule> = {
  "effect/Duration.decodeUnknown": decodeUnknown,
  "effect/Duration.greaterThan": compared("isGreaterThan"),
  "effect/Duration.lessThan": compared("isLessThan"),
  "effect/Duration.lessThanOrEqualTo": compared("isLessThanOrEqualTo"),
  "effect/Schedule.jitteredWith": jitteredWith
}

export const names: Rules<NameRule> = {
  // A test has its services anyway; only the clock stands still by a layer.
  "effect/TestContext.TestContext": (_name, p) => `${p.use("effect/testing/TestClock")}.layer()`
}
