/**
 * Paths into a session's data: `"cart.items.0"` walks objects by key and lists by index. Only own properties are seen,
 * nothing is changed in place, and no path can reach a prototype.
 */
import { Fault, isFault } from "./fault.js"
import { isList, isObject, type Json, type JsonObject } from "./json.js"
import { own } from "./objects.js"

/** A path of literal segments. A dot in one of them is a character like any other. */
export interface Path {
  readonly _tag: "Path"
  readonly segments: ReadonlyArray<string>
}

/** What names a value: a dotted text, or a path of literal segments. */
export type Key = string | Path

/** How many segments a path may have. */
const maxSegments = 32

const forbidden: ReadonlySet<string> = new Set(["__proto__", "prototype", "constructor"])

/** Makes a path of literal segments. */
export const literal = (...segments: ReadonlyArray<string>): Path => ({ _tag: "Path", segments })

/** Splits a key into segments, or says what is wrong with it. */
export const parse = (key: Key): ReadonlyArray<string> | Fault => {
  if (typeof key === "string") return key.includes(".") ? parseDotted(key) : check([key])
  return typeof key === "object" && key !== null && Array.isArray(key.segments)
    ? // A copy, so that nobody changes the segments once they are checked.
      check(key.segments.slice(0, maxSegments + 1))
    : new Fault("key", "a key is a text or a Session.path")
}

/** As `parse`, for the operations whose keys have one segment. */
export const single = (key: Key): string | Fault => {
  const segments = parse(key)
  if (isFault(segments)) return segments
  return segments.length === 1
    ? (segments[0] as string)
    : new Fault("key", "TTL and flash keys have one segment")
}

/** True when a text is a key, so that `parse` succeeds. */
export const isKey = (text: string): boolean =>
  // Not by `parse`, so that texts from outside do not push the keys of the app out of its cache.
  typeof text === "string" && !isFault(check(split(text)))

/**
 * A key as error messages show it: at most 80 characters, control characters escaped, so that no key writes a line of
 * its own into a log. Anything but a key is shown as its type.
 */
export const display = (key: Key | ReadonlyArray<string>): string => {
  const whole = typeof key === "string" ? key : joined(key)
  const text = escapeControls(whole.slice(0, maxDisplay + 1))
  return text.length > maxDisplay ? `${withoutHalf(text.slice(0, maxDisplay - 1))}…` : text
}

const maxDisplay = 80

/** Control and format characters (such as those that turn the direction of text), lone surrogates, line separators. */
const controls = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const escapeControls = (text: string): string =>
  text.replace(controls, (each) => `\\u{${(each.codePointAt(0) as number).toString(16)}}`)

/** A cut may leave the first half of a character. */
const withoutHalf = (text: string): string => text.replace(/[\ud800-\udbff]$/, "")

/** The value at a path, or `undefined`. */
export const get = (root: JsonObject, path: ReadonlyArray<string>): Json | undefined => {
  let current: Json | undefined = root
  for (const segment of path) current = child(current, segment)
  return current
}

/** A copy of `root` with the value at the path; a missing or scalar container on the way becomes an object. */
export const set = (
  root: JsonObject,
  path: ReadonlyArray<string>,
  value: Json
): JsonObject | Fault => {
  const result = setIn(root, path, 0, value)
  // An object stays an object at the root.
  return isFault(result) ? result : (result as JsonObject)
}

type Segments = ReadonlyArray<string>

/**
 * A copy of `root` without some paths, or `root` itself when none is there; an emptied container stays. Indexes are those
 * before anything is removed: without `"l.0"` and `"l.1"` a list lacks its first two elements.
 */
export const removeAll = (root: JsonObject, paths: ReadonlyArray<Segments>): JsonObject =>
  // An object stays an object at the root.
  removeIn(root, paths) as JsonObject

const removeIn = (container: Json, paths: ReadonlyArray<Segments>): Json => {
  const changed = new Map<string, Json | undefined>()
  for (const [segment, inner] of grouped(paths)) {
    const value = child(container, segment)
    if (value === undefined) continue
    const next = inner.some((path) => path.length === 0) ? undefined : removeIn(value, inner)
    if (next !== value) changed.set(segment, next)
  }
  if (changed.size === 0) return container
  if (isList(container)) {
    return container.flatMap((item, index) => {
      const next = changed.has(String(index)) ? changed.get(String(index)) : item
      return next === undefined ? [] : [next]
    })
  }
  const result: Record<string, Json> = { ...(container as JsonObject) }
  for (const [segment, next] of changed) {
    if (next === undefined) delete result[segment]
    else result[segment] = next
  }
  return result
}

