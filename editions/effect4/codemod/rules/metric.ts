import ts from "typescript"
import { argumentsOf, type CallRule, dual, type NameRule, type Rules } from "./rule.js"

const tagged: CallRule = (call, p) => {
  const { more, self } = dual(call, 2, p)
  const key = call.arguments.at(-2)
  if (key === undefined || !ts.isStringLiteral(key)) {
    return p.refuse(call, "Metric.tagged is only known with a label that is written out.")
  }
  return `${p.use("effect/Metric")}.withAttributes(${[...self, `{ ${key.text}: ${more[1]} }`].join(", ")})`
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
