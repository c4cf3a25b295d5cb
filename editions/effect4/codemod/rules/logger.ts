/** Loggers and levels: a layer says which loggers there are, and a level is a text. */
import ts from "typescript"
import { argumentsOf, type CallRule, type NameRule, type NodeRule, type Rules } from "./rule.js"

const layerOf =
  (loggers: (given: ReadonlyArray<string>) => string): CallRule =>
  (call, p) =>
    `${p.use("effect/Logger")}.layer(${loggers(call.arguments.map(p.print))})`

const level =
  (name: string): NameRule =>
  () =>
    `"${name}"`

const minimum: CallRule = (call, p) =>
  `${p.use("effect/Layer")}.succeed(${p.use("effect/References")}.MinimumLogLevel, ${argumentsOf(call, [1], p)})`

/** `level._tag`: a level is its name, and one of them is shorter. */
const tagOfLevel: NodeRule = (node, p) =>
  ts.isPropertyAccessExpression(node) &&
  /^effect\/LogLevel#\w+\._tag$/.test(p.origin.read(node) ?? "")
    ? `(${p.print(node.expression)} === "Warn" ? "Warning" : ${p.print(node.expression)})`
    : undefined

/** `level.label`, in capitals. */
const labelOfLevel: NodeRule = (node, p) =>
  ts.isPropertyAccessExpression(node) &&
  /^effect\/LogLevel#\w+\.label$/.test(p.origin.read(node) ?? "")
    ? `${p.print(node.expression)}.toUpperCase()`
    : undefined

export const nodes: ReadonlyArray<NodeRule> = [tagOfLevel, labelOfLevel]

export const calls: Rules<CallRule> = {
  "effect/Logger.add": layerOf(([logger]) => `[${logger}], { mergeWithExisting: true }`),
  "effect/Logger.minimumLogLevel": minimum,
  // Effect 3 has no other logger by default.
  "effect/Logger.remove": layerOf(() => "[]"),
  "effect/Logger.replace": layerOf(([, logger]) => `[${logger}]`)
}

export const names: Rules<NameRule> = {
  "effect/Logger.defaultLogger": (_name, p) => `${p.use("effect/Logger")}.defaultLogger`,
  "effect/LogLevel.All": level("All"),
  "effect/LogLevel.Debug": level("Debug"),
  "effect/LogLevel.Info": level("Info")
}