/**
 * The part of `root` under some paths. A key keeps its place. A list stays a list, of the elements that are named, in their
 * order and without gaps. A path that finds nothing adds nothing.
 */
export const pick = (root: JsonObject, paths: ReadonlyArray<Segments>): JsonObject =>
  // An object stays an object at the root.
  (pickIn(root, paths) ?? {}) as JsonObject

const pickIn = (container: Json, paths: ReadonlyArray<Segments>): Json | undefined => {
  if (paths.some((path) => path.length === 0)) return container
  const found: Array<readonly [string, Json]> = []
  for (const [segment, inner] of grouped(paths)) {
    const value = child(container, segment)
    const part = value === undefined ? undefined : pickIn(value, inner)
    if (part !== undefined) found.push([segment, part])
  }
  if (found.length === 0) return undefined
  if (!isList(container)) return Object.fromEntries(found)
  return found.sort(([a], [b]) => Number(a) - Number(b)).map(([, part]) => part)
}

/** The rest of the paths, by their first segment. */
const grouped = (paths: ReadonlyArray<Segments>): ReadonlyMap<string, ReadonlyArray<Segments>> => {
  const groups = new Map<string, Array<Segments>>()
  for (const [first, ...rest] of paths) {
    const group = groups.get(first as string)
    if (group === undefined) groups.set(first as string, [rest])
    else group.push(rest)
  }
  return groups
}

const split = (text: string): ReadonlyArray<string> => text.split(".", maxSegments + 1)

/** The segments of dotted texts that were parsed before: an app has few keys and repeats them. */
const parsed = new Map<string, ReadonlyArray<string>>()
const maxParsed = 256
const maxParsedLength = 128

const parseDotted = (text: string): ReadonlyArray<string> | Fault => {
  const known = parsed.get(text)
  if (known !== undefined) return known
  const segments = check(split(text))
  if (isFault(segments) || text.length > maxParsedLength) return segments
  if (parsed.size >= maxParsed) parsed.clear()
  // A text may be a slice that keeps a whole request body in memory; joining makes a text of its own.
  const own = segments.join(".")
  const shared = Object.freeze(split(own))
  parsed.set(own, shared)
  return shared
}

const joined = (key: Path | ReadonlyArray<string>): string => {
  // The caller may be plain JavaScript, and an error message must not fail.
  const segments: unknown = Array.isArray(key) ? key : Object(key).segments
  return Array.isArray(segments)
    ? segments.map((item) => (typeof item === "string" ? item : typeof item)).join(".")
    : `(${typeof key})`
}

const check = (segments: ReadonlyArray<string>): ReadonlyArray<string> | Fault => {
  if (segments.length === 0) return new Fault("key", "it has no segment")
  if (segments.length > maxSegments) {
    return new Fault("key", `it has more than ${maxSegments} segments`)
  }
  for (const segment of segments) {
    if (typeof segment !== "string" || segment === "") {
      return new Fault("key", "it has an empty segment")
    }
    if (forbidden.has(segment)) return new Fault("key", `${segment} is not allowed`)
  }
  return segments
}

const indexOf = (segment: string): number | undefined =>
  /^(?:0|[1-9]\d{0,8})$/.test(segment) ? Number(segment) : undefined

const child = (container: Json | undefined, segment: string): Json | undefined => {
  if (isList(container)) {
    const index = indexOf(segment)
    return index === undefined ? undefined : container[index]
  }
  return isObject(container) ? own(container, segment) : undefined
}

const setIn = (
  container: Json | undefined,
  path: ReadonlyArray<string>,
  at: number,
  value: Json
): Json | Fault => {
  if (at === path.length) return value
  const segment = path[at] as string
  const next = setIn(child(container, segment), path, at + 1, value)
  if (isFault(next)) return next
  if (!isList(container)) return { ...(isObject(container) ? container : {}), [segment]: next }
  const index = indexOf(segment)
  return index === undefined || index > container.length
    ? new Fault("key", "a list takes an index from 0 to its length")
    : [...container.slice(0, index), next, ...container.slice(index + 1)]
}
