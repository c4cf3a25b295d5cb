import { argumentsOf, type CallRule, dual, type Rules } from "./rule.js"

/** A layer that fails is one whose context is an effect that fails. */
const fail: CallRule = (call, p) =>
  `${p.use("effect/Layer")}.effectContext(${p.use("effect/Effect")}.fail(${argumentsOf(call, [1], p)}))`

const mapError: CallRule = (call, p) => {
  const { more, self } = dual(call, 1, p)
  const layer = p.use("effect/Layer")
  const failed = `${layer}.effectContext(${p.use("effect/Effect")}.fail((${more[0]})(error)))`
  return `${layer}.catch(${[...self, `(error) => ${failed}`].join(", ")})`
}

export const calls: Rules<CallRule> = {
  "effect/Layer.setClock": (call, p) =>
    `${p.use("effect/Layer")}.succeed(${p.use("effect/Clock")}.Clock, ${argumentsOf(call, [1], p)})`,
  "effect/Layer.setConfigProvider": (call, p) =>
    `${p.use("effect/ConfigProvider")}.layer(${argumentsOf(call, [1], p)})`,
  "effect/Layer.discard": (call, p) => {
    const layer = p.use("effect/Layer")
    return `${layer}.effectDiscard(${layer}.build(${argumentsOf(call, [1], p)}))`
  },
  "effect/Layer.map": (call, p) => {
    const [layer, mapping] = argumentsOf(call, [2], p)
    const module = p.use("effect/Layer")
    const mapped = `${p.use("effect/Effect")}.map(${module}.build(${layer}), ${mapping})`
    return `${module}.effectContext(${mapped})`
  },
  "effect/Layer.setTracer": (call, p) =>
    `${p.use("effect/Layer")}.succeed(${p.use("effect/Tracer")}.Tracer, ${argumentsOf(call, [1], p)})`,
  "effect/Layer.fail": fail,
  "effect/Layer.mapError": mapError
}
