/**
 * The operations on a cell, synchronous: they check keys and values, read the state, record what changes it. What does
 * not fit is thrown as the error of the public operation. `Session.ts` lifts them to Effects.
 */
import { makeSecret, mask, verify } from "../../core/http/csrf.js"
import { cleanPreviousUrl } from "../../core/http/previousUrl.js"
import { makeEntryId } from "../../core/record/token.js"
import { isFault } from "../../core/session/fault.js"
import { copy, fromUnknown, isObject, type Json, type JsonObject } from "../../core/session/json.js"
import { adding, type Change, pushing } from "../../core/session/operation.js"
import * as Path from "../../core/session/path.js"
import { withoutSecrets } from "../../core/session/secretFields.js"
import {
  all as allOf,
  type FlashEntry,
  flashOf,
  type Lifetime,
  oldInput,
  read
} from "../../core/session/state.js"
import { type Cell, now, planMove, record, seen } from "../commit/cell.js"
import { beginExplicitly } from "../commit/lifecycle.js"
import { SessionEncodeError } from "../errors/errors.js"
import { raise } from "../errors/toSessionError.js"

/** Splits a key or throws. */
export const pathOf = (verb: string, key: Path.Key): ReadonlyArray<string> => {
  const path = Path.parse(key)
  if (isFault(path)) throw raise(path, verb, Path.display(key))
  return path
}

const nameOf = (verb: string, key: Path.Key): string => {
  const name = Path.single(key)
  if (isFault(name)) throw raise(name, verb, Path.display(key))
  return name
}

const valueOf = (cell: Cell, verb: string, key: Path.Key, value: unknown): Json => {
  const json = fromUnknown(value, cell.surroundings.compiled.maxPayloadBytes)
  if (isFault(json)) throw raise(json, verb, Path.display(key))
  return json
}

/** The entries of an object that is given instead of a key and a value; those that are `undefined` are left out. */
export const entriesOf = (
  verb: string,
  object: object
): ReadonlyArray<readonly [string, unknown]> => {
  // A list or a Map has entries too, but not those that were meant.
  if (Object.prototype.toString.call(object) !== "[object Object]") {
    const reason = "it takes an object of entries, or a key and a value"
    throw new SessionEncodeError({ operation: verb, key: "", reason })
  }
  return Object.entries(object).filter(([, value]) => value !== undefined)
}

/** Runs several operations, or none where one of them throws. */
export const atomically = (cell: Cell, run: () => void): void => {
  const { state } = cell
  const recorded = cell.operations.length
  try {
    run()
  } catch (error) {
    cell.state = state
    cell.operations.length = recorded
    throw error
  }
}

/** A list of keys however it was given. */
export type Keys = ReadonlyArray<Path.Key | ReadonlyArray<Path.Key>>

const keysOf = (keys: Keys): ReadonlyArray<Path.Key> =>
  // The two forms are told apart by `flat`.
  keys.flat() as ReadonlyArray<Path.Key>

const pathsOf = (verb: string, keys: Keys): ReadonlyArray<ReadonlyArray<string>> =>
  keysOf(keys).map((key) => pathOf(verb, key))

const at = (cell: Cell, path: ReadonlyArray<string>): Json | undefined =>
  read(cell.state, path, now(cell))

/** The stored value itself: only for code that does not hand it out. */
export const peek = (cell: Cell, verb: string, key: Path.Key): Json | undefined =>
  at(cell, pathOf(verb, key))

/** A copy of the value, or `undefined`. */
export const get = (cell: Cell, verb: string, key: Path.Key): Json | undefined => {
  const value = peek(cell, verb, key)
  return value === undefined ? undefined : copy(value)
}

/** User data and live flash values. */
export const all = (cell: Cell): JsonObject => copy(allOf(cell.state, now(cell)))

/** The part of the data under some keys; a list stays a list, without gaps. */
export const only = (cell: Cell, keys: Keys): JsonObject =>
  copy(Path.pick(allOf(cell.state, now(cell)), pathsOf("only", keys)))

/** The data without some keys, which name elements of a list as they stand before any is taken out. */
export const except = (cell: Cell, keys: Keys): JsonObject =>
  copy(Path.removeAll(allOf(cell.state, now(cell)), pathsOf("except", keys)))

// The four below check every key before they read: the first that decides must not hide a bad one.

/** Whether every key is present and not null. */
export const has = (cell: Cell, keys: Keys): boolean =>
  pathsOf("has", keys).every((path) => (at(cell, path) ?? null) !== null)

/** Whether some key is present and not null. */
export const hasAny = (cell: Cell, keys: Keys): boolean =>
  pathsOf("hasAny", keys).some((path) => (at(cell, path) ?? null) !== null)

