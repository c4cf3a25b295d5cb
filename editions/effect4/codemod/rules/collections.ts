/** `Chunk` is an array in Effect 4 wherever a stream gives or takes one. */
import ts from "typescript"
import { argumentsOf, type CallRule, dual, moduleOf, type NodeRule, type Rules } from "./rule.js"

const same: CallRule = (call, p) => `${argumentsOf(call, [1], p)}`

/** `Chunk.f(self, ...)` as a method of the array; in a pipe as a function. */
const method =
  (name: string): CallRule =>
  (call, p) => {
    const { more, self } = dual(call, 1, p)
    const [array] = self
    return array === undefined
      ? `(array) => array.${name}(${more[0]})`
      : `(${array}).${name}(${more[0]})`
  }

const mapConcat: CallRule = (call, p) => {
  const { more, self } = dual(call, 1, p)
  const stream = p.use("effect/Stream")
  const mapped = (of: string) => `${stream}.flattenIterable(${stream}.map(${of}, ${more[0]}))`
  return self[0] === undefined ? `(stream) => ${mapped("stream")}` : mapped(self[0])
}

/** One element a page. */
const paginateEffect: CallRule = (call, p) => {
  const [first, page] = argumentsOf(call, [2], p)
  const effect = p.use("effect/Effect")
  return `${p.use("effect/Stream")}.paginate(${first}, (at) =>
    ${effect}.map((${page})(at), ([value, next]) => [[value], next] as const))`
}

/** `Effect.map(effect, Chunk.toReadonlyArray)`, where the effect gives an array already. */
const collected: NodeRule = (node, p) => {
  if (!ts.isCallExpression(node) || node.arguments.length !== 2) return undefined
  const [effect, mapping] = node.arguments
  return effect !== undefined &&
    mapping !== undefined &&
    p.origin.exported(node.expression) === "effect/Effect.map" &&
    p.origin.exported(mapping) === "effect/Chunk.toReadonlyArray"
    ? p.print(effect)
    : undefined
}

/** The two lists have changed places, and the test says by a `Result` which one is meant. */
const partition: CallRule = (call, p) => {
  const [items, test] = argumentsOf(call, [2], p)
  const result = p.use("effect/Result")
  return `${moduleOf(call, p)}.partition(${items}, (one) => ((${test})(one) ? ${result}.fail(one) : ${result}.succeed(one)))`
}

/** `Chunk.Chunk<A>` as a type. */
const chunkType: NodeRule = (node, p) => {
  if (!ts.isTypeReferenceNode(node)) return undefined
  if (p.origin.exported(node.typeName) !== "effect/Chunk.Chunk") return undefined
  return `ReadonlyArray<${node.typeArguments?.map(p.print).join() ?? "never"}>`
}

export const nodes: ReadonlyArray<NodeRule> = [collected, chunkType]

export const calls: Rules<CallRule> = {
  "effect/Array.partition": partition,
  "effect/Chunk.filter": method("filter"),
  "effect/Chunk.size": (call, p) => `(${argumentsOf(call, [1], p)}).length`,
  "effect/Chunk.some": method("some"),
  "effect/Chunk.toReadonlyArray": same,
  "effect/Chunk.unsafeFromArray": same,
  "effect/Stream.mapConcat": mapConcat,
  "effect/Stream.paginateEffect": paginateEffect
}
