import ts from "typescript"
import { argumentsOf, type CallRule, type NameRule, type Rules } from "./rule.js"

const tagged: CallRule = (call, p) => {
  const [metric, , value] = argumentsOf(call, [3], p)
  const [, key] = call.arguments
  if (key === undefined || !ts.isStringLiteral(key)) {
    return p.refuse(call, "Metric.tagged is only known with a label that is written out.")
  }
  return `${p.use("effect/Metric")}.withAttributes(${metric}, { ${key.text}: ${value} })`
}

const timer: CallRule = (call, p) => {
  const [name, description] = argumentsOf(call, [1, 2], p)
  const options = description === undefined ? "" : `, { description: ${description} }`
  return `${p.use("effect/Metric")}.timer(${name}${options})`
}

export const calls: Rules<CallRule> = {
  "effect/Metric.tagged": tagged,
  "effect/Metric.timer": timer,
  "effect/Metric.trackDuration": (call, p) =>
    `${p.use("effect/Effect")}.trackDuration(${argumentsOf(call, [1, 2], p).join(", ")})`
}

export const names: Rules<NameRule> = {
  "effect/Metric.Metric.Counter": (_name, p) => `${p.use("effect/Metric", false)}.Counter`
}