/** Whether every key is present, even if null. */
export const exists = (cell: Cell, keys: Keys): boolean =>
  pathsOf("exists", keys).every((path) => at(cell, path) !== undefined)

/** Whether every key is missing. */
export const missing = (cell: Cell, keys: Keys): boolean =>
  pathsOf("missing", keys).every((path) => at(cell, path) === undefined)

/** Stores a value; `ttlMillis` is the instant of its expiry. */
export const put = (
  cell: Cell,
  key: Path.Key,
  value: unknown,
  ttlMillis: number | null = null
): void => {
  const path = ttlMillis === null ? pathOf("put", key) : [nameOf("put", key)]
  const json = valueOf(cell, "put", key, value)
  const name = path[0] as string
  record(cell, "put", key, {
    _tag: "put",
    path,
    value: json,
    ttlMillis,
    seen: seen(cell, name),
    atMillis: now(cell)
  })
}

/** Stores every entry of an object, each key a path; checks all of them before the first is stored. */
export const putAll = (cell: Cell, verb: string, object: object): void => {
  const entries = entriesOf(verb, object).map(([key, value]) => {
    pathOf(verb, key)
    return [key, valueOf(cell, verb, key, value)] as const
  })
  atomically(cell, () => {
    for (const [key, value] of entries) put(cell, key, value)
  })
}

/** Clears the data and stores an object. */
export const replace = (cell: Cell, object: object): void =>
  atomically(cell, () => {
    record(cell, "replace", "", { _tag: "clearData" })
    putAll(cell, "replace", object)
  })

/** The flash in whose shadow an operation reads a path. */
const shadow = (cell: Cell, path: ReadonlyArray<string>) => {
  const name = path[0] as string
  const own = Object.hasOwn(cell.state.now, name) ? cell.state.now[name] : undefined
  return { seen: seen(cell, name), own }
}

/** Changes a value by a pure function and gives the new one. */
export const modify = (cell: Cell, verb: string, key: Path.Key, change: Change): Json => {
  const path = pathOf(verb, key)
  record(cell, verb, key, {
    _tag: "modify",
    path,
    change,
    ...shadow(cell, path),
    atMillis: now(cell)
  })
  return copy(read(cell.state, path, now(cell)) as Json)
}

/** A change from a function over JSON, whose result is checked. */
export const changing =
  (cell: Cell, change: (current: Json | undefined) => unknown): Change =>
  (current) =>
    // A fault, not an exception: on a newer state it makes the commit a conflict.
    fromUnknown(
      change(current === undefined ? undefined : copy(current)),
      cell.surroundings.compiled.maxPayloadBytes
    )

/** Appends to a list. */
export const push = (cell: Cell, key: Path.Key, value: unknown): void => {
  modify(cell, "push", key, pushing(valueOf(cell, "push", key, value)))
}

/** Adds to a number. */
export const add = (cell: Cell, verb: string, key: Path.Key, by: number): number =>
  // Adding gives a number or a fault, which is thrown.
  modify(cell, verb, key, adding(by)) as number

/** Stores a value unless one is there by then. */
export const putMissing = (cell: Cell, key: Path.Key, value: unknown): Json => {
  const path = pathOf("remember", key)
  record(cell, "remember", key, {
    _tag: "putMissing",
    path,
    value: valueOf(cell, "remember", key, value),
    ...shadow(cell, path),
    atMillis: now(cell)
  })
  return copy(read(cell.state, path, now(cell)) as Json)
}

/** Removes keys, flash too. */
export const forget = (cell: Cell, verb: string, keys: Keys): void => {
  const paths = pathsOf(verb, keys)
  if (paths.length === 0) return
  const names = paths.map((path) => path[0] as string)
  record(cell, verb, "", { _tag: "forget", paths, seen: seen(cell, ...names) })
}

/** Reads and removes. */
export const pull = (cell: Cell, key: Path.Key): Json | undefined => {
  const value = get(cell, "pull", key)
  if (value !== undefined) forget(cell, "pull", [key])
  return value
}

/** Clears everything that belongs to the visitor; the id stays. */
export const flush = (cell: Cell): void =>
  record(cell, "flush", "", { _tag: "flush", csrfSecret: makeSecret() })

/** Flashes a value for this request and the next (`flash`), or for this one alone (`now`). */
export const flash = (cell: Cell, kind: "flash" | "now", key: Path.Key, value: unknown): void => {
  const name = nameOf(kind, key)
  const entry: FlashEntry = { id: makeEntryId(), value: valueOf(cell, kind, key, value) }
  record(cell, kind, name, { _tag: kind, name, entry })
}

/** Flashes every entry of an object, checking all before the first. */
export const flashAll = (cell: Cell, object: object): void => {
  const entries = entriesOf("flash", object).map(
    ([key, value]) => [nameOf("flash", key), valueOf(cell, "flash", key, value)] as const
  )
  for (const [name, value] of entries) flash(cell, "flash", name, value)
}

