/**
 * JSON values: their types, the compile-time check of what may be stored, and the checked copy that is made of every value
 * before it is stored.
 */
import { Fault, isFault } from "./fault.js"

/** A JSON value. */
export type Json = null | boolean | number | string | JsonArray | JsonObject

/** A list of JSON values. */
export type JsonArray = ReadonlyArray<Json>

/** An object of JSON values. */
export interface JsonObject {
  readonly [key: string]: Json
}

/**
 * What a value of type `T` must be to be stored: `T` itself where it is JSON, `never` where it is not.
 *
 * Interfaces and optional properties pass. Any other `undefined`, functions, classes, `bigint`, `symbol`, `unknown`,
 * `object`, `Date`, `Map` and anything with a method do not. An index signature may hold `undefined`, as its properties are
 * optional.
 *
 * A signature `<const T>(value: JsonInput<T>)` infers `T` from the argument and checks it; so does one that takes the value
 * from a callback. `Storable` does the same with errors that one can read.
 */
export type JsonInput<T> = T extends Json // First, or a recursive type would be expanded without end.
  ? T
  : T extends Callable
    ? never
    : T extends object
      ? keyof T extends never // `object`, which could be anything
        ? never
        : { readonly [K in keyof T]: K extends symbol ? never : JsonProperty<T, K> }
      : never

type Callable = ((...args: never) => unknown) | (abstract new (...args: never) => unknown)

type JsonProperty<T, K extends keyof T> =
  T extends ReadonlyArray<unknown>
    ? JsonInput<T[K]>
    : undefined extends T[K]
      ? Record<never, never> extends Pick<T, K>
        ? JsonInput<Exclude<T[K], undefined>> | undefined
        : never
      : JsonInput<T[K]>

/** How deep a value may be nested; a scalar is 0 deep. */
export const maxDepth = 32

/** True when a value is nested deeper than so many levels. It looks no deeper than that itself. */
export const isDeeperThan = (value: Json, levels: number): boolean => {
  if (typeof value !== "object" || value === null) return false
  if (levels === 0) return true
  for (const item of isList(value) ? value : Object.values(value)) {
    if (isDeeperThan(item, levels - 1)) return true
  }
  return false
}

/** The fault of a value that is nested deeper than `maxDepth`. */
export const tooDeep = () =>
  new Fault("encode", `it is nested deeper than ${maxDepth} levels or refers to itself`)

/** True for an object that is neither a list nor null. */
export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** True for a list. */
export const isList = (value: Json | undefined): value is JsonArray => Array.isArray(value)

/** Copies a value deeply; a scalar is its own copy. */
export const copy = <J extends Json>(value: J): J => {
  if (typeof value !== "object" || value === null) return value
  // The copy has the shape of what is copied, which the type system cannot see.
  if (Array.isArray(value)) return value.map(copy) as unknown as J
  const result: Record<string, Json> = {}
  // A stored __proto__, which another program must have written, is not copied, so it never becomes a prototype.
  for (const key of Object.keys(value)) {
    if (key === "__proto__") continue
    result[key] = copy((value as JsonObject)[key] as Json)
  }
  // As above.
  return result as unknown as J
}

/** True when two values are alike, whatever the order of their keys. */
export const equals = (a: Json | undefined, b: Json | undefined): boolean => {
  if (a === b) return true
  if (isList(a) && isList(b)) {
    return a.length === b.length && a.every((item, index) => equals(item, b[index]))
  }
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equals(a[key], b[key]))
  )
}

/**
 * Copies a value of unknown origin as JSON, or says why it cannot be stored. `maxBytes` bounds its JSON text in UTF-8.
 *
 * A property that is `undefined` is left out and `-0` becomes `0`; nothing else changes. A property `__proto__` is refused,
 * or left out as well.
 */
export const fromUnknown = (
  value: unknown,
  maxBytes: number,
  proto: "refuse" | "leaveOut" = "refuse"
): Json | Fault => {
  const walk: Walk = { bytes: 0, maxBytes, proto }
  try {
    const result = convert(value, 0, walk)
    if (isFault(result)) return result
    // A code unit takes at most six bytes in JSON text, so most values need no exact count.
    if (walk.bytes * 6 <= maxBytes) return result
    return Buffer.byteLength(JSON.stringify(result)) > maxBytes ? tooLarge(maxBytes) : result
  } catch {
    return new Fault("encode", "reading it threw an error")
  }
}

interface Walk {
  /** A lower bound of the bytes of JSON text seen so far. */
  bytes: number
  readonly maxBytes: number
  readonly proto: "refuse" | "leaveOut"
}

const tooLarge = (maxBytes: number) => new Fault("encode", `it is larger than ${maxBytes} bytes`)

const convert = (value: unknown, depth: number, walk: Walk): Json | Fault => {
  walk.bytes += 1
  if (walk.bytes > walk.maxBytes) return tooLarge(walk.maxBytes)
  switch (typeof value) {
    case "string":
      walk.bytes += value.length + 1
      return walk.bytes > walk.maxBytes ? tooLarge(walk.maxBytes) : value
    case "boolean":
      return value
    case "number":
      if (Number.isFinite(value)) {
        walk.bytes += String(value).length - 1
        return value === 0 ? 0 : value
      }
      return new Fault("encode", `it contains ${value}, which JSON cannot hold`)
    case "object":
      if (value === null) return null
      if (depth >= maxDepth) return tooDeep()
      return Array.isArray(value)
        ? convertList(value, depth, walk)
        : convertObject(value, depth, walk)
    default:
      return new Fault("encode", `it contains a value of type ${typeof value}`)
  }
}

// An object chooses its own tag, so it is shown only if it is the name of a global.
const describe = (kind: string): string => {
  if (!Object.hasOwn(globalThis, kind)) return "an object that is not plain data"
  return `${/^[AEIO]/.test(kind) ? "an" : "a"} ${kind}`
}

const convertList = (list: ReadonlyArray<unknown>, depth: number, walk: Walk): Json | Fault => {
  const result: Array<Json> = []
  for (let index = 0; index < list.length; index++) {
    const item = convert(list[index], depth + 1, walk)
    if (isFault(item)) return item
    result.push(item)
  }
  return result
}

const convertObject = (object: object, depth: number, walk: Walk): Json | Fault => {
  const kind = Object.prototype.toString.call(object).slice(8, -1)
  if (kind !== "Object") return new Fault("encode", `it contains ${describe(kind)}`)
  // The object is a plain one; its properties are still unknown.
  const source = object as Readonly<Record<string, unknown>>
  if (typeof source.toJSON === "function") {
    return new Fault("encode", "it contains an object with a toJSON method; encode it first")
  }
  const result: Record<string, Json> = {}
  for (const key of Object.keys(source)) {
    if (key === "__proto__") {
      if (walk.proto === "leaveOut") continue
      return new Fault("key", "it contains the key __proto__")
    }
    const property = source[key]
    if (property === undefined) continue
    walk.bytes += key.length + 3
    const item = convert(property, depth + 1, walk)
    if (isFault(item)) return item
    result[key] = item
  }
  return result
}