/** Keeps flash values one request more: the named ones, or all. */
export const keep = (cell: Cell, keys: Keys): void => {
  const names =
    keys.length === 0
      ? [...new Set([...Object.keys(cell.state.flash), ...Object.keys(cell.state.now)])]
      : keysOf(keys).map((key) => nameOf("keep", key))
  for (const name of names) {
    const shown = flashOf(cell.state, name)
    if (shown === undefined) continue
    const entry: FlashEntry = { id: makeEntryId(), value: shown.value }
    record(cell, "keep", name, { _tag: "keep", name, entry, seen: seen(cell, name) })
  }
}

/** Flashes form input for the next request, without what looks like a password or a token. */
export const flashInput = (cell: Cell, object: object): void => {
  const input = valueOf(cell, "flashInput", "", object)
  if (!isObject(input)) {
    const reason = "it takes an object of fields"
    throw new SessionEncodeError({ operation: "flashInput", key: "", reason })
  }
  const entry: FlashEntry = { id: makeEntryId(), value: withoutSecrets(input) }
  record(cell, "flashInput", "", { _tag: "flash", name: oldInput, entry })
}

/** Reads flashed form input. */
export const old = (cell: Cell, key: Path.Key): Json | undefined => {
  const path = pathOf("old", key)
  const input = flashOf(cell.state, oldInput)?.value
  if (!isObject(input)) return undefined
  const value = Path.get(input, path)
  return value === undefined ? undefined : copy(value)
}

/** Makes sure that a session is stored, even an empty one. */
export const start = (cell: Cell): void => {
  beginExplicitly(cell)
  if (cell.base === null) begin(cell, "start")
}

const begin = (cell: Cell, verb: string): void => {
  cell.late?.(verb, "")
  cell.started = true
}

/** A new id and CSRF token; the old id is quarantined. */
export const regenerate = (cell: Cell, reason: "regenerate" | "invalidate"): string => {
  if (reason === "regenerate") start(cell)
  record(cell, reason, "", { _tag: "csrf", secret: makeSecret() })
  return planMove(cell, "quarantine", reason)
}

/** A new id; the old one stays an alias for a while, or is quarantined with `destroy`. */
export const migrate = (cell: Cell, destroy: boolean): string => {
  if (cell.mode === "retired") return cell.id
  if (!destroy && (cell.viaAlias || cell.move !== null || isAliased(cell))) return cell.id
  cell.started = true
  return planMove(cell, destroy ? "quarantine" : "alias", "migrate")
}

/** True when this request has migrated the session already: the client's id leads to the new one, which it has not yet. */
const isAliased = ({ base, unsentId }: Cell): boolean =>
  base !== null && base.record.id === unsentId && base.record.previous?.kind === "alias"

/** Clears everything and gives a new id. */
export const invalidate = (cell: Cell): string => {
  flush(cell)
  return regenerate(cell, "invalidate")
}

/** A masked CSRF token; there is a session from then on. */
export const csrfToken = (cell: Cell): string => {
  if (cell.mode === "open" && cell.base === null) begin(cell, "csrfToken")
  return mask(cell.withSecret().csrfSecret)
}

/** Whether a token was made from this session's secret. */
export const verifyToken = (cell: Cell, token: string): boolean =>
  verify(cell.state.csrfSecret, token)

/** A new CSRF secret. */
export const regenerateToken = (cell: Cell): void =>
  record(cell, "regenerateToken", "", { _tag: "csrf", secret: makeSecret() })

/** Remembers a URL of this origin; `false` when it is not one. */
export const setPreviousUrl = (cell: Cell, url: string, origin?: string): boolean => {
  const clean =
    typeof url === "string" ? cleanPreviousUrl(url, origin ?? ownOrigin(cell, url)) : undefined
  if (clean === undefined) return false
  if (cell.state.previousUrl !== clean) {
    record(cell, "setPreviousUrl", "", { _tag: "previousUrl", url: clean })
  }
  return true
}

/** This request's own origin, with the scheme of the URL: a proxy may hide which one the browser sees. */
const ownOrigin = (cell: Cell, url: string): string | undefined => {
  const scheme = /^https?:/i.exec(url)?.[0]
  const host = scheme === undefined ? undefined : cell.surroundings.host?.()
  return host === undefined ? undefined : `${scheme}//${host}`
}

/** The remembered URL, checked again. */
export const previousUrl = (cell: Cell): string | undefined =>
  cell.state.previousUrl === null ? undefined : cleanPreviousUrl(cell.state.previousUrl)

/** How long this session lives from now on. */
export const setLifetime = (cell: Cell, lifetime: Lifetime): void =>
  record(cell, "setLifetime", "", { _tag: "lifetime", lifetime })
